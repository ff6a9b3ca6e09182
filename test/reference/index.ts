/**
 * An independent, literal model of DMA translation, in BigInt and slow, to judge the package's own by. It is written from
 * the rules alone and imports nothing from src/. Comments name the places of a restatement of VT-d rev. 5.10 in which each
 * rule has a row, and the architecture has them at:
 *
 * | Restatement | VT-d rev. 5.10 |
 * |---|---|
 * | translation.md §1 request | §3.1, §3.4.1 |
 * | translation.md §2 front end | §3.15, §4.2.1, §4.2.5 |
 * | translation.md §3 mode check | §11.4.5, §7.1.3 |
 * | translation.md §4 legacy mode | §3.4.2, §9.1, §9.3, §7.1.3 |
 * | translation.md §5 scalable mode | §3.4.3, §9.2, §9.4 to §9.6 |
 * | translation.md §6 second-stage walk | §3.7, §3.7.1, §3.7.2, §9.8 |
 * | translation.md §7 first-stage and nested walk | §3.6, §3.8, §3.8.1, §9.7 |
 * | translation.md §8 host permission table | §4.2.4, §4.2.5, §9.12 |
 * | translation.md §9 protected memory | §11.4.8.1 |
 * | translation.md §11 zero-length reads | §3.14 |
 * | translation.md §12 snoop | §3.10 |
 * | translation.md §13 fault-processing disable | §7.1.1, §9.3 to §9.6 |
 * | translation.md §14 caching mode | §6.1 |
 * | tables.md §1 lookup | §3.4.2, §3.4.3 |
 * | tables.md §2, §3 root entries | §9.1, §9.2 |
 * | tables.md §4, §5 context entries | §9.3, §9.4 |
 * | tables.md §6, §7 PASID directory and table | §9.5, §9.6 |
 * | tables.md §8 first-stage entries | §9.7 |
 * | tables.md §9 second-stage entries | §9.8 |
 * | tables.md §10 host permission table | §9.12 |
 * | tables.md §14 address checks | §3.6, §3.7, §7.1.3 |
 * | tables.md §16 reserved masks | §9.1 to §9.8, §9.12 |
 * | faults.md §2 to §5, §7 conditions | §7.1.3, §5.1.4.1 |
 * | registers.md §3 CAP, ECAP | §11.4.2, §11.4.3 |
 */
export {
  type ReferenceInterrupt,
  type ReferenceInterruptUnit,
  referenceInterrupt,
} from './interrupts.js';
export { referenceMaps } from './maps.js';
export { referenceAnswer, referenceTranslate } from './translate.js';
export type {
  Access,
  ReferenceAnswer,
  ReferenceMemory,
  ReferenceOutcome,
  ReferenceRun,
  ReferenceUnit,
} from './types.js';
