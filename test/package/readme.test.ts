import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programOf, root, runProgram } from './run-program.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The README from a heading to the next one. */
function section(heading: string): string {
  const [, text = ''] = readme.split(`\n${heading}\n`);
  return text.split(/\n##+ /)[0];
}

test('the lines of the README that embed the unit run, and print what their comments say', () => {
  const program = programOf(section('## Use'));
  expect(program.split('\n').length).toBeLessThan(70);
  const printed = runProgram(program);
  expect(printed).toContain('4030201\n800004\n');
  expect(printed).toContain('LGN.2: no permission to write');
  expect(printed).toContain('map 4096 4096 8388608');
  expect(printed).toMatch(/=> fault LGN\.2 \(0x05\): no permission to write/);
});

test('the round of shared virtual memory in the cookbook prints what its comments say', () => {
  const program = programOf(section('### Shared virtual memory, with a device that the package brings'));
  expect(runProgram(program).trim().split('\n')).toEqual([
    'event page-request',
    'waiting',
    'done 1',
    '0',
    '1',
    'event page-request',
    'waiting',
  ]);
});

test('the README names the two commands, and they are scripts of the package', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(readme).toContain('npm ci && npm start');
  expect(readme).toContain('npm ci && npm test');
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test', 'test:qemu', 'bench']));
});
