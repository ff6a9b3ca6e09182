import { messageText } from '../../inspect/explain-interrupt.js';
import { parseArguments } from '../args.js';
import { type CapturedInterrupt, readInterrupts } from '../captures/interrupt-entries.js';
import { loadModelled, type ModelledCapture } from '../captures/load.js';
import { bdf, hex } from '../format.js';
import type { Io } from '../io.js';
import { table } from '../table.js';

export const usage = `vtd interrupts CAPTURE [--json]

Lists the present entries of the interrupt-remapping table of a captured state: who may send the interrupt, and where it
goes.

  --json  one line for each entry: {"index","lo","hi","mode","sid","sq","svt","fields", and as the mode has them
          "vector","dest","dlm","dm","rh","tm", or "vector","descriptor","urgent", or "about" of a wrong entry}
`;

const IRE = 0x0200_0000;

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['CAPTURE'], { '--json': 'flag' });
  const capture = loadModelled(options.positionals[0]);
  // without interrupt remapping there is no table
  const isOn = (capture.registers.read32(0x1c) & IRE) !== 0;
  const entries = isOn ? readInterrupts(capture) : [];
  if (options.has('--json')) {
    for (const entry of entries) io.stdout.write(`${JSON.stringify(jsonLine(entry))}\n`);
    return 0;
  }
  if (!isOn) io.stdout.write('Interrupt remapping is off: every request is delivered as it is sent.\n');
  else io.stdout.write(text(capture, entries));
  return 0;
}

function text({ devices }: ModelledCapture, entries: readonly CapturedInterrupt[]): string {
  const drivers = new Map(devices.map(({ sourceId, driver }) => [sourceId, driver]));
  const rows = entries.map((entry) => [
    hex(entry.index),
    entry.target.mode,
    sourceText(entry, drivers),
    field(entry, 'FPD') === 0 ? '' : 'FPD',
    targetText(entry),
  ]);
  const columns = ['>index', 'mode', 'source', '', 'goes to'];
  return `${rows.length === 0 ? '' : table(columns, rows)}${entries.length} present ${entries.length === 1 ? 'entry' : 'entries'}\n`;
}

function field({ fields }: CapturedInterrupt, name: string): number {
  return Number(fields.find((each) => each.name === name)?.value ?? 0);
}

/** Who may use an entry (§9.9). */
function sourceText(entry: CapturedInterrupt, drivers: ReadonlyMap<number, string>): string {
  const sid = field(entry, 'SID');
  const driver = drivers.get(sid) ?? '';
  const open = ['', ', bit 2 open', ', bits 2:1 open', ', bits 2:0 open'][field(entry, 'SQ')];
  const one = `${bdf(sid)}${driver === '' ? '' : ` (${driver})`}${open}`;
  return ['any', one, `buses ${hex(sid >> 8)} to ${hex(sid & 0xff)}`, 'SVT=3'][field(entry, 'SVT')];
}

function targetText({ target }: CapturedInterrupt): string {
  if (target.mode === 'wrong') return target.about;
  if (target.mode === 'remapped') return messageText(target.message);
  return `vector ${hex(target.vector)} in the descriptor at ${hex(target.descriptor)}${target.urgent ? ', urgent' : ''}`;
}

function jsonLine(entry: CapturedInterrupt): object {
  const { index, lo, hi, target, fields } = entry;
  const of = (name: string) => field(entry, name);
  const common = { index, lo: hex(lo), hi: hex(hi), mode: target.mode, sid: of('SID'), sq: of('SQ'), svt: of('SVT') };
  const named = { fields: Object.fromEntries(fields.map(({ name, value }) => [name, hex(value)])) };
  if (target.mode === 'wrong') return { ...common, about: target.about, ...named };
  if (target.mode === 'posted') {
    const { vector, descriptor, urgent } = target;
    return { ...common, vector, descriptor: hex(descriptor), urgent, ...named };
  }
  const { vector, destination } = target.message;
  const dest = { vector, dest: hex(destination), dlm: of('DLM'), dm: of('DM'), rh: of('RH'), tm: of('TM') };
  return { ...common, ...dest, ...named };
}
