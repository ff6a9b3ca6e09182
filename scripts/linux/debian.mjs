// Files of Debian packages, fetched with the machine's own apt into .cache/linux. Needs no root: apt's lists are there too.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where fetched and built things are kept. It may be removed at any time. */
export const CACHE = fileURLToPath(new URL('../../.cache/linux', import.meta.url));

/**
 * Runs a command.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, input?: string }} [options]
 * @returns {string} its standard output
 * @throws Error with what it printed, if it fails
 */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options });
  if (result.error !== undefined) throw new Error(`${command} could not be run: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/**
 * The unpacked files of a package.
 *
 * @param {string} name - as apt names it, e.g. `busybox-static:i386`
 * @param {string} [suite] - a suite of Debian, e.g. `sid`; default what the machine's own sources name
 * @returns {string} the folder in which it is unpacked
 * @throws Error if it cannot be fetched
 */
export function debianPackage(name, suite) {
  const folder = join(CACHE, 'packages', name.replace(':', '-'));
  if (existsSync(folder)) return folder;
  const downloads = join(CACHE, 'downloads');
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(downloads, { recursive: true });
  const options = aptOptions(suite);
  // one index of several that is out of step with its mirror does not matter, if the package is found
  spawnSync('apt-get', [...options, 'update'], { encoding: 'utf8' });
  run('apt-get', [...options, 'download', name], { cwd: downloads });
  const [archive] = readdirSync(downloads);
  if (archive === undefined) throw new Error(`apt-get download ${name} left no file`);
  const unpacked = join(downloads, 'unpacked');
  run('dpkg-deb', ['--extract', join(downloads, archive), unpacked]);
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(unpacked, folder);
  rmSync(downloads, { recursive: true });
  return folder;
}

/** @param {string | undefined} suite */
function aptOptions(suite) {
  const state = join(CACHE, 'apt', suite ?? 'own');
  mkdirSync(join(state, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(state, 'archives', 'partial'), { recursive: true });
  const settings = {
    'Dir::State': state,
    'Dir::State::status': '/dev/null',
    'Dir::Cache': state,
    'APT::Architectures': 'amd64,i386',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  const options = ['-q', '-q', ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
  if (suite === undefined) return options;
  const list = join(state, 'sources.list');
  writeFileSync(list, `deb ${debianRepository()} ${suite} main\n`);
  return [...options, '-o', `Dir::Etc::SourceList=${list}`, '-o', 'Dir::Etc::SourceParts=/dev/null'];
}

/** The repository from which the machine has Debian itself. */
function debianRepository() {
  const targets = run('apt-get', ['indextargets', '--format', '$(LABEL) $(REPO_URI)', 'Created-By: Packages']);
  const uri = /^Debian (\S+)$/m.exec(targets)?.[1];
  if (uri === undefined) throw new Error('apt knows no repository of Debian: run apt-get update, on Debian');
  return uri;
}
