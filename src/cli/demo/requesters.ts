import type { ReplaySummary } from '../../notifier/replay.js';
import { OK } from '../../walk/conditions.js';
import { type Agreement, checkAgreement } from '../captures/agreement.js';
import type { ModelledCapture } from '../captures/load.js';
import type { MappingReader, Run } from '../captures/mappings.js';
import { type CapturedRequester, isTranslating, requesterName, translationText } from '../captures/requesters.js';
import { RUN_COLUMNS, runCells } from '../commands/maps.js';
import { count, size } from '../format.js';
import { table } from '../table.js';

/** A requester, with what replay announced and how translate agreed; neither where it does not go through tables. */
export interface CheckedRequester {
  readonly requester: CapturedRequester;
  readonly runs: readonly Run[];
  readonly summary: ReplaySummary | undefined;
  readonly agreement: Agreement | undefined;
}

/** Replays a requester, and translates all that was announced and the holes between. */
export function checkRequester(
  capture: ModelledCapture,
  reader: MappingReader,
  requester: CapturedRequester,
): CheckedRequester {
  const { first, second } = requester.requester;
  const stage = first ?? second;
  if (stage === undefined || !isTranslating(capture)) {
    return { requester, runs: [], summary: undefined, agreement: undefined };
  }
  const { runs, summary } = reader.read(requester);
  const agreement = checkAgreement(capture.unit, requester, stage);
  return { requester, runs, summary, agreement };
}

const PAGE_SIZES = [2 ** 12, 2 ** 21, 2 ** 30];

/** Each requester with its driver, its domain, and what it can reach. */
export function requesterTable(checked: readonly CheckedRequester[]): string {
  const rows = checked.map(({ requester: captured, summary, agreement }) => [
    requesterName(captured),
    captured.driver,
    captured.requester.condition === OK ? count(captured.requester.domainId) : '',
    ...PAGE_SIZES.map((bytes) => count(agreement?.pages.get(bytes) ?? 0)),
    count(summary?.runs ?? 0),
    size(summary?.bytes ?? 0),
    translationText(captured.requester),
  ]);
  const pages = PAGE_SIZES.map((bytes) => `>${size(bytes)}`);
  return table(['device', 'driver', '>domain', ...pages, '>runs', '>mapped', 'translation'], rows);
}

/** Of each domain no more runs are listed. */
const MOST_RUNS = 3;

/** The first runs of each domain; the requesters of a domain share its tables. */
export function mappingTable(checked: readonly CheckedRequester[]): string {
  const domains = new Map<number, CheckedRequester[]>();
  for (const each of checked) {
    if (each.runs.length === 0) continue;
    const { domainId } = each.requester.requester;
    domains.set(domainId, [...(domains.get(domainId) ?? []), each]);
  }
  if (domains.size === 0) return '  none: no device goes through tables\n';
  const rows = [...domains].flatMap(([domainId, members]) => {
    const { requester, runs } = members[0];
    const others = members.length > 1 ? ` and ${members.length - 1} more` : ` ${requester.driver}`;
    const labels = [count(domainId), requesterName(requester) + others];
    const listed = runs
      .slice(0, MOST_RUNS)
      .map((each, index) => [...(index === 0 ? labels : ['', '']), ...runCells(each)]);
    if (runs.length > MOST_RUNS) listed.push(['', '', `and ${count(runs.length - MOST_RUNS)} more`]);
    return listed;
  });
  return table(['>domain', 'device', ...RUN_COLUMNS], rows);
}

/** How many translations agreed with what replay had announced. */
export function checkTable(checked: readonly CheckedRequester[]): string {
  const through = checked.filter(({ agreement }) => agreement !== undefined);
  if (through.length === 0) return '  nothing to compare: no device goes through tables\n';
  const rows = through.map(({ requester, summary, agreement }) => [
    requesterName(requester),
    requester.driver,
    count(summary?.pages ?? 0),
    count(agreement?.holes ?? 0),
    count(agreement?.translations ?? 0),
    count(agreement?.disagreements.length ?? 0),
    agreement?.disagreements[0] ?? '',
  ]);
  return table(['device', 'driver', '>pages', '>holes', '>translations', '>disagree', ''], rows);
}
