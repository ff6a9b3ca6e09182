import { CONDITIONS, OK } from '../../walk/conditions.js';
import type { EntryRead } from '../../walk/observer.js';
import { REQUEST } from '../../walk/request-kind.js';
import type { Requester } from '../../walk/requester.js';
import type { Stage } from '../../walk/stage.js';
import { MODE, type RemappingState, Translator } from '../../walk/translator.js';
import { bdf, count, hex } from '../format.js';
import { InputError } from '../io.js';
import type { ModelledCapture } from './load.js';

/** A requester with a present context entry, and for requests with PASID a present PASID entry. */
export interface CapturedRequester {
  readonly sourceId: number;
  /** What its requests carry; `undefined` for requests without PASID. */
  readonly pasid: number | undefined;
  readonly driver: string;
  readonly requester: Requester;
}

/** A present entry that leads to paging tables. */
export interface CapturedEntry {
  readonly kind: 'root' | 'context' | 'pasidDirectory' | 'pasidEntry';
  /** The requester that it serves; of a root entry the first one, and of a directory entry the first PASID. */
  readonly sourceId: number;
  readonly pasid: number | undefined;
  readonly driver: string;
  readonly entry: EntryRead;
  readonly requester: Requester;
}

/** What the tables of a capture that lead to paging tables hold, as far as requests can reach it. */
export interface CapturedTables {
  readonly entries: readonly CapturedEntry[];
  readonly requesters: readonly CapturedRequester[];
}

const TE = 0x8000_0000;
const IRE = 0x0200_0000;
const PRESENT = 1;
/** PASIDE of a scalable context entry: requests with PASID. */
const PASIDE = 8;
const PASIDS_IN_TABLE = 64;

/** All requesters together may have tables for more PASIDs than anybody can look at. */
const MOST_PASIDS = 2 ** 21;

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

/** Whether it does so in scalable mode. */
export function isScalable({ registers }: ModelledCapture): boolean {
  return Number((registers.read64(0x20) >> 10n) & 3n) === MODE.SCALABLE;
}

/**
 * Reads all entries that lead to paging tables, by the rules of translation.
 *
 * @throws InputError if there are too many of them
 */
export function readTables(capture: ModelledCapture): CapturedTables {
  const reader = new TableReader(capture);
  for (let bus = 0; bus < 256; bus++) reader.bus(bus);
  return reader;
}

class TableReader implements CapturedTables {
  readonly entries: CapturedEntry[] = [];
  readonly requesters: CapturedRequester[] = [];
  readonly #translator: Translator;
  readonly #drivers: ReadonlyMap<number, string>;
  /** Functions that one root entry, or half of it, serves. */
  readonly #functions: number;
  readonly #mostPasid: number;
  #pasids = 0;
  /** The directory entries of the requester that were met: the first PASID of each. */
  readonly #directories = new Set<number>();

  constructor(capture: ModelledCapture) {
    const { capabilities, unit } = capture;
    this.#translator = new Translator(unit.memory, capabilities, remappingState(capture));
    this.#drivers = new Map(capture.devices.map(({ sourceId, driver }) => [sourceId, driver]));
    this.#functions = isScalable(capture) ? 128 : 256;
    this.#mostPasid = 2 ** (capabilities.get('ECAP.PSS') + 1) - 1;
  }

  bus(bus: number): void {
    for (let fn = 0; fn < 256; fn++) {
      const sourceId = (bus << 8) | fn;
      const { reads, requester } = this.#resolve(sourceId, undefined);
      const [root, context, ...rest] = reads;
      if (fn % this.#functions === 0) this.#add('root', root, sourceId, undefined, requester);
      if (context === undefined) {
        // no context table: nothing here
        fn |= this.#functions - 1;
        continue;
      }
      if (!isPresent(context)) continue;
      this.#directories.clear();
      this.#add('context', context, sourceId, undefined, requester);
      this.#addPasid(rest, sourceId, requester.pasid, requester);
      this.requesters.push({ sourceId, pasid: undefined, driver: this.#driver(sourceId), requester });
      if (this.#functions === 128 && (context.words[0] & PASIDE) !== 0) this.#pasidsOf(sourceId, context);
    }
  }

  /** Requests with PASID: every present entry of the directory and its tables. */
  #pasidsOf(sourceId: number, { words: [low] }: EntryRead): void {
    const most = Math.min(this.#mostPasid, 2 ** (((low >> 9) & 7) + 13) - 1);
    for (let pasid = 0; pasid <= most; pasid++) {
      if (++this.#pasids > MOST_PASIDS) {
        throw new InputError(`the tables have entries for more than ${count(MOST_PASIDS)} PASIDs`);
      }
      const { reads, requester } = this.#resolve(sourceId, pasid);
      const [directory, entry] = reads.slice(2);
      if (directory !== undefined && entry === undefined) pasid |= PASIDS_IN_TABLE - 1;
      if (!isPresent(entry)) continue;
      this.#addPasid([directory, entry], sourceId, pasid, requester);
      this.requesters.push({ sourceId, pasid, driver: this.#driver(sourceId), requester });
    }
  }

  #resolve(sourceId: number, pasid: number | undefined): { reads: EntryRead[]; requester: Requester } {
    const reads: EntryRead[] = [];
    const observer = { entry: (read: EntryRead) => reads.push(read) };
    return { reads, requester: this.#translator.resolve(sourceId, pasid, observer, REQUEST.untranslated) };
  }

  #addPasid(reads: readonly (EntryRead | undefined)[], sourceId: number, pasid: number, requester: Requester): void {
    const [directory, entry] = reads;
    const first = pasid & -PASIDS_IN_TABLE;
    const isKnown = this.#directories.has(first);
    this.#directories.add(first);
    if (!isKnown) this.#add('pasidDirectory', directory, sourceId, first, requester);
    this.#add('pasidEntry', entry, sourceId, pasid, requester);
  }

  #add(
    kind: CapturedEntry['kind'],
    entry: EntryRead | undefined,
    sourceId: number,
    pasid: number | undefined,
    requester: Requester,
  ): void {
    if (!isPresent(entry)) return;
    this.entries.push({ kind, sourceId, pasid, driver: this.#driver(sourceId), entry, requester });
  }

  #driver(sourceId: number): string {
    return this.#drivers.get(sourceId) ?? '';
  }
}

function isPresent(entry: EntryRead | undefined): entry is EntryRead {
  return entry !== undefined && (entry.words[0] & PRESENT) !== 0;
}

/** A requester for people: `00:04.0`, with the PASID that its requests carry. */
export function requesterName({ sourceId, pasid }: Pick<CapturedRequester, 'sourceId' | 'pasid'>): string {
  return pasid === undefined ? bdf(sourceId) : `${bdf(sourceId)} PASID ${hex(pasid)}`;
}

/** How the requests of a requester are translated, in a few words. */
export function translationText({ condition, first, second, device }: Requester): string {
  if (condition !== OK) return `blocked: ${CONDITIONS[condition].name}, ${CONDITIONS[condition].about}`;
  const stages = [stageText('first', first), stageText('second', second)].filter((text) => text !== '');
  const way = stages.length === 0 ? 'pass-through' : stages.join(', in a ');
  return `${way}${device.condition === OK ? ', ATS' : ''}`;
}

function stageText(name: string, stage: Stage | undefined): string {
  return stage === undefined ? '' : `${name} stage of ${stage.addressBits} bits, ${stage.levels} levels`;
}
