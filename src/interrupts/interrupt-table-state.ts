import { CELL, type InterruptEntryCache } from '../caches/interrupt-entry-cache.js';
import type { StatePart } from '../state/state-part.js';
import { CONDITIONS } from '../walk/conditions.js';
import type { InterruptState } from './interrupt-state.js';

const { TAG, STATE, WORDS } = CELL;

/** Indices that a table can have. */
const MOST_ENTRIES = 0x1_0000;
const MOST_PAGES = 2 ** 52;

/** The interrupt-remapping table as SIRTP latched it, and what is cached of it: entries that are not free, as they stand. */
export function interruptTableState(state: InterruptState, cache: InterruptEntryCache): StatePart {
  return {
    save(to) {
      to.word(state.compatibility);
      to.word(state.extended);
      to.wide(state.table);
      to.word(state.entries);
      to.word(cache.size);
      const { cells } = cache;
      for (let at = 0; at < cells.length; at += WORDS) {
        if (cells[at | TAG] !== 0) to.words(cells.subarray(at, at + WORDS));
      }
    },
    load(from) {
      const latched: InterruptState = {
        compatibility: from.flag('whether requests in compatibility format pass'),
        extended: from.flag('extended interrupt mode'),
        table: from.wide('page of the interrupt-remapping table', 0, MOST_PAGES - 1),
        entries: from.whole('entries of the interrupt-remapping table', 2, MOST_ENTRIES),
      };
      const count = from.whole('number of cached interrupt entries', 0, cache.mask + 1);
      const words = from.words(count * WORDS);
      const indices = new Set<number>();
      for (let at = 0; at < words.length; at += WORDS) {
        const index = (words[at | TAG] as number) - 1;
        const condition = (words[at | STATE] as number) >>> 8;
        const isEntry = index >= 0 && index < MOST_ENTRIES && condition < CONDITIONS.length;
        if (!isEntry || indices.has(cache.place(index))) throw from.refusal(`interrupt entry ${at / WORDS} is none`);
        indices.add(cache.place(index));
      }
      return () => {
        Object.assign(state, latched);
        cache.dropAll();
        for (let at = 0; at < words.length; at += WORDS) {
          cache.cells.set(words.subarray(at, at + WORDS), cache.place((words[at | TAG] as number) - 1));
        }
      };
    },
  };
}
