import { describe, expect, test } from 'vitest';
import { type Difference, differencesOf, explanation, show } from './difference.js';
import { DIVERGENCES } from './divergences.js';
import { modelAnswer, type Recording, recordings, type Scenario, VERSIONS, type Version } from './transcripts.js';

const SETS = ['hand', 'random'] as const;
const QEMU = ['7.2', '11.1'] as const;

const used = new Set<string>();
let compared = 0;

/** Differences that no row explains. */
function unexplained({ scenario, qemu }: Recording, version: Version): Difference[] | string {
  compared++;
  const theirs = qemu[VERSIONS[version]];
  const ours = modelAnswer(scenario, version);
  if (theirs === undefined || 'error' in theirs || 'error' in ours) {
    const both = [ours, theirs].map((answer) => answer !== undefined && 'error' in answer && answer.error);
    return both[0] === 'options' && both[1] === 'unsupported' ? [] : `ours: ${both[0]}, QEMU: ${both[1]}`;
  }
  const found: Difference[] = [];
  for (const difference of differencesOf(scenario, version, ours.results, theirs.results)) {
    const rows = explanation(difference, DIVERGENCES);
    for (const { name } of rows ?? []) used.add(name);
    if (rows === undefined) found.push(difference);
    if (rows?.some(({ parts }) => parts)) break;
  }
  return found;
}

function named(set: (typeof SETS)[number]) {
  return recordings(set).map((recording) => [recording.scenario.name, recording] as const);
}

describe.each(QEMU)('the model answers what QEMU %s answered', (version) => {
  describe.each(SETS)('%s scenarios', (set) => {
    test.each(named(set))('%s', (_, recording) => {
      const found = unexplained(recording, version);
      expect(typeof found === 'string' ? found : found.map(show)).toEqual([]);
    });
  });
});

test('every row of divergences is needed', ({ skip }) => {
  if (compared < QEMU.length * SETS.flatMap(recordings).length) skip('not all recordings were compared');
  expect(DIVERGENCES.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
});

/** Whether software can invalidate at all as it does: registers and 128-bit descriptors are for legacy mode (§6.5). */
function invalidates({ options, steps }: Scenario): boolean {
  if (options['scalable-mode'] !== true) return true;
  return steps.some(({ op, off, value }) => op === 'regwrite' && off === '0x90' && (BigInt(value) & 0x800n) !== 0n);
}

describe('§6.1: where software invalidates what it changes, results do not depend on what caches hold', () => {
  const fresh = named('random').filter(([name, { scenario }]) => !name.includes('-stale-') && invalidates(scenario));
  test.each(fresh)('%s', (_, { scenario }) => {
    for (const version of QEMU) {
      const answer = modelAnswer(scenario, version);
      expect(modelAnswer(scenario, version, 'none')).toEqual(answer);
      expect(modelAnswer(scenario, version, 'hold')).toEqual(answer);
    }
  });
});
