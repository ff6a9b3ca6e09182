import type { InterruptAnswer } from '../interrupts/interrupt-remapping.js';
import type { ExplainedFault, ExplainStep } from './explanation.js';

/** What happens to an interrupt request, step by step, by the registers and tables as they stand now. */
export interface InterruptExplanation {
  /** Whether it is not blocked. */
  readonly ok: boolean;
  readonly steps: readonly ExplainStep[];
  /** What would become of it, if it is not blocked. */
  readonly answer?: Exclude<InterruptAnswer, { kind: 'blocked' }>;
  /** If it is. */
  readonly fault?: ExplainedFault;
  /** What the interrupt-entry cache holds against memory, and answers by, until it is invalidated. */
  readonly stale: readonly StaleInterruptEntry[];
  /** All of it for people: lines without a last newline. */
  readonly text: string;
}

/** An entry that the interrupt-entry cache holds although memory says otherwise by now. */
export interface StaleInterruptEntry {
  readonly cache: 'interrupt-entry cache';
  readonly index: number;
  /** What the cache holds, and what memory says. */
  readonly holds: string;
  readonly memory: string;
  /** The invalidation that drops it. */
  readonly invalidation: string;
}
