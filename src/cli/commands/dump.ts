import { type RegisterValue, showRegisters } from '../../regs/register-dump.js';
import { type DecodedField, decodeEntry } from '../../tables/entry-format.js';
import type { EntryRead } from '../../walk/observer.js';
import { parseArguments } from '../args.js';
import { type Capture, loadCapture, notModelledText } from '../captures/load.js';
import { type CapturedTables, readTables, translationText } from '../captures/requesters.js';
import { bdf, hex } from '../format.js';
import type { Io } from '../io.js';
import { table, wrap } from '../table.js';

export const usage = `vtd dump CAPTURE [--all] [--json]

Decodes the registers of a captured state, and its present root and context entries.

  --all   each field on a line of its own, with its meaning, also those that are 0
  --json  one line for each register ({"register","offset","value","fields"}), root entry ({"root":bus,"address","raw",
          "fields"}) and context entry ({"context":sid,...}); a line {"notModelled":[names]} where the unit is not
          modelled yet: then the tables are not decoded, but {"device":sid,"driver"} tells the devices
`;

/** A field, of a register or an entry. */
type Field = Pick<DecodedField, 'name' | 'value' | 'about'>;

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['CAPTURE'], { '--all': 'flag', '--json': 'flag' });
  const capture = loadCapture(options.positionals[0]);
  const { unit } = capture;
  const registers = showRegisters(capture.registers, capture.capabilities);
  const tables = unit === undefined ? undefined : readTables({ ...capture, unit });
  io.stdout.write(
    options.has('--json')
      ? jsonLines(capture, registers, tables)
      : text(capture, registers, tables, options.has('--all')),
  );
  return 0;
}

function text(
  capture: Capture,
  registers: readonly RegisterValue[],
  tables: CapturedTables | undefined,
  all: boolean,
): string {
  const parts = [`${originText(capture)}\n\nRegisters\n`];
  parts.push(all ? registers.map(registerLines).join('') : registerTable(registers));
  if (tables === undefined) {
    const devices = capture.devices.map(({ sourceId, driver }) => [bdf(sourceId), driver]);
    parts.push(`\n${wrap(`The tables are not decoded; ${notModelledText(capture)}`, 2)}\n`);
    return [...parts, '\nDevices\n', table(['', ''], devices)].join('');
  }
  parts.push('\nPresent root and context entries\n', all ? entryLines(tables) : entryTable(tables));
  return parts.join('');
}

/** Where a capture comes from. */
export function originText({ name, origin: { note, kernel, qemu, options } }: Capture): string {
  const lines = [
    `${name}: ${note}`,
    `Linux ${kernel} on ${qemu}`,
    `-device intel-iommu${options === '' ? '' : `,${options}`}`,
  ];
  return lines.map((line) => wrap(line, 2)).join('\n');
}

/** Registers below each other, each with its fields that are not 0. */
export function registerTable(registers: readonly RegisterValue[]): string {
  const rows = registers.map(({ name, offset, bytes, value, fields }) => [
    hex(offset, 3),
    name,
    hex(value, 2 * bytes),
    fieldsText(fields),
  ]);
  return table(['offset', 'name', '>value', 'fields that are not 0'], rows);
}

function registerLines({ name, offset, bytes, value, about, fields }: RegisterValue): string {
  return `  ${hex(offset, 3)} ${name} ${hex(value, 2 * bytes)}: ${about}\n${fieldLines(fields)}`;
}

function fieldLines(fields: readonly Field[]): string {
  const rows = fields.map(({ name, value, about }) => [name, hex(value), about]);
  return table(['', '>', ''], rows, '      ');
}

function fieldsText(fields: readonly Field[]): string {
  const set = fields.filter(({ value }) => value !== 0n);
  return set.map(({ name, value }) => `${name}=${value < 10n ? value : hex(value)}`).join(' ');
}

interface NamedEntry {
  readonly name: string;
  readonly entry: EntryRead;
  readonly what: string;
}

/** The root entries, each followed by the context entries of its bus. */
function entriesOf({ roots, requesters }: CapturedTables): NamedEntry[] {
  return roots.flatMap(({ entry: root, first, last }) => [
    { name: rootName(first, last), entry: root, what: root.format.name },
    ...requesters
      .filter(({ sourceId }) => sourceId >= first && sourceId <= last)
      .map(({ sourceId, driver, entry, requester }) => ({
        name: `${bdf(sourceId)} ${driver}`,
        entry,
        what: translationText(requester),
      })),
  ]);
}

function rootName(first: number, last: number): string {
  const bus = `bus ${hex(first >> 8, 2)}`;
  return last - first === 0xff ? bus : `${bus}, ${(first & 0x80) === 0 ? '00.0 to 0f.7' : '10.0 to 1f.7'}`;
}

function entryTable(tables: CapturedTables): string {
  const rows = entriesOf(tables).map(({ name, entry }) => [
    hex(addressOf(entry)),
    name,
    rawText(entry),
    fieldsText(decodeEntry(entry.format, wordsOf(entry))),
  ]);
  return table(['>address', 'of', 'entry', 'fields that are not 0'], rows);
}

function entryLines(tables: CapturedTables): string {
  return entriesOf(tables)
    .map(({ name, entry, what }) => {
      const title = `  ${hex(addressOf(entry))} ${name}, ${rawText(entry)}: ${what}\n`;
      return title + fieldLines(decodeEntry(entry.format, wordsOf(entry)));
    })
    .join('');
}

function addressOf({ frame, index, format }: EntryRead): number {
  return frame * 4096 + index * format.words * 8;
}

/** The entry as 64-bit words. */
function wordsOf({ words }: EntryRead): bigint[] {
  const half = (index: number) => BigInt(words[index] >>> 0);
  return Array.from({ length: words.length / 2 }, (_, word) => (half(2 * word + 1) << 32n) | half(2 * word));
}

/** An entry in figures: both words of a short one, of a longer one all up to the last that is not 0. */
function rawText(entry: EntryRead): string {
  const words = wordsOf(entry);
  while (words.length > 2 && words[words.length - 1] === 0n) words.pop();
  return words.map((word) => hex(word, 16)).join(' ');
}

function jsonLines(capture: Capture, registers: readonly RegisterValue[], tables: CapturedTables | undefined): string {
  const fields = (list: readonly Field[]) => Object.fromEntries(list.map(({ name, value }) => [name, hex(value)]));
  const entry = (read: EntryRead) => ({
    address: hex(addressOf(read)),
    raw: wordsOf(read).map((word) => hex(word)),
    fields: fields(decodeEntry(read.format, wordsOf(read))),
  });
  const lines: object[] = registers.map((register) => ({
    register: register.name,
    offset: hex(register.offset),
    value: hex(register.value),
    fields: fields(register.fields),
  }));
  if (tables === undefined) {
    lines.push({ notModelled: capture.notModelled });
    lines.push(...capture.devices.map(({ sourceId, driver }) => ({ device: sourceId, driver })));
  } else {
    lines.push(...tables.roots.map(({ entry: root, first }) => ({ root: first >> 8, ...entry(root) })));
    lines.push(
      ...tables.requesters.map((each) => ({ context: each.sourceId, driver: each.driver, ...entry(each.entry) })),
    );
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
