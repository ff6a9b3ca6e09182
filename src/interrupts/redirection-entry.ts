import { type DecodedField, decodeEntry, type EntryField, type EntryFormat } from '../tables/entry-format.js';
import { ASSERTED, LEVEL_TRIGGERED } from './message.js';
import type { InterruptRequest } from './request.js';

/** A redirection table entry of an IOAPIC, taken apart (§5.1.5.1). */
export interface RedirectionEntry {
  /** The entry is in remappable format: it names an interrupt index, not a destination. */
  readonly remappable: boolean;
  /** The IOAPIC sends nothing while the entry is masked. */
  readonly masked: boolean;
  readonly levelTriggered: boolean;
  /** Address and data of the request that the IOAPIC sends. */
  readonly request: Pick<InterruptRequest, 'address' | 'data'>;
  /** The entry's fields, in the layout of its format. */
  readonly fields: readonly DecodedField[];
}

function format(name: string, target: readonly EntryField[]): EntryFormat {
  return {
    name,
    section: '§5.1.5.1',
    words: 1,
    fields: [
      { name: 'V', bits: [7, 0], about: 'vector' },
      { name: 'DLM', bits: [10, 8], about: 'delivery mode; 0 in remappable format' },
      { name: 'status', bits: [12, 12], about: 'delivery status' },
      { name: 'polarity', bits: [13, 13], about: 'polarity: 1 active low' },
      { name: 'IRR', bits: [14, 14], about: 'remote IRR' },
      { name: 'TM', bits: [15, 15], about: 'trigger mode: 0 edge, 1 level' },
      { name: 'mask', bits: [16, 16], about: 'masked' },
      { name: 'format', bits: [48, 48], about: 'interrupt format: 1 remappable' },
      ...target,
    ],
  };
}

const COMPATIBILITY = format('redirection entry, compatibility format', [
  { name: 'DM', bits: [11, 11], about: 'destination mode: 0 physical, 1 logical' },
  { name: 'DST', bits: [63, 56], about: 'destination: APIC id' },
]);
const REMAPPABLE = format('redirection entry, remappable format', [
  { name: 'INDEX', bits: [63, 49], about: 'interrupt index, bits 14:0' },
  { name: 'INDEX[15]', bits: [11, 11], about: 'interrupt index, bit 15' },
]);

const FORMAT = 1n << 48n;
const MASKED = 1 << 16;

/**
 * Takes a redirection table entry of an IOAPIC apart, and tells the request that it makes the IOAPIC send (§5.1.5.1).
 *
 * @param entry - the 64-bit entry
 * @throws RangeError if it has more than 64 bits, or is negative
 *
 * @example
 * const { masked, request } = decodeRedirectionEntry(ioapic.entries[pin]);
 * if (!masked) unit.interrupt({ sourceId: ioapic.sourceId, ...request });
 */
export function decodeRedirectionEntry(entry: bigint): RedirectionEntry {
  if (entry < 0n || entry >= 1n << 64n) throw new RangeError(`redirection entry ${entry}: give its 64 bits`);
  const low = Number(entry & 0xffff_ffffn);
  // bits 63:48 become address bits 19:4, bit 11 becomes 2, and the lowest bit of the delivery mode 3
  const target = Number(entry >> 48n) << 4;
  const address = (0xfee0_0000 | target | ((low >> 5) & 8) | ((low >> 9) & 4)) >>> 0;
  const remappable = (entry & FORMAT) !== 0n;
  return {
    remappable,
    masked: (low & MASKED) !== 0,
    levelTriggered: (low & LEVEL_TRIGGERED) !== 0,
    request: { address, data: ASSERTED | (low & (LEVEL_TRIGGERED | 0x7ff)) },
    fields: decodeEntry(remappable ? REMAPPABLE : COMPATIBILITY, [entry]),
  };
}
