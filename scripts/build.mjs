// Builds dist/ from src/. With --if-stale, only where a source or a setting is newer than the last build.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const command = join(dist, 'cli', 'main.js');

/**
 * When a file, or anything in a folder, was last changed. Folders count themselves: a deleted file shows only there.
 * @param {string} path
 * @returns {number}
 */
function lastChange(path) {
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(status.mtimeMs, ...readdirSync(path).map((name) => lastChange(join(path, name))));
}

function isFresh() {
  if (!existsSync(command)) return false;
  const inputs = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
  return Math.max(...inputs.map((name) => lastChange(join(root, name)))) < statSync(dist).mtimeMs;
}

function build() {
  rmSync(dist, { recursive: true, force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(compiler)) {
    console.error('The compiler is not installed: run `npm ci` first.');
    return 1;
  }
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) return status ?? 1;
  chmodSync(command, 0o755);
  return 0;
}

if (!process.argv.includes('--if-stale') || !isFresh()) process.exitCode = build();
