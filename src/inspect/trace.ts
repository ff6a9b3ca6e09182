import { OK } from '../walk/conditions.js';
import type { EntryRead } from '../walk/observer.js';
import { REQUEST } from '../walk/request-kind.js';
import type { Requester } from '../walk/requester.js';
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

/** What the tables and registers say to a request, and everything that was read for it. */
export interface Trace {
  readonly translated: boolean;
  /** The condition that stops it, or `OK`. */
  readonly condition: number;
  /** `undefined` when no table was looked at. */
  readonly requester: Requester | undefined;
  /** The entries read, in order; paging entries are those with a level above 0. */
  readonly reads: readonly EntryRead[];
  /** The output address in two halves, and the page; of meaning if the request is translated or meets a protected region. */
  readonly hi: number;
  readonly lo: number;
  readonly rights: number;
  readonly pageShift: number;
  readonly snoop: boolean;
}

/** Takes a request the way that it goes without caches (§3.4.2, §3.7; the same steps as for a miss in all of them). */
export function traceRequest(translator: Translator, request: TracedRequest): Trace {
  const { sourceId, hi, lo, access, translated } = request;
  const reads: EntryRead[] = [];
  const observer = { entry: (read: EntryRead) => reads.push(read) };
  let requester: Requester | undefined;
  const kind = translated ? REQUEST.translated : REQUEST.untranslated;
  let condition = translator.frontEnd(hi, lo, access, request.pasid !== undefined, kind);
  if (condition === OK) {
    if (!translator.state.translation) condition = translator.untranslated(hi, lo);
    else {
      requester = translator.resolve(sourceId, request.pasid, observer);
      condition = translator.translate(requester, hi, lo, access, kind, observer);
    }
  }
  const { rights, pageShift, snoop } = translator;
  return { translated, condition, requester, reads, hi: translator.hi, lo: translator.lo, rights, pageShift, snoop };
}
