import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'intel-iommu-consumer-'));
const installed = join(project, 'node_modules', 'intel-iommu');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const CONSUMER = `import { GuestMemory, IntelIommu } from 'intel-iommu';
import { ModelDevice } from 'intel-iommu/testing';
import { attachV86 } from 'intel-iommu/v86';
const unit: IntelIommu = new IntelIommu({ memory: GuestMemory.ram(1 << 20) });
unit.on('fault', (event) => event satisfies object);
const device = new ModelDevice(unit, { sourceId: 0x0100 });
device.write(0x1000n, Uint8Array.of(1)).status satisfies string;
if (typeof attachV86 !== 'function') throw new Error('attachV86 is missing');
`;

/** Runs a command in the consumer's project; what it printed. A command that fails throws with what it printed. */
function run(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

const evaluate = (type: 'module' | 'commonjs', code: string) =>
  run(process.execPath, `--input-type=${type}`, '-e', code);

function compile(settings: Record<string, unknown>): void {
  const compilerOptions = { strict: true, target: 'ES2022', lib: ['ES2022'], types: [], noEmit: true, ...settings };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  run(process.execPath, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', project);
}

// The scripts are left out: what is packed is the dist/ that this run built, and other tests are using it.
beforeAll(() => {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  writeFileSync(join(project, 'consumer.ts'), CONSUMER);
  run('npm', 'pack', root, '--ignore-scripts', '--pack-destination', project);
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'));
  run('npm', 'install', `./${tarball}`, '--prefer-offline', '--no-audit', '--no-fund');
}, 180_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the packed package, installed in an empty project', () => {
  test('brings only its two run-time dependencies and theirs', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['buffer', 'eventemitter3']);
    const packages = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(packages.sort()).toEqual(['base64-js', 'buffer', 'eventemitter3', 'ieee754', 'intel-iommu']);
  });

  test('holds what it needs to run and nothing of how it is made', () => {
    const allowed = ['LICENSE', 'README.md', 'captures', 'dist', 'docs', 'package.json'];
    const packed = readdirSync(installed);
    expect(packed.filter((name) => !allowed.includes(name))).toEqual([]);
    expect(packed).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'captures', 'dist', 'package.json']));
    const built = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' });
    expect(built.filter((name) => /\.test\.|\.tsbuildinfo$/.test(name))).toEqual([]);
  });

  test('can be imported: IntelIommu is a class', () => {
    expect(evaluate('module', "console.log(typeof (await import('intel-iommu')).IntelIommu)").trim()).toBe('function');
  });

  test('can be required by a CommonJS program', () => {
    expect(evaluate('commonjs', "console.log(typeof require('intel-iommu').IntelIommu)").trim()).toBe('function');
    expect(evaluate('commonjs', "console.log(typeof require('intel-iommu/testing').ModelDevice)").trim()).toBe(
      'function',
    );
    expect(evaluate('commonjs', "console.log(typeof require('intel-iommu/v86').attachV86)").trim()).toBe('function');
  });

  test('keeps its inner modules to itself', () => {
    const code = "await import('intel-iommu/dist/index.js').catch((error) => console.log(error.code))";
    expect(evaluate('module', code).trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  test('runs the embedding of the type test', () => {
    const code = CONSUMER.replace('unit: IntelIommu', 'unit').replaceAll(/ satisfies [a-z]+/g, '');
    expect(evaluate('module', code)).toBe('');
  });

  test.each([
    ['Node', { module: 'NodeNext' }],
    ['a bundler', { module: 'ESNext', moduleResolution: 'Bundler' }],
  ])('has types for %s, which need neither the DOM nor Node', (_, settings) => {
    compile(settings);
  });

  test('has types that refuse a wrong argument', () => {
    writeFileSync(join(project, 'consumer.ts'), CONSUMER.replace('GuestMemory.ram(1 << 20)', "'16 MiB'"));
    expect(() => compile({ module: 'NodeNext' })).toThrow(/TS2322/);
  });

  test('installs the command `vtd`, which tells how it is used', () => {
    expect(run('npx', '--no-install', 'vtd', '--help')).toMatch(/vtd/);
  });
});

describe('the lock file', () => {
  test('names no registry: it installs from whichever the machine uses', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
    const resolved = Object.entries<{ resolved?: string }>(packages).filter(
      ([, entry]) => entry.resolved !== undefined,
    );
    expect(resolved).toEqual([]);
  });
});
