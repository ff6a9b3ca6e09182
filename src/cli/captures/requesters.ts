import { SCALABLE_ROOT_HALF } from '../../tables/scalable.js';
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

/** A root entry, or half of one, and the source-ids that it serves. */
export interface CapturedRoot {
  readonly entry: EntryRead;
  readonly first: number;
  readonly last: number;
}

/** What the root and context tables of a capture hold. */
export interface CapturedTables {
  /** Present root entries, in scalable mode halves of them: of a bus, or of its devices up to 15 or from 16 on. */
  readonly roots: readonly CapturedRoot[];
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
  const roots: CapturedRoot[] = [];
  const requesters: CapturedRequester[] = [];
  for (let first = 0, last = 0; first < 0x1_0000; first = last + 1) {
    last = first;
    for (let sourceId = first; sourceId <= last; sourceId++) {
      const reads: EntryRead[] = [];
      const requester = translator.resolve(sourceId, undefined, { entry: (read) => reads.push(read) });
      const [root, entry] = reads;
      if (sourceId === first) {
        last += root?.format === SCALABLE_ROOT_HALF ? 0x7f : 0xff;
        if (isPresent(root)) roots.push({ entry: root, first, last });
      }
      // no context table: nothing that this root entry serves
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
