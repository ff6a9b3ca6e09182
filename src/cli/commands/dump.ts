import { usedWords } from '../../inspect/spelling.js';
import { type RegisterValue, showRegisters } from '../../regs/register-dump.js';
import { type DecodedField, decodeEntry } from '../../tables/entry-format.js';
import { judgedFormat } from '../../tables/judged-format.js';
import type { EntryRead } from '../../walk/observer.js';
import { parseArguments } from '../args.js';
import { type Capture, loadCapture, notModelledText } from '../captures/load.js';
import { type CapturedEntry, type CapturedTables, readTables, translationText } from '../captures/requesters.js';
import { bdf, hex } from '../format.js';
import type { Io } from '../io.js';
import { table, wrap } from '../table.js';

export const usage = `vtd dump CAPTURE [--all] [--json]

Decodes the registers of a captured state, and its present root and context entries; in scalable mode also the PASID
directory and table entries that requests can reach.

  --all   each field on a line of its own, with its meaning, also those that are 0
  --json  one line for each register ({"register","offset","value","fields"}), root entry ({"root":bus,"address","raw",
          "fields"}), context entry ({"context":sid,...}) and in scalable mode {"root":bus,"half",...},
          {"pasidDirectory":sid,"firstPasid",...}, {"pasidEntry":sid,"pasid",...}; a line {"notModelled":[names]}
          where the unit is not modelled yet: then the tables are not decoded, but {"device":sid,"driver"} tells the
          devices
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
  const isScalable = tables.entries.some(({ kind }) => kind === 'pasidDirectory');
  const kinds = isScalable ? 'root, context and PASID' : 'root and context';
  parts.push(`\nPresent ${kinds} entries\n`, all ? entryLines(tables) : entryTable(tables));
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

/** What an entry is of, for people. */
function nameOf({ kind, sourceId, pasid, driver, entry }: CapturedEntry): string {
  if (kind === 'context') return `${bdf(sourceId)} ${driver}`;
  if (kind === 'pasidDirectory') return `${bdf(sourceId)} PASID ${hex(pasid ?? 0)} on`;
  if (kind === 'pasidEntry') return `${bdf(sourceId)} PASID ${hex(pasid ?? 0)}`;
  return `bus ${hex(sourceId >> 8, 2)}${halfOf(entry, sourceId, ' ')}`;
}

/** Which half of a root entry of scalable mode serves a requester. */
function halfOf({ format }: EntryRead, sourceId: number, before: string): string {
  if (format.words > 1) return '';
  return before + ((sourceId & 0x80) === 0 ? 'lower' : 'upper');
}

function entryTable({ entries }: CapturedTables): string {
  const rows = entries.map((each) => {
    const words = wordsOf(each.entry);
    const isLong = words.length > 2;
    const raw = (isLong ? usedWords(words) : words).map((word) => hex(word, isLong ? 1 : 16)).join(' ');
    return [hex(addressOf(each.entry)), nameOf(each), raw, fieldsText(fieldsOf(each.entry))];
  });
  return table(['>address', 'of', 'entry', 'fields that are not 0'], rows);
}

function entryLines({ entries }: CapturedTables): string {
  return entries
    .map((each) => {
      const raw = wordsOf(each.entry).map((word) => hex(word, 16));
      const what =
        each.kind === 'context' || each.kind === 'pasidEntry'
          ? translationText(each.requester)
          : each.entry.format.name;
      return `${wrap(`  ${hex(addressOf(each.entry))} ${nameOf(each)}, ${raw.join(' ')}: ${what}`, 6)}\n${fieldLines(fieldsOf(each.entry))}`;
    })
    .join('');
}

function addressOf({ format, frame, index }: EntryRead): number {
  return frame * 4096 + index * format.words * 8;
}

function fieldsOf(entry: EntryRead): DecodedField[] {
  return decodeEntry(judgedFormat(entry.format, entry.words), wordsOf(entry));
}

/** The entry as 64-bit words. */
function wordsOf({ words }: EntryRead): bigint[] {
  const half = (index: number) => BigInt(words[index] >>> 0);
  return Array.from({ length: words.length / 2 }, (_, word) => (half(2 * word + 1) << 32n) | half(2 * word));
}

function jsonLines(capture: Capture, registers: readonly RegisterValue[], tables: CapturedTables | undefined): string {
  const fields = (list: readonly Field[]) => Object.fromEntries(list.map(({ name, value }) => [name, hex(value)]));
  const entry = (read: EntryRead) => ({
    address: hex(addressOf(read)),
    raw: wordsOf(read).map((word) => hex(word)),
    fields: fields(fieldsOf(read)),
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
    lines.push(...tables.entries.map((each) => ({ ...keyOf(each), ...entry(each.entry) })));
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** What an entry is of, for programs. */
function keyOf({ kind, sourceId, pasid, driver, entry }: CapturedEntry): object {
  if (kind === 'context') return { context: sourceId, driver };
  if (kind === 'pasidDirectory') return { pasidDirectory: sourceId, firstPasid: pasid };
  if (kind === 'pasidEntry') return { pasidEntry: sourceId, pasid };
  const half = halfOf(entry, sourceId, '');
  return half === '' ? { root: sourceId >> 8 } : { root: sourceId >> 8, half };
}
