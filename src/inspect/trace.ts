import { OK } from '../walk/conditions.js';
import type { EntryRead } from '../walk/observer.js';
import { REQUEST } from '../walk/request-kind.js';
import type { Requester } from '../walk/requester.js';
import { isPrivileged, PRIVILEGED_SHIFT } from '../walk/rights.js';
import type { Stage } from '../walk/stage.js';
import type { Translator } from '../walk/translator.js';

/** A request in the units of the walk. */
export interface TracedRequest {
  readonly sourceId: number;
  readonly hi: number;
  readonly lo: number;
  /** Rights that it asks for. */
  readonly access: number;
  readonly pasid: number | undefined;
  readonly translated: boolean;
}

/** An entry that was read, and what is done with it. */
export interface TracedRead extends EntryRead {
  /** The stage that a paging entry belongs to. */
  readonly stage: Stage | undefined;
  /** The accessed and dirty flags that the request sets in it, as bits of the low word. */
  flags: number;
}

/** What the tables and registers say to a request, and everything that was read for it. */
export interface Trace {
  readonly request: TracedRequest;
  /** The condition that stops it, or `OK`. */
  readonly condition: number;
  /** `undefined` when no table was looked at. */
  readonly requester: Requester | undefined;
  /** Whether it counts as a supervisor request: of itself, or by RID_PRIV. */
  readonly privileged: boolean;
  /** The entries read, in order; paging entries are those with a level above 0. */
  readonly reads: readonly TracedRead[];
  /** The entry in which flags had to be set last. */
  readonly marked: TracedRead | undefined;
  /** The output address in two halves, and the page; of meaning if the request is translated or meets a protected region. */
  readonly hi: number;
  readonly lo: number;
  /** What the page grants to requests of the same privilege. */
  readonly rights: number;
  readonly pageShift: number;
  readonly snoop: boolean;
}

/** Takes a request the way that it goes without caches (§3.4.2, §3.7; the same steps as for a miss in all of them). */
export function traceRequest(translator: Translator, request: TracedRequest): Trace {
  const { sourceId, hi, lo, access, pasid, translated } = request;
  const reads: TracedRead[] = [];
  let marked: TracedRead | undefined;
  let requester: Requester | undefined;
  const observer = {
    entry: (read: EntryRead) => reads.push({ ...read, stage: stageOf(read, requester), flags: 0 }),
    flags: (frame: number, index: number, flags: number) => {
      marked = [...reads].reverse().find((read) => read.level > 0 && read.frame === frame && read.index === index);
      if (marked !== undefined) marked.flags |= flags;
    },
  };
  const kind = translated ? REQUEST.translated : REQUEST.untranslated;
  let condition = translator.frontEnd(hi, lo, access, pasid !== undefined, kind);
  if (condition === OK) {
    if (!translator.state.translation) condition = translator.untranslated(hi, lo);
    else {
      requester = translator.resolve(sourceId, pasid, observer, kind);
      condition = translator.translate(requester, hi, lo, access, kind, observer);
    }
  }
  const { pageShift, snoop } = translator;
  const rights = isPrivileged(access) ? translator.rights >> PRIVILEGED_SHIFT : translator.rights;
  const privileged = isPrivileged(access) || requester?.privileged === true;
  const result = { hi: translator.hi, lo: translator.lo, rights, pageShift, snoop };
  return { request, condition, requester, privileged, reads, marked, ...result };
}

function stageOf({ level, format }: EntryRead, requester: Requester | undefined): Stage | undefined {
  return [requester?.first, requester?.second].find((stage) => {
    const { tables = [], pages = [] } = stage?.rules.formats ?? {};
    return level > 0 && (tables[level] === format || pages[level] === format);
  });
}
