import type { StatePart } from '../state/state-part.js';
import type { StateReader } from '../state/state-reader.js';
import { CONDITIONS } from '../walk/conditions.js';
import { CELL, conditionOf, type Iotlb } from './iotlb.js';

const { PAGE_LO, PAGE_HI, TAG, RIGHTS, HOST_LO, HOST_HI, NEXT, DOMAIN, WORDS } = CELL;

/** What an entry's rights word holds: rights of two kinds, the flag of snooping, a condition. */
const RIGHTS_BITS = 0xffff_7f3f;

/** Bits of the word NEXT in a saved entry; above them stands the PASID. */
const BEHIND = 1;
const FIRST_STAGE = 2;
const PASID_SHIFT = 2;

/**
 * The contents of the IOTLB. The architecture lets them be dropped at any time; they are kept so that a unit goes on as it
 * would have, also where software has forgotten an invalidation.
 *
 * An entry is saved as it stands in a cell, but for two words: NEXT tells whether it stands behind its place, and of what
 * stage and PASID it is; DOMAIN is the domain-id.
 */
export function iotlbState(iotlb: Iotlb): StatePart {
  return {
    save(to) {
      to.word(iotlb.shifts.length);
      for (const shift of iotlb.shifts) to.word(shift);
      to.word(iotlb.size);
      to.words(entriesOf(iotlb));
    },
    load(from) {
      const shifts = loadShifts(from);
      const count = from.whole('number of entries', 0, iotlb.places + iotlb.mostBehind);
      const words = from.words(count * WORDS);
      checkEntries(words, shifts, iotlb, from);
      return () => {
        iotlb.dropAll();
        iotlb.shifts.splice(0, Infinity, ...shifts);
        for (let at = 0; at < words.length; at += WORDS) putEntry(iotlb, words, at);
      };
    },
  };
}

/** All entries, place by place: the one at it, then those behind it from the last on. Put back so, they stand as they stood. */
function entriesOf(iotlb: Iotlb): Int32Array {
  const { cells } = iotlb;
  const words = new Int32Array(iotlb.size * WORDS);
  let to = 0;
  const add = (entry: number, behind: boolean) => {
    const at = entry * WORDS;
    for (let word = 0; word < WORDS; word++) words[to + word] = cells[at + word] as number;
    const { domainId, pasid, firstStage } = iotlb.listOf(at);
    words[to + NEXT] = (behind ? BEHIND : 0) | (firstStage ? FIRST_STAGE : 0) | (pasid << PASID_SHIFT);
    words[to + DOMAIN] = domainId;
    to += WORDS;
  };
  for (let place = 1; place <= iotlb.mask + 1; place++) {
    const behind: number[] = [];
    for (let entry = cells[place * WORDS + NEXT] as number; entry !== 0; ) {
      behind.push(entry);
      entry = cells[entry * WORDS + NEXT] as number;
    }
    if (cells[place * WORDS + TAG] !== 0) add(place, false);
    for (const entry of behind.reverse()) add(entry, true);
  }
  return words;
}

function putEntry(iotlb: Iotlb, words: Int32Array, at: number): void {
  const word = (index: number) => words[at + index] as number;
  const flags = word(NEXT);
  const list = { domainId: word(DOMAIN), pasid: flags >> PASID_SHIFT, firstStage: (flags & FIRST_STAGE) !== 0 };
  iotlb.put(
    (flags & BEHIND) !== 0,
    list,
    word(TAG),
    word(PAGE_LO),
    word(PAGE_HI),
    word(RIGHTS),
    word(HOST_HI),
    word(HOST_LO),
  );
}

function loadShifts(from: StateReader): number[] {
  const shifts: number[] = [];
  for (let count = from.whole('number of page sizes', 0, 2); count > 0; count--) shifts.push(from.word());
  if (shifts.some((shift, index) => (shift !== 21 && shift !== 30) || shifts.indexOf(shift) !== index)) {
    throw from.refusal(`page sizes 2^${shifts.join(' and 2^')}`);
  }
  return shifts;
}

/** What no entry holds would lead lookups astray, or have them throw. */
function checkEntries(words: Int32Array, shifts: readonly number[], iotlb: Iotlb, from: StateReader): void {
  let behind = 0;
  for (let at = 0; at < words.length; at += WORDS) {
    const word = (index: number) => words[at + index] as number;
    const shift = word(PAGE_HI) >>> 24;
    const isEntry =
      (shift === 12 || shifts.includes(shift)) &&
      (word(PAGE_HI) & 0xf0_0000) === 0 &&
      word(TAG) > 0 &&
      (word(RIGHTS) & ~RIGHTS_BITS) === 0 &&
      conditionOf(word(RIGHTS)) < CONDITIONS.length &&
      word(HOST_HI) >>> 20 === 0 &&
      word(NEXT) >>> (20 + PASID_SHIFT) === 0 &&
      word(DOMAIN) >>> 16 === 0;
    if (!isEntry) throw from.refusal(`entry ${at / WORDS} is none`);
    behind += word(NEXT) & BEHIND;
  }
  if (behind > iotlb.mostBehind) throw from.refusal(`${behind} entries behind others`);
}
