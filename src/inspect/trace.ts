import type { TranslationCompletion } from '../ats/translation-request.js';
import { SPECIAL, type TranslationRules } from '../ats/translation-rules.js';
import { inInterruptRange } from '../walk/address-ranges.js';
import { OK } from '../walk/conditions.js';
import type { EntryRead } from '../walk/observer.js';
import { REQUEST } from '../walk/request-kind.js';
import { endsAtDevice, type Requester } from '../walk/requester.js';
import { EXECUTE, isPrivileged, PRIVILEGED_SHIFT } from '../walk/rights.js';
import type { Stage } from '../walk/stage.js';
import type { Translator } from '../walk/translator.js';

/** A request in the units of the walk. */
export interface TracedRequest {
  readonly sourceId: number;
  readonly hi: number;
  readonly lo: number;
  /** Rights that it asks for; of a translation request those that were tried last. */
  readonly access: number;
  readonly pasid: number | undefined;
  /** As of `REQUEST`. */
  readonly kind: number;
  readonly noWrite: boolean;
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
  /** The condition that stops it, or leaves a translation request without rights; or `OK`. */
  readonly condition: number;
  /** What a translation request gets. */
  readonly completion: TranslationCompletion | undefined;
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
export function traceRequest(translator: Translator, rules: TranslationRules, request: TracedRequest): Trace {
  const { sourceId, hi, lo, pasid, kind, noWrite } = request;
  let { access } = request;
  const reads: TracedRead[] = [];
  let marked: TracedRead | undefined;
  let requester: Requester | undefined;
  let completion: TranslationCompletion | undefined;
  const observer = {
    entry: (read: EntryRead) => reads.push({ ...read, stage: stageOf(read, requester), flags: 0 }),
    flags: (frame: number, index: number, flags: number) => {
      marked = [...reads].reverse().find((read) => read.level > 0 && read.frame === frame && read.index === index);
      if (marked !== undefined) marked.flags |= flags;
    },
    attempt: (tried: number) => {
      access = tried;
      while ((reads.at(-1)?.level ?? 0) > 0) reads.pop();
      marked = undefined;
    },
  };
  const resolve = () => {
    requester ??= translator.resolve(sourceId, pasid, observer, kind);
    return requester;
  };
  let condition: number;
  if (kind === REQUEST.translation) {
    const [privileged, execute] = [isPrivileged(access), (access & EXECUTE) !== 0];
    const asker = { pasid, noWrite, privileged, execute, requester: resolve, observer };
    const verdict = rules.translate(asker, hi, lo);
    completion = rules.completion(asker, hi, lo, verdict);
    condition = verdict === SPECIAL ? OK : verdict;
  } else {
    condition = translator.frontEnd(hi, lo, access, pasid !== undefined, kind);
    if (condition === OK && !translator.state.translation) condition = translator.untranslated(hi, lo);
    else if (condition === OK) condition = translator.translate(resolve(), hi, lo, access, kind, observer);
  }
  const { pageShift, snoop } = translator;
  const rights = isPrivileged(access) ? translator.rights >> PRIVILEGED_SHIFT : translator.rights;
  const privileged = isPrivileged(access) || requester?.privileged === true;
  const result = { hi: translator.hi, lo: translator.lo, rights, pageShift, snoop };
  return { request: { ...request, access }, condition, completion, requester, privileged, reads, marked, ...result };
}

/** The condition that every such request of a requester meets, or `OK`. */
export function wayCondition(requester: Requester, kind: number): number {
  return (endsAtDevice(requester, kind) ? requester.device : requester).condition;
}

/** Whether a device that asks for a translation is told that untranslated writes alone may go there (§7.1.3, S.1 and S.2). */
export function isInterruptAnswer({ request: { hi, lo, pasid, kind }, condition }: Trace): boolean {
  return kind === REQUEST.translation && condition === OK && pasid === undefined && inInterruptRange(hi, lo);
}

function stageOf({ level, format }: EntryRead, requester: Requester | undefined): Stage | undefined {
  return [requester?.first, requester?.second].find((stage) => {
    const { tables = [], pages = [] } = stage?.rules.formats ?? {};
    return level > 0 && (tables[level] === format || pages[level] === format);
  });
}
