import { CONDITIONS, OK } from '../../walk/conditions.js';
import type { EntryRead } from '../../walk/observer.js';
import type { Requester } from '../../walk/requester.js';
import { type RemappingState, Translator } from '../../walk/translator.js';
import type { ModelledCapture } from './load.js';

/** A requester with a present context entry. */
export interface CapturedRequester {
  readonly sourceId: number;
  readonly driver: string;
  readonly entry: EntryRead;
  readonly requester: Requester;
}

/** What the root and context tables of a capture hold. */
export interface CapturedTables {
  /** Present root entries. */
  readonly roots: readonly EntryRead[];
  readonly requesters: readonly CapturedRequester[];
}

const TE = 0x8000_0000;
const IRE = 0x0200_0000;
const PRESENT = 1;

/** Whether the captured unit translates. */
export function isTranslating({ registers }: ModelledCapture): boolean {
  return (registers.read32(0x1c) & TE) !== 0;
}

/** What the captured registers have put in force. */
export function remappingState(capture: ModelledCapture): RemappingState {
  const rootAddress = capture.registers.read64(0x20);
  return {
    translation: isTranslating(capture),
    interruptRemapping: (capture.registers.read32(0x1c) & IRE) !== 0,
    mode: Number((rootAddress >> 10n) & 3n),
    ioRights: (rootAddress & 0x80n) !== 0n,
    rootTable: Number(rootAddress >> 12n),
    protectedRanges: [],
  };
}

/** Reads all root and context entries, by the rules of translation. */
export function readTables(capture: ModelledCapture): CapturedTables {
  const translator = new Translator(capture.unit.memory, capture.capabilities, remappingState(capture));
  const drivers = new Map(capture.devices.map(({ sourceId, driver }) => [sourceId, driver]));
  const roots: EntryRead[] = [];
  const requesters: CapturedRequester[] = [];
  for (let bus = 0; bus < 256; bus++) {
    for (let fn = 0; fn < 256; fn++) {
      const sourceId = (bus << 8) | fn;
      const reads: EntryRead[] = [];
      const requester = translator.resolve(sourceId, undefined, { entry: (read) => reads.push(read) });
      const [root, entry] = reads;
      if (fn === 0 && isPresent(root)) roots.push(root);
      // no context table: nothing on this bus
      if (entry === undefined) break;
      if (isPresent(entry)) requesters.push({ sourceId, driver: drivers.get(sourceId) ?? '', entry, requester });
    }
  }
  return { roots, requesters };
}

function isPresent(entry: EntryRead | undefined): entry is EntryRead {
  return entry !== undefined && (entry.words[0] & PRESENT) !== 0;
}

/** How the requests of a requester are translated, in a few words. */
export function translationText({ condition, first, second, device }: Requester): string {
  const stage = first ?? second;
  const deviceTlb = device.condition === OK;
  if (condition !== OK) return `blocked: ${CONDITIONS[condition].name}, ${CONDITIONS[condition].about}`;
  if (stage === undefined) return 'pass-through';
  return `${stage.addressBits} bits, ${stage.levels} levels${deviceTlb ? ', ATS' : ''}`;
}
