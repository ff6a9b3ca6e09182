import type { StateReader } from './state-reader.js';
import type { StateWriter } from './state-writer.js';

/**
 * A part of a unit that has something to keep: it writes a section of the saved state, and reads one of its own name.
 * What follows from what other parts keep is not written twice, but made anew when the state is put in force.
 */
export interface StatePart {
  save(to: StateWriter): void;
  /**
   * Reads and checks the part's section, and changes nothing yet.
   *
   * @returns what puts it in force; called when all parts have found theirs good, in their order
   * @throws RangeError if a value is none that the part could have written
   */
  load(from: StateReader): () => void;
}

/** The parts of a unit by the names of their sections, in the order in which they are written and put in force. */
export type StateParts = readonly (readonly [section: string, part: StatePart])[];
