import type { EntryFormat } from '../tables/entry-format.js';

/** One entry that a translation looked at. */
export interface EntryRead {
  readonly format: EntryFormat;
  /** Level of a paging entry, 1 (4 KiB pages) to 5; 0 for the entries that lead to paging tables. */
  readonly level: number;
  /** Page number of the table, and the entry's number in it. */
  readonly frame: number;
  readonly index: number;
  /** The entry's 32-bit words, lowest first; empty when it could not be read. */
  readonly words: readonly number[];
  /** The second stage of a nested translation was walked for a first-stage table, not for the page itself. */
  readonly forTable: boolean;
}

/** Sees each step of a translation, which then changes nothing in memory. There is none in normal use. */
export interface WalkObserver {
  entry(read: EntryRead): void;
  /** Flags of a paging entry that was shown have to be set; whether they may be is looked at afterwards. */
  flags?(frame: number, index: number, flags: number): void;
}
