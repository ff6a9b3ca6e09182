/**
 * An independent, literal model of legacy-mode DMA translation, in BigInt and slow, to judge the package's own by. It is
 * written from the rules alone and imports nothing from src/. Comments name the places of a restatement of VT-d rev. 5.10
 * in which each rule has a row, and the architecture has them at:
 *
 * | Restatement | VT-d rev. 5.10 |
 * |---|---|
 * | translation.md §2 front end | §3.15, §4.2.1, §4.2.5 |
 * | translation.md §3 mode check | §11.4.5, §7.1.3 |
 * | translation.md §4 legacy mode | §3.4.2, §9.1, §9.3, §7.1.3 |
 * | translation.md §6 second-stage walk | §3.7, §3.7.1, §9.8 |
 * | translation.md §9 protected memory | §11.4.8.1 |
 * | translation.md §11 zero-length reads | §3.14 |
 * | translation.md §12 snoop | §3.10 |
 * | translation.md §13 fault-processing disable | §7.1.1, §9.3 |
 * | translation.md §14 caching mode | §6.1 |
 * | tables.md §1 lookup | §3.4.2 |
 * | tables.md §2 root entry | §9.1 |
 * | tables.md §4 context entry | §9.3 |
 * | tables.md §9 second-stage entries | §9.8 |
 * | tables.md §14 address checks | §3.7, §7.1.3 |
 * | tables.md §16 reserved masks | §9.1, §9.3, §9.8 |
 * | faults.md §2, §3, §7 conditions | §7.1.3, §5.1.4.1 |
 * | registers.md §3 CAP, ECAP | §11.4.2, §11.4.3 |
 */
export {
  type ReferenceInterrupt,
  type ReferenceInterruptUnit,
  referenceInterrupt,
} from './interrupts.js';
export { referenceMaps } from './maps.js';
export { referenceTranslate } from './translate.js';
export type {
  Access,
  ReferenceMemory,
  ReferenceOutcome,
  ReferenceRun,
  ReferenceUnit,
} from './types.js';
