import type { Capabilities } from '../regs/capabilities.js';
import type { Bits } from '../rows.js';
import { type EntryField, type EntryFormat, reservedMask } from '../tables/entry-format.js';

/** Reserved bits that are set in an entry. */
export interface ReservedBits {
  /** Inclusive bit numbers `[high, low]`, counted from bit 0 of the whole entry. */
  readonly bits: Bits;
  /** Why they are reserved. */
  readonly why: string;
}

/**
 * The reserved bits that are set in an entry, neighbours with the same reason together.
 *
 * @param words - the entry's 32-bit words, lowest first
 * @param other - for a paging entry, what it would be with the other value of PS: a page for a table, a table for a page;
 *   for an entry of xAPIC mode, that of x2APIC mode
 */
export function reservedBits(
  format: EntryFormat,
  words: readonly number[],
  capabilities: Capabilities,
  other: EntryFormat | undefined,
): ReservedBits[] {
  const mask = reservedMask(format, capabilities);
  const found: ReservedBits[] = [];
  for (let bit = 0; bit < 64 * format.words; bit++) {
    const word = bit >> 5;
    if ((words[word] & mask[word] & (1 << (bit & 31))) === 0) continue;
    const why = reason(format, bit, capabilities, other);
    const last = found[found.length - 1];
    if (last?.why === why && last.bits[0] === bit - 1) found[found.length - 1] = { bits: [bit, last.bits[1]], why };
    else found.push({ bits: [bit, bit], why });
  }
  return found;
}

/** Reserved bits for people, those with the same reason together: `reserved bits 7, 63:52 (always reserved) set`. */
export function reservedText(violations: readonly ReservedBits[]): string {
  const reasons = [...new Set(violations.map(({ why }) => why))];
  const named = reasons.map((reason) => {
    const places = violations.filter(({ why }) => why === reason).map(({ bits }) => bitsText(bits));
    return `${places.join(', ')} (${reason})`;
  });
  const [first] = violations;
  const isOneBit = violations.length === 1 && first.bits[0] === first.bits[1];
  return `reserved bit${isOneBit ? '' : 's'} ${named.join(', ')} set`;
}

function bitsText([high, low]: Bits): string {
  return high === low ? `${low}` : `${high}:${low}`;
}

function reason(format: EntryFormat, bit: number, capabilities: Capabilities, other: EntryFormat | undefined): string {
  const field = fieldAt(format, bit);
  if (field?.kind === 'address') return `beyond the host address width, ${capabilities.haw} bits`;
  if (field?.kind === 'domain-id') {
    const nd = capabilities.get('CAP.ND');
    return `domain-ids have ${4 + 2 * nd} bits, CAP.ND=${nd}`;
  }
  const lacking = field?.needs?.filter((name) => !capabilities.has(name)) ?? [];
  if (lacking.length > 0)
    return `${field?.name} needs ${lacking.join(' and ')}, which ${lacking.length > 1 ? 'are' : 'is'} 0`;
  const otherField = other === undefined ? undefined : fieldAt(other, bit);
  if (otherField?.name === 'PS') {
    const offer = other?.name.startsWith('FS') ? 'CAP.FS1GP' : 'CAP.SSLPS';
    return `PS: ${offer} offers no page of this size`;
  }
  if (otherField?.kind === 'address') return "the address is not aligned to the page's size";
  if (otherField?.name === 'DST' || otherField?.name === 'NDST') {
    return `${otherField.name} has 8 bits while IRTA.EIME=0`;
  }
  if (otherField?.name === 'SNP') return 'SNP is for pages only';
  return 'always reserved';
}

function fieldAt(format: EntryFormat, bit: number): EntryField | undefined {
  return format.fields.find(({ bits: [high, low] }) => bit >= low && bit <= high);
}
