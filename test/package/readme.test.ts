import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The JavaScript of the README, block by block. */
const blocks = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, lines]) => lines as string);

/** Runs a block; what it printed. */
function printedBy(lines: string): string {
  // beside the package's own sources, so that its name leads to what was built
  const folder = mkdtempSync(join(root, '.readme-'));
  try {
    const file = join(folder, 'embed.mjs');
    writeFileSync(file, lines);
    return execFileSync(process.execPath, [file], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the lines of the README that embed the unit run, and print what their comments say', () => {
  expect(blocks).toHaveLength(2);
  const [lines] = blocks as [string];
  expect(lines.split('\n').length).toBeLessThan(45);
  const printed = printedBy(lines);
  expect(printed).toContain('4030201\n800004\n');
  expect(printed).toContain('LGN.2: no permission to write');
  expect(printed).toContain('map 4096 4096 8388608');
  expect(printed).toMatch(/=> fault LGN\.2 \(0x05\): no permission to write/);
});

test('so do those that make a DMAR table', () => {
  expect(printedBy(blocks[1] as string)).toBe('64 0\n[ 272, 256 ]\n');
});

test('the README names the two commands, and they are scripts of the package', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(readme).toContain('npm ci && npm start');
  expect(readme).toContain('npm ci && npm test');
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test', 'test:qemu', 'bench']));
});
