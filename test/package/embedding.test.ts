import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programOf, root, runProgram } from './run-program.js';

const program = programOf(readFileSync(join(root, 'docs', 'embedding.md'), 'utf8'));

/** An object that does not fit a line is printed on several. */
const onOneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

test('the program of the embedding guide prints what its comments say', () => {
  const printing = program.split('\n').filter((line) => line.includes('console.log('));
  const comments = printing.map((line) => line.split(' // ')[1]);
  expect(comments.length).toBeGreaterThan(20);
  expect(onOneLine(runProgram(program))).toBe(onOneLine(comments.join('\n')));
});
