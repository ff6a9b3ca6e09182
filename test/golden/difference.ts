import type { Divergence } from './divergences.js';
import { modelAnswer, type Result, type Scenario, type Step, type Version, valuesOf } from './transcripts.js';

/** One value of a step's result that is not what QEMU answered. */
export interface Difference {
  readonly scenario: Scenario;
  readonly version: Version;
  /** Number of the step, and the step. */
  readonly at: number;
  readonly step: Step;
  /** Which value, e.g. `frcd[1]`. */
  readonly path: string;
  readonly ours: string;
  readonly theirs: string;
  /** All results of the scenario. */
  readonly ourResults: readonly Result[];
  readonly theirResults: readonly Result[];
  /** What the model answers here with another cache policy. */
  under(cache: 'none' | 'hold'): string;
}

/** What stands for a value that is left out: registers of a dump that are 0. */
const ABSENT = '0x0';

/** All differences of a scenario that ran on both sides. */
export function differencesOf(
  scenario: Scenario,
  version: Version,
  ourResults: readonly Result[],
  theirResults: readonly Result[],
): Difference[] {
  const answers = new Map<string, readonly Result[]>();
  const resultsUnder = (cache: string): readonly Result[] => {
    const known = answers.get(cache);
    if (known !== undefined) return known;
    const answer = modelAnswer(scenario, version, cache);
    const results = 'results' in answer ? answer.results : [];
    answers.set(cache, results);
    return results;
  };
  const found: Difference[] = [];
  scenario.steps.forEach((step, at) => {
    const ours = valuesOf(ourResults[at] ?? {});
    const theirs = valuesOf(theirResults[at] ?? {});
    for (const path of new Set([...ours.keys(), ...theirs.keys()])) {
      const [our, their] = [ours.get(path) ?? ABSENT, theirs.get(path) ?? ABSENT];
      if (our === their) continue;
      found.push({
        ...{ scenario, version, at, step, path, ours: our, theirs: their, ourResults, theirResults },
        under: (cache) => valuesOf(resultsUnder(cache)[at] ?? {}).get(path) ?? ABSENT,
      });
    }
  });
  return found;
}

/**
 * The rows that explain a difference together: those that rewrite QEMU's value into what it would be without one
 * departure of QEMU, one after the other, and at last, if the values still differ, one that explains the rest.
 *
 * @param table - the rows that may
 * @returns the rows, or `undefined` if the difference is not explained
 */
export function explanation(difference: Difference, table: readonly Divergence[]): Divergence[] | undefined {
  const rows: Divergence[] = [];
  let current = difference;
  for (const row of table) {
    if (!applies(row, current)) continue;
    const theirs = row.rewrite?.(current);
    if (theirs === undefined || theirs === current.theirs) continue;
    rows.push(row);
    current = { ...current, theirs };
    if (current.ours === theirs) return rows;
  }
  const last = table.find((row) => applies(row, current) && row.explains?.(current) === true);
  return last === undefined ? undefined : [...rows, last];
}

function applies(row: Divergence, { scenario, version }: Difference): boolean {
  return (row.versions?.includes(version) ?? true) && (row.scenario === undefined || row.scenario === scenario.name);
}

/** A difference as a message shows it. */
export function show({ scenario, version, at, step, path, ours, theirs }: Difference): string {
  const text = JSON.stringify(step);
  return `${scenario.name} (QEMU ${version}) step ${at} ${text.slice(0, 120)}: ${path} is ${ours}, QEMU has ${theirs}`;
}
