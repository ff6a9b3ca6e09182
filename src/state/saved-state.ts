import { Buffer } from 'buffer/index.js';
import type { StateParts } from './state-part.js';
import { StateReader } from './state-reader.js';
import { StateWriter } from './state-writer.js';

const MAGIC = 'VT-d unit';
/** Raised when the bytes of any section change their meaning. */
const VERSION = 2;

/** The state of all parts: a head, then a section for each of them. */
export function saveParts(parts: StateParts): Uint8Array {
  const writer = new StateWriter();
  writer.text(MAGIC);
  writer.word(VERSION);
  for (const [name, part] of parts) writer.section(name, () => part.save(writer));
  return writer.bytes;
}

/**
 * Restores all parts, or none.
 *
 * @throws TypeError if `bytes` are none
 * @throws RangeError if they are not the state of such parts; nothing is changed then
 */
export function restoreParts(parts: StateParts, bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array))
    throw new TypeError('a saved state is a Uint8Array: give what saveState() answered');
  const reader = new StateReader(Buffer.from(bytes), 'head');
  if (reader.text() !== MAGIC) throw reader.refusal('it is no saved state');
  const version = reader.word();
  if (version !== VERSION) throw reader.refusal(`it is of version ${version}, not ${VERSION}`);
  const loaded = parts.map(([name, part]) => {
    const section = reader.section(name);
    const put = part.load(section);
    section.end();
    return put;
  });
  reader.end();
  for (const put of loaded) put();
}
