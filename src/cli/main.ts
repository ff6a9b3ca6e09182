#!/usr/bin/env node
import { readFileSync, realpathSync } from 'node:fs';
import { argv, env, exit, stderr, stdout } from 'node:process';
import { pathToFileURL } from 'node:url';
import { clean } from './format.js';
import { InputError, type Io, NotModelledError } from './io.js';
import { table } from './table.js';

/** What each file of `commands/` exports. */
interface Command {
  readonly usage: string;
  run(args: string[], io: Io): Promise<number>;
}

const COMMANDS: Readonly<Record<string, { readonly about: string; load(): Promise<Command> }>> = {
  demo: {
    about: 'show what the model makes of a captured Linux guest, and check it all',
    load: () => import('./commands/demo.js'),
  },
  maps: { about: 'list every live mapping of a capture', load: () => import('./commands/maps.js') },
  translate: { about: 'translate an address of a device', load: () => import('./commands/translate.js') },
  explain: {
    about: 'tell why an address is translated so or not, or what an interrupt request meets',
    load: () => import('./commands/explain.js'),
  },
  interrupts: {
    about: 'list the interrupt-remapping entries of a capture',
    load: () => import('./commands/interrupts.js'),
  },
  dump: { about: 'decode registers, root and context entries', load: () => import('./commands/dump.js') },
  dmar: { about: 'decode an ACPI DMAR table, and say what is wrong with it', load: () => import('./commands/dmar.js') },
  probe: { about: "compare with QEMU's answers", load: () => import('./commands/probe.js') },
  log: {
    about: "play a driver's register accesses, and compare what it read",
    load: () => import('./commands/log.js'),
  },
  run: { about: 'run scenarios and print transcripts', load: () => import('./commands/run.js') },
};

function usage(): string {
  const commands = Object.entries(COMMANDS).map(([name, { about }]) => [`vtd ${name}`, about]);
  return [
    'vtd: Intel VT-d (DMA remapping), modelled\n\n',
    table(['', ''], commands),
    '\nvtd COMMAND --help tells more; vtd --version prints the version.\n',
    'A CAPTURE is a directory with the state of an IOMMU, or the name of one that comes with the package.\n',
    'Exit codes: 0 done, 1 something differs or is not modelled yet, 2 the input cannot be used.\n',
  ].join('');
}

/**
 * Runs a command line.
 *
 * @param args - what stands behind `vtd`
 * @returns the exit code
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    if (!(error instanceof InputError) && !(error instanceof NotModelledError)) throw error;
    io.stderr.write(`vtd: ${clean(error.message)}\n`);
    return error instanceof InputError ? 2 : 1;
  }
}

async function dispatch([name, ...rest]: readonly string[], io: Io): Promise<number> {
  if (name === undefined) throw new InputError('which command? see vtd --help');
  if (name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(usage());
    return 0;
  }
  if (name === '--version') {
    const file = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    io.stdout.write(`${file.version}\n`);
    return 0;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) {
    throw new InputError(`unknown ${name.startsWith('-') ? 'option' : 'command'} ${name}: see vtd --help`);
  }
  const command = await entry.load();
  const options = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (options.includes('--help') || options.includes('-h')) {
    io.stdout.write(command.usage);
    return 0;
  }
  return command.run(rest, io);
}

/** Whether this file is what Node was started with, through whatever links. */
function isProgram(): boolean {
  const [, file] = argv;
  return file !== undefined && pathToFileURL(realpathSync(file)).href === import.meta.url;
}

if (isProgram()) {
  // whoever reads the output may have seen enough of it
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    exit(0);
  });
  process.exitCode = await main(argv.slice(2), { stdout, stderr, isTTY: stderr.isTTY === true, env });
}
