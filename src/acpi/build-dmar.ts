import { Buffer } from 'buffer/index.js';
import { type Properties, writeFields } from './byte-fields.js';
import { complete } from './complete.js';
import type { CompleteDmar, DeviceScope, DmarStructure, DmarTable } from './dmar.js';
import { DEVICE_SCOPE, SCOPE_TYPES, STRUCTURES, TABLE_HEADER } from './dmar-formats.js';

/** A structure's length has 16 bits, a scope's has 8. */
const MOST_STRUCTURE_BYTES = 0xffff;
const MOST_STEPS = (0xff - DEVICE_SCOPE.bytes) >> 1;

/**
 * Builds the bytes of an ACPI DMAR table, with its lengths and its checksum (§8.1). Whatever can be written down is
 * built, in the order given, so that drivers can be tested with bad tables too; {@link lintDmar} tells what is wrong.
 *
 * @returns the table, as firmware puts it into memory
 * @throws TypeError if a property is missing, unknown or of a wrong type
 * @throws RangeError if it does not fit its field; the message says which, what is allowed and where
 *
 * @example
 * const bytes = buildDmar({
 *   hostAddressWidth: 39,
 *   flags: ['INTR_REMAP'],
 *   structures: [{
 *     type: 'DRHD', flags: ['INCLUDE_PCI_ALL'], registerBase: 0xfed90000,
 *     scopes: [{ type: 'IOAPIC', enumerationId: 0, startBus: 0xf0, path: [{ device: 31, function: 0 }] }],
 *   }],
 * });
 */
export function buildDmar(table: DmarTable): Uint8Array {
  const { structures, ...header } = complete(table);
  const bytes = Buffer.concat([Buffer.alloc(TABLE_HEADER.bytes), ...structures.map(structureBytes)]);
  writeFields(TABLE_HEADER, header, bytes);
  bytes.write('DMAR', 0);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes[9] = -byteSum(bytes) & 0xff;
  return new Uint8Array(bytes);
}

/** The bytes of a table sum up to 0, modulo 256 (§8.1). */
export function byteSum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
}

function structureBytes(structure: CompleteDmar<DmarStructure>, index: number): Buffer {
  const place = `structures[${index}] (${structure.type})`;
  const format = STRUCTURES.find(({ name }) => name === structure.type);
  const fixed = Buffer.alloc(format?.bytes ?? 4);
  if (format !== undefined) writeFields(format, structure as Properties, fixed);
  const bytes = Buffer.concat([fixed, restBytes(structure, place)]);
  if (bytes.length > MOST_STRUCTURE_BYTES) {
    throw new RangeError(
      `${place} takes ${bytes.length} bytes: a structure has at most ${MOST_STRUCTURE_BYTES}, use several`,
    );
  }
  bytes.writeUInt16LE(format?.number ?? (structure.type as number), 0);
  bytes.writeUInt16LE(bytes.length, 2);
  return bytes;
}

function restBytes(structure: CompleteDmar<DmarStructure>, place: string): Uint8Array {
  if ('body' in structure) return structure.body;
  if ('objectName' in structure) return Buffer.from(`${structure.objectName}\0`, 'latin1');
  if (!('scopes' in structure)) return Buffer.alloc(0);
  return Buffer.concat(structure.scopes.map((scope, at) => scopeBytes(scope, `${place}: scopes[${at}]`)));
}

function scopeBytes(scope: CompleteDmar<DeviceScope>, place: string): Buffer {
  const { type, path } = scope;
  if (path.length > MOST_STEPS)
    throw new RangeError(`${place}: path has ${path.length} steps: at most ${MOST_STEPS} fit`);
  for (const { device, function: fn } of path) {
    if (device > 31 || fn > 7) {
      throw new RangeError(
        `${place}: path names device ${device}, function ${fn}: PCI has devices 0 to 31, functions 0 to 7`,
      );
    }
  }
  const fixed = Buffer.alloc(DEVICE_SCOPE.bytes);
  writeFields(DEVICE_SCOPE, scope as Properties, fixed);
  fixed[0] = typeof type === 'number' ? type : SCOPE_TYPES.indexOf(type) + 1;
  fixed[1] = DEVICE_SCOPE.bytes + 2 * path.length;
  return Buffer.concat([fixed, Uint8Array.from(path.flatMap((step) => [step.device, step.function]))]);
}
