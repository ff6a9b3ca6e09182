import { CACHE_POLICIES, presets } from '../../index.js';
import { type Arguments, parseArguments } from '../args.js';
import { InputError, type Io } from '../io.js';
import { jsonRecords, readText } from '../scenario/input.js';
import { runScenario, type Transcript } from '../scenario/transcript.js';

const PRESETS = Object.keys(presets);

export const usage = `usage: vtd run FILE|- [--preset NAME] [--cache POLICY] [--coherent]

Runs scenarios and prints a transcript of each, as NDJSON. FILE holds one scenario, an array of them or one a line
(JSON, plain or gzipped); - is standard input. A scenario that cannot be run gives a line with its error.

  --preset NAME   the unit of scenarios that name none (default qemu-11.1; with qemu-7.2, QEMU's option names in
                  scenarios mean those of 7.2):
                  ${PRESETS.slice(0, 5).join(', ')},
                  ${PRESETS.slice(5).join(', ')}
  --cache POLICY  the cache policy of scenarios that name none: ${Object.keys(CACHE_POLICIES).join(', ')}
  --coherent      all page walks are snooped
`;

export async function run(args: string[], io: Io): Promise<number> {
  const given = parseArguments(args, ['FILE'], { '--preset': 'value', '--cache': 'value', '--coherent': 'flag' });
  const defaults = {
    preset: choice(given, '--preset', presets),
    cache: choice(given, '--cache', CACHE_POLICIES),
    coherent: given.has('--coherent'),
  };
  const [file = '-'] = given.positionals;
  const records = jsonRecords(file, await readText(file));
  for (const record of records) io.stdout.write(`${lineOf(runScenario(record, defaults))}\n`);
  return 0;
}

/** A transcript as one line. */
function lineOf(transcript: Transcript): string {
  try {
    return JSON.stringify(transcript);
  } catch (error) {
    // a name may be any JSON value, also one that is too deep to be written
    return JSON.stringify({ name: null, error: 'scenario', message: (error as Error).message });
  }
}

function choice(args: Arguments, option: `--${string}`, choices: object): string | undefined {
  const value = args.value(option);
  if (value === undefined || Object.hasOwn(choices, value)) return value;
  throw new InputError(`${option} ${value}: choose one of ${Object.keys(choices).join(', ')}`);
}
