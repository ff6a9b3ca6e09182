/**
 * Source validation (§9.9, §9.10). An entry is prepared so that for most requests one comparison tells: the bits of
 * `source` that `mask` names are those of the requester's id.
 */

/** Stands in both words of an entry that goes by bus numbers: no requester's id has the bit, so none is equal. */
const BUS_RANGE = 0x1_0000;

/** By SQ: the bits of a requester's id that count. */
const COMPARED = [0xffff, 0xfffb, 0xfff9, 0xfff8] as const;

/** What the third word of an entry says: SID in bits 15:0, SQ in 17:16, SVT in 19:18. */
export function preparedSource(word: number): number {
  return (word & 0xffff) | (validationType(word) === 2 ? BUS_RANGE : 0);
}

export function preparedMask(word: number): number {
  const type = validationType(word);
  if (type === 1) return COMPARED[(word >>> 16) & 3] as number;
  return type === 2 ? BUS_RANGE : 0;
}

/** SVT. */
export function validationType(word: number): number {
  return (word >>> 18) & 3;
}

/** Whether a requester may use an entry. */
export function mayUse(source: number, mask: number, sourceId: number): boolean {
  if (((sourceId ^ source) & mask) === 0) return true;
  if ((mask & BUS_RANGE) === 0) return false;
  // the first bus stands in the high byte, the last one in the low byte
  const bus = sourceId >>> 8;
  return bus >= ((source >>> 8) & 0xff) && bus <= (source & 0xff);
}
