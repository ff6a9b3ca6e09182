import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('the lines of the README that embed the unit run, and print what their comments say', () => {
  const lines = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  expect(lines.split('\n').length).toBeLessThan(45);
  // beside the package's own sources, so that its name leads to what was built
  const folder = mkdtempSync(join(root, '.readme-'));
  try {
    const file = join(folder, 'embed.mjs');
    writeFileSync(file, lines);
    const printed = execFileSync(process.execPath, [file], { encoding: 'utf8' });
    expect(printed).toContain('4030201\n800004\n');
    expect(printed).toContain('LGN.2: no permission to write');
    expect(printed).toContain('map 4096 4096 8388608');
    expect(printed).toMatch(/=> fault LGN\.2 \(0x05\): no permission to write/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the README names the two commands, and they are scripts of the package', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(readme).toContain('npm ci && npm start');
  expect(readme).toContain('npm ci && npm test');
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test', 'test:qemu', 'bench']));
});
