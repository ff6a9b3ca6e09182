import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The blocks of JavaScript in a document, one after the other. */
export function programOf(markdown: string): string {
  return [...markdown.matchAll(/```js\n([\s\S]*?)```/g)].map(([, lines]) => lines).join('\n');
}

/** Runs a program that imports the package by its name; answers what it printed. */
export function runProgram(program: string): string {
  // beside the package's own sources, so that its name leads to what was built
  const folder = mkdtempSync(join(root, '.program-'));
  try {
    const file = join(folder, 'program.mjs');
    writeFileSync(file, program);
    return execFileSync(process.execPath, [file], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
