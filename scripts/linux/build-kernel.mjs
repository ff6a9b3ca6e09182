// Builds the kernel of the Linux tests: the unpatched source of Debian, for i386, with what kernel.config adds to the
// smallest configuration. About 12 minutes on two cores. Needs gcc, make, flex, bison, bc and libelf-dev.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { CACHE, debianPackage, run } from './debian.mjs';
import { BUILT_KERNEL } from './guest-files.mjs';

const SOURCE = 'linux-source-7.2';
const OPTIONS = readFileSync(new URL('kernel.config', import.meta.url), 'utf8');

/** Options that have not become what they were set to: a newer source may have renamed one. */
function unheeded(/** @type {string} */ configuration) {
  const lines = new Set(configuration.split('\n'));
  return OPTIONS.split('\n').filter((line) => {
    const [name = '', value] = line.split('=');
    if (value === undefined) return false;
    const set = [...lines].some((each) => each.startsWith(`${name}=`));
    return value === 'n' ? set : !lines.has(line);
  });
}

for (const tool of ['gcc', 'make', 'flex', 'bison', 'bc', 'xz']) {
  if (spawnSync(tool, ['--version']).error !== undefined) {
    throw new Error(`${tool} is missing: apt-get install gcc make flex bison bc libelf-dev xz-utils`);
  }
}

const source = join(CACHE, SOURCE);
if (!existsSync(source)) {
  console.log(`fetching and unpacking ${SOURCE}`);
  const part = join(CACHE, 'source.part');
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const archive = join(debianPackage(SOURCE, 'sid'), 'usr', 'src', `${SOURCE}.tar.xz`);
  run('tar', ['--extract', '--file', archive, '--directory', part]);
  renameSync(join(part, SOURCE), source);
  rmSync(part, { recursive: true });
}

const output = join(CACHE, 'build');
mkdirSync(output, { recursive: true });
const make = ['-C', source, `O=${output}`, 'ARCH=i386'];
const configuration = join(output, '.config');
run('make', [...make, 'tinyconfig']);
writeFileSync(configuration, readFileSync(configuration, 'utf8') + OPTIONS);
run('make', [...make, 'olddefconfig']);
const left = unheeded(readFileSync(configuration, 'utf8'));
if (left.length > 0) throw new Error(`${SOURCE} does not take these options of kernel.config: ${left.join(', ')}`);

const { status } = spawnSync('make', [...make, `-j${availableParallelism()}`, 'bzImage'], { stdio: 'inherit' });
if (status !== 0) throw new Error(`the build of ${SOURCE} failed: what is missing stands above`);
copyFileSync(join(output, 'arch', 'x86', 'boot', 'bzImage'), BUILT_KERNEL);
console.log(`built ${BUILT_KERNEL}`);
