import type { EntryFormat } from './entry-format.js';
import { CONTEXT_ENTRY, PASS_THROUGH_CONTEXT_ENTRY } from './legacy.js';
import { PASID_ENTRIES } from './scalable.js';

/**
 * The layout by which an entry is judged: the translation type of a context or PASID entry decides which of its fields
 * are ignored (§9.3, §9.6).
 *
 * @param format - the layout by which the entry was read
 * @param words - its 32-bit words; none when it could not be read
 */
export function judgedFormat(format: EntryFormat, [lo = 0]: readonly number[]): EntryFormat {
  if (format === CONTEXT_ENTRY) return ((lo >> 2) & 3) === 2 ? PASS_THROUGH_CONTEXT_ENTRY : format;
  return PASID_ENTRIES.includes(format) ? (PASID_ENTRIES[(lo >> 6) & 7] as EntryFormat) : format;
}
