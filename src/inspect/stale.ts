import { CELL, conditionOf, grantedOf, rightsOf, snoopOf } from '../caches/iotlb.js';
import { address64 } from '../faults/fault.js';
import type { Capabilities } from '../regs/capabilities.js';
import { CONDITIONS, conditionId, OK } from '../walk/conditions.js';
import { REQUEST } from '../walk/request-kind.js';
import { type Context, endsAtDevice, type PasidEntry, type Requester } from '../walk/requester.js';
import { EXECUTE, isPrivileged, PRIVILEGED_SHIFT, rightsText } from '../walk/rights.js';
import type { Stage } from '../walk/stage.js';
import { MODE, type Translator } from '../walk/translator.js';
import { stagesText } from './entry-steps.js';
import type { StaleEntry } from './explanation.js';
import { hex, sizeText } from './spelling.js';
import type { Trace } from './trace.js';

const { HOST_HI, HOST_LO, PAGE_HI, RIGHTS } = CELL;

const LGN_3 = conditionId('LGN.3');

/** The tags by which software drops an entry of the IOTLB. */
interface IotlbTags {
  readonly domainId: number;
  readonly pasid: number;
  readonly firstStage: boolean;
}

/** What an explanation looks at in the caches of a unit. It changes nothing there. */
export interface CacheView {
  readonly iotlb: {
    readonly cells: Int32Array;
    /** Where in `cells` the entry for an address stands, or 0. */
    find(tag: number, hi: number, lo: number): number;
    listOf(at: number): IotlbTags;
  };
  readonly contexts: {
    /** The cached context entry of a source-id. */
    get(sourceId: number): Context | undefined;
  };
  /** The requester's region if there is one: its tag in the IOTLB, if its requests are looked up, and the cached entries. */
  readonly region:
    | {
        readonly liveTag: number;
        readonly requester: Requester | undefined;
        readonly pasidEntry: PasidEntry | undefined;
      }
    | undefined;
}

/** What the caches hold for a request that is not what memory says now. */
export function staleEntries(
  translator: Translator,
  capabilities: Capabilities,
  trace: Trace,
  caches: CacheView,
): StaleEntry[] {
  // without a requester the request ends before any cache is asked
  if (trace.requester === undefined || translator.modeCondition(trace.request.pasid !== undefined) !== OK) return [];
  return [...staleContext(translator, trace, caches), ...staleIotlb(translator, capabilities, trace, caches)];
}

/** The cached context and PASID entries, each held against memory with the other one as it stands there. */
function staleContext(translator: Translator, trace: Trace, { contexts, region }: CacheView): StaleEntry[] {
  const { sourceId, pasid, kind } = trace.request;
  const legacy = translator.state.mode === MODE.LEGACY;
  const context = translator.context(sourceId, pasid);
  const text = (requester: Requester) => (endsAtDevice(requester, kind) ? deviceText : requesterText)(requester);
  const now = text(context.requester(pasid, translator, kind));
  const stale: StaleEntry[] = [];
  const cached = contexts.get(sourceId);
  const byContext = cached?.requester(pasid, translator, kind);
  if (cached !== undefined && byContext !== undefined && text(byContext) !== now) {
    const { domainId } = cached;
    const device = `source-id ${hex(sourceId)}`;
    stale.push({
      cache: 'context cache',
      domainId,
      pasid: 0,
      holds: text(byContext),
      memory: now,
      invalidation: legacy
        ? `device-selective context-cache invalidation of domain ${domainId}, ${device}, and then of the IOTLB by domain`
        : `device-selective context-cache invalidation of ${device}, and then of the PASID cache and the IOTLB by domain`,
    });
  }
  const entry = region?.pasidEntry;
  if (entry === undefined) return stale;
  const byEntry = context.requester(pasid, { entry: () => entry }, kind);
  if (text(byEntry) !== now) {
    const { domainId } = entry;
    const { pasid: effective } = byEntry;
    const tags = `domain ${domainId}, PASID ${hex(effective)}`;
    stale.push({
      cache: 'PASID cache',
      domainId,
      pasid: effective,
      holds: text(byEntry),
      memory: now,
      invalidation: `PASID-selective PASID-cache invalidation of ${tags}, and then ${iotlbOfEntry(entry)}`,
    });
  }
  return stale;
}

/** What has to follow the invalidation of a PASID entry (§6.5.3.3 Table 28). */
function iotlbOfEntry({ domainId, second }: PasidEntry): string {
  return second === undefined
    ? 'of the IOTLB by PASID (P_IOTLB)'
    : `of the IOTLB by domain ${domainId} or, where P and SSADE stay, by PASID (P_IOTLB)`;
}

function staleIotlb(
  translator: Translator,
  capabilities: Capabilities,
  trace: Trace,
  { iotlb, region }: CacheView,
): StaleEntry[] {
  const { hi, lo, access, kind } = trace.request;
  const asks = region !== undefined && region.liveTag >= 0 && kind === REQUEST.untranslated && (access & EXECUTE) === 0;
  const at = asks ? iotlb.find(region.liveTag, hi, lo) : 0;
  if (at === 0) return [];
  const tags = iotlb.listOf(at);
  const answer = cachedAnswer(translator, iotlb.cells, at, trace, region?.requester ?? (trace.requester as Requester));
  if (answer === undefined) return [];
  const { domainId, pasid } = tags;
  const { requester } = trace;
  const holds = answerText(answer, domainId);
  const memory = answerText(trace, requester?.condition === OK ? requester.domainId : undefined);
  if (holds === memory) return [];
  const shift = iotlb.cells[at + PAGE_HI] >>> 24;
  const invalidation = iotlbInvalidation(capabilities, tags, trace, address64(hi, lo), shift);
  return [{ cache: 'IOTLB', domainId, pasid, holds, memory, invalidation }];
}

/** What a page does with the request. */
type Answer = Pick<Trace, 'condition' | 'hi' | 'lo' | 'rights' | 'pageShift' | 'snoop'>;

/** What a cached page says to the request; `undefined` if a walk is made in spite of it. */
function cachedAnswer(
  translator: Translator,
  cells: Int32Array,
  at: number,
  { request: { lo, access } }: Trace,
  requester: Requester,
): Answer | undefined {
  const word = cells[at + RIGHTS];
  const pageShift = cells[at + PAGE_HI] >>> 24;
  const lasting = conditionOf(word);
  const all = rightsOf(word);
  const refused = lasting === OK ? (access & ~all) !== 0 : lasting === LGN_3;
  // the tables are others by now, and the request meets what they say
  if (refused && requester.first === undefined && requester.second === undefined) return undefined;
  if (!refused && lasting === OK && (access & ~grantedOf(word)) !== 0) return undefined;
  const offset = lo & ((1 << pageShift) - 1);
  const condition = refused
    ? translator.refusal(requester, access, lasting === OK ? all : 0)
    : lasting === OK
      ? translator.place(cells[at + HOST_HI], cells[at + HOST_LO] | offset)
      : lasting;
  const rights = isPrivileged(access) ? all >> PRIVILEGED_SHIFT : all;
  return { condition, hi: translator.hi, lo: translator.lo, rights, pageShift, snoop: snoopOf(word) };
}

/** Two answers are the same when they read the same. */
function answerText({ condition, hi, lo, rights, pageShift, snoop }: Answer, domainId: number | undefined): string {
  const domain = domainId === undefined ? '' : `, domain ${domainId}`;
  if (condition !== OK) return `${CONDITIONS[condition].name}: ${CONDITIONS[condition].about}${domain}`;
  return `${hex(address64(hi, lo))}, ${rightsText(rights)}, page of ${sizeText(2 ** pageShift)}${snoop ? ', snooped' : ''}${domain}`;
}

/** What becomes of the requests of a requester that are not translated already. */
function requesterText(requester: Requester): string {
  const { condition, faultsDisabled, domainId, pasid, first, second, device } = requester;
  const flags = [device.condition === OK ? 'device-TLBs' : '', faultsDisabled ? 'FPD=1' : ''];
  if (condition !== OK) return joined([CONDITIONS[condition].about, ...flags]);
  return joined([
    `domain ${domainId}`,
    pasid === 0 ? '' : `PASID ${hex(pasid)}`,
    stagesText(requester),
    ...[first, second].map(stageFlags),
    requester.privileged ? 'RID_PRIV=1' : '',
    requester.supervisor ? 'SRE=1' : '',
    requester.snooped ? 'PGSNP=1' : '',
    ...flags,
  ]);
}

/** And of those that are. */
function deviceText({ device: { condition, permissions, faultsDisabled } }: Requester): string {
  const way =
    permissions === undefined
      ? 'translated requests may pass'
      : `host permission table at ${hex(BigInt(permissions.table) << 12n)}, HPTSZ=${permissions.size}`;
  return joined([condition === OK ? way : CONDITIONS[condition].about, faultsDisabled ? 'FPD=1' : '']);
}

function stageFlags(stage: Stage | undefined): string {
  if (stage === undefined) return '';
  const { rules, accessed, snooped, writeProtected } = stage;
  const extended = rules.first ? accessed !== rules.accessed && 'EAFE=1' : accessed !== 0 && 'SSADE=1';
  return joined([extended || '', writeProtected ? 'WPE=1' : '', accessed !== 0 && !snooped ? 'walks not snooped' : '']);
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(', ');
}

/** The narrowest invalidation that the unit offers for a page (§6.5.2.3, §6.5.2.4). */
function iotlbInvalidation(
  capabilities: Capabilities,
  { domainId, pasid, firstStage }: IotlbTags,
  { requester }: Trace,
  iova: bigint,
  shift: number,
): string {
  const mask = shift - 12;
  const page = `address ${hex((iova >> BigInt(shift)) << BigInt(shift))}, AM=${mask}`;
  if (firstStage) {
    const byPage = `page-selective PASID-based IOTLB invalidation (P_IOTLB) of domain ${domainId}, PASID ${hex(pasid)}, ${page}`;
    // a page-selective invalidation of the second stage means guest addresses, and drops nested translations by domain
    return requester?.second === undefined
      ? byPage
      : `${byPage}; or, if the second stage changed, IOTLB invalidation of domain ${domainId}`;
  }
  if (!capabilities.has('CAP.PSI') || mask > capabilities.get('CAP.MAMV')) {
    return `domain-selective IOTLB invalidation of domain ${domainId}`;
  }
  return `page-selective IOTLB invalidation of domain ${domainId}, ${page}`;
}
