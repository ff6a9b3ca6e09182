import type { InvalidationQueue } from '../invalidation/queue.js';
import type { RegisterFile } from '../regs/register-file.js';
import type { StatePart } from '../state/state-part.js';
import type { RemappingState } from '../walk/translator.js';
import { GSTS, IRE, QIE, TE } from './global-command.js';

/** Page numbers of the 64-bit address space; a region ends at its end at most. */
const MOST_PAGES = 2 ** 52;

/** What commands have latched: registers may have been written again since. What is switched on stands in GSTS. */
export function remappingState(registers: RegisterFile, state: RemappingState, queue: InvalidationQueue): StatePart {
  return {
    save(to) {
      to.word(state.mode);
      to.word(state.ioRights);
      to.wide(state.rootTable);
      to.word(state.protectedRanges.length);
      for (const { first, end } of state.protectedRanges) {
        to.wide(first / 4096);
        to.wide(end / 4096);
      }
    },
    load(from) {
      const mode = from.whole('translation table mode', 0, 3);
      const ioRights = from.flag('whether the second stage goes by IR and IW');
      const rootTable = from.wide('page of the root table', 0, MOST_PAGES - 1);
      const count = from.whole('number of protected regions', 0, 2);
      const protectedRanges = Array.from({ length: count }, () => {
        const first = from.wide('first page of a protected region', 0, MOST_PAGES - 1);
        return { first: first * 4096, end: from.wide('end of a protected region', first + 1, MOST_PAGES) * 4096 };
      });
      return () => {
        const status = registers.get(GSTS);
        state.translation = (status & TE) !== 0;
        state.interruptRemapping = (status & IRE) !== 0;
        queue.enabled = (status & QIE) !== 0;
        state.mode = mode;
        state.ioRights = ioRights;
        state.rootTable = rootTable;
        state.protectedRanges = protectedRanges;
      };
    },
  };
}
