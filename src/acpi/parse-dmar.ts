import { Buffer } from 'buffer/index.js';
import { byteSum } from './build-dmar.js';
import { type ByteFormat, type Properties, readFields, reservedBitsSet } from './byte-fields.js';
import type { CompleteDmar, DmarStructure, DmarTable } from './dmar.js';
import { DEVICE_SCOPE, SCOPE_TYPES, STRUCTURES, type StructureFormat, TABLE_HEADER } from './dmar-formats.js';

/** Something about the bytes of a table. */
export interface DmarRemark {
  /** Where it is, in bytes from the start of the table. */
  readonly offset: number;
  readonly message: string;
}

/**
 * What became of bytes: a table, or why they are none. Remarks tell what the table does not hold, since it has no
 * meaning: a wrong checksum, reserved bits that are set, bytes that nothing covers. A table without remarks is built
 * into the same bytes again.
 */
export type ParsedDmar =
  | { readonly ok: true; readonly table: CompleteDmar<DmarTable>; readonly remarks: readonly DmarRemark[] }
  | { readonly ok: false; readonly problem: DmarRemark };

/** Bytes of a structure's type and length. */
const STRUCTURE_FRAME = 4;

/** Types and lengths make no sense from here on. */
class Malformed extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/**
 * Reads the bytes of an ACPI DMAR table, whoever wrote them (§8.1). They are refused where lengths contradict each other,
 * so that nobody can know what was meant: cut off, a structure shorter than its fixed part or longer than what is left,
 * a device scope likewise. Structures of unknown type are kept as they are (§8.2).
 *
 * @param bytes - the table; what follows its end is left alone
 * @throws TypeError if it is given no bytes
 *
 * @example
 * const parsed = parseDmar(readFileSync('/sys/firmware/acpi/tables/DMAR'));
 * if (parsed.ok) console.log(parsed.table.structures);
 * else console.log(parsed.problem.message);
 */
export function parseDmar(bytes: Uint8Array): ParsedDmar {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`bytes is ${String(bytes)}: give a Uint8Array`);
  try {
    return parse(Buffer.from(bytes));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { ok: false, problem: { offset: error.offset, message: error.message } };
  }
}

function parse(all: Buffer): ParsedDmar {
  if (all.length < TABLE_HEADER.bytes) {
    throw new Malformed(0, `${all.length} bytes are too few: the header of a DMAR table has ${TABLE_HEADER.bytes}`);
  }
  if (all.toString('latin1', 0, 4) !== 'DMAR') throw new Malformed(0, 'no DMAR table: it does not begin with "DMAR"');
  const length = all.readUInt32LE(4);
  if (length < TABLE_HEADER.bytes || length > all.length) {
    throw new Malformed(
      4,
      `the table says that it has ${length} bytes: ${all.length} are there, and its header has 48`,
    );
  }
  const bytes = all.subarray(0, length) as Buffer;
  const remarks: DmarRemark[] = [];
  if (all.length > length) remarks.push({ offset: length, message: `${all.length - length} bytes follow the table` });
  const sum = byteSum(bytes);
  if (sum !== 0) {
    remarks.push({
      offset: 9,
      message: `wrong checksum: it is ${hex(bytes[9])}, and ${hex((bytes[9] - sum) & 0xff)} would be right`,
    });
  }
  remarkReserved(TABLE_HEADER, bytes, 0, remarks);
  const structures: CompleteDmar<DmarStructure>[] = [];
  for (let at = TABLE_HEADER.bytes; at < length; ) {
    const end = structureEnd(bytes, at);
    structures.push(parseStructure(bytes, at, end, remarks));
    at = end;
  }
  const table: Properties = { ...readFields(TABLE_HEADER, bytes, 0), structures };
  return { ok: true, table: table as CompleteDmar<DmarTable>, remarks };
}

function structureEnd(bytes: Buffer, at: number): number {
  const left = bytes.length - at;
  if (left < STRUCTURE_FRAME)
    throw new Malformed(at, `${left} bytes are left at the end: a structure has at least ${STRUCTURE_FRAME}`);
  const length = bytes.readUInt16LE(at + 2);
  const { name, bytes: least } = formatOf(bytes.readUInt16LE(at)) ?? { name: 'a structure', bytes: STRUCTURE_FRAME };
  if (length < least) throw new Malformed(at + 2, `${name} has length ${length}: it has at least ${least} bytes`);
  if (length > left)
    throw new Malformed(at + 2, `${name} has length ${length}: only ${left} bytes are left of the table`);
  return at + length;
}

function formatOf(number: number): StructureFormat | undefined {
  return STRUCTURES.find((format) => format.number === number);
}

function parseStructure(bytes: Buffer, at: number, end: number, remarks: DmarRemark[]): CompleteDmar<DmarStructure> {
  const number = bytes.readUInt16LE(at);
  const format = formatOf(number);
  if (format === undefined) return { type: number, body: Uint8Array.from(bytes.subarray(at + STRUCTURE_FRAME, end)) };
  const { name: type, rest } = format;
  remarkReserved(format, bytes, at, remarks);
  const structure: Properties = { type, ...readFields(format, bytes, at) };
  const start = at + format.bytes;
  if (rest === 'scopes') structure.scopes = parseScopes(bytes, start, end, remarks);
  else if (rest === 'objectName') structure.objectName = parseName(bytes, start, end, remarks);
  else if (end > start) remarks.push({ offset: start, message: `${end - start} bytes too many in ${type}` });
  return structure as CompleteDmar<DmarStructure>;
}

function parseName(bytes: Buffer, start: number, end: number, remarks: DmarRemark[]): string {
  const zero = bytes.subarray(start, end).indexOf(0);
  const last = zero < 0 ? end : start + zero;
  if (last === end) remarks.push({ offset: end, message: 'the object name is not terminated by a 0' });
  else if (last + 1 < end)
    remarks.push({ offset: last + 1, message: `${end - last - 1} bytes follow the object name` });
  return bytes.toString('latin1', start, last);
}

function parseScopes(bytes: Buffer, start: number, end: number, remarks: DmarRemark[]): Properties[] {
  const scopes: Properties[] = [];
  for (let at = start; at < end; ) {
    const left = end - at;
    const length = left < 2 ? 0 : (bytes[at + 1] as number);
    if (length < DEVICE_SCOPE.bytes + 2 || length % 2 !== 0 || length > left) {
      throw new Malformed(
        at,
        `device scope of length ${length}: it has 6 bytes and 2 for each step of its path, ${left} are left`,
      );
    }
    scopes.push(parseScope(bytes, at, at + length, remarks));
    at += length;
  }
  return scopes;
}

function parseScope(bytes: Buffer, at: number, end: number, remarks: DmarRemark[]): Properties {
  remarkReserved(DEVICE_SCOPE, bytes, at, remarks);
  const number = bytes[at] as number;
  const path = [];
  for (let step = at + DEVICE_SCOPE.bytes; step < end; step += 2) {
    const [device, fn] = [bytes[step] as number, bytes[step + 1] as number];
    path.push({ device, function: fn });
    if (device > 31 || fn > 7) {
      remarks.push({
        offset: step,
        message: `the path names device ${device}, function ${fn}, which PCI does not have`,
      });
    }
  }
  return { type: SCOPE_TYPES[number - 1] ?? number, ...readFields(DEVICE_SCOPE, bytes, at), path };
}

function remarkReserved(format: ByteFormat, bytes: Buffer, start: number, remarks: DmarRemark[]): void {
  for (const { offset, mask } of reservedBitsSet(format, bytes, start)) {
    remarks.push({ offset, message: `reserved bits ${hex(mask)} of ${format.name} are set` });
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
