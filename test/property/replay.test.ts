import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../support/check-property.js';
import { eachDevice, replay, sameRuns } from '../support/replayed.js';
import { clipRuns, joinRuns } from '../support/runs.js';
import { hex } from '../support/scenario.js';
import { countTables } from '../support/table-count.js';
import { type World, type WorldSpec, worldSpec } from '../support/world.js';
import { edges } from '../support/world-probes.js';
import { type Switches, switches } from '../support/world-switches.js';

interface Case {
  readonly world: WorldSpec;
  readonly switches: Switches;
  /** Choose a window among the places where something may change. */
  readonly from: number;
  readonly to: number;
  /** Pages after which a replay is stopped. */
  readonly stop: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  world: worldSpec({ corrupted: true }),
  switches,
  from: fc.nat(500),
  to: fc.nat(500),
  stop: fc.integer({ min: 1, max: 6 }),
});

/** Two of the places where something may change, as a window of whole pages. */
function windowOf({ from, to }: Case, world: World): [first: number, end: number] {
  const pages = [...new Set([0n, 2n ** 64n, ...edges(world)].map((each) => each & ~0xfffn))].sort((a, b) =>
    a < b ? -1 : 1,
  );
  const [one, other] = [from % pages.length, to % pages.length].sort((a, b) => a - b);
  return one === other ? [0, 2 ** 64] : [Number(pages[one]), Number(pages[other])];
}

const RUNS = 60;

describe('replay announces what the reference model finds in the tables (§3.7)', () => {
  test('in runs, and page by page, and in a window', () => {
    checkProperty(cases, RUNS, (each, attempt) => {
      eachDevice(each, attempt, ({ world, region, expected }) => {
        sameRuns(replay(region).runs, expected);
        sameRuns(joinRuns(replay(region, { merged: false }).runs), expected);
        const [first, end] = windowOf(each, world);
        const window = { first, last: BigInt(end) - 1n };
        const inside = joinRuns(clipRuns(expected, first, end));
        sameRuns(replay(region, window).runs, inside);
        sameRuns(joinRuns(replay(region, { ...window, merged: false }).runs), inside);
      });
    });
  });

  test('and counts what it told, and looks at no entry that it need not', () => {
    checkProperty(cases, RUNS, (each, attempt) => {
      eachDevice(each, attempt, ({ world, machine, region, stage }) => {
        const [first, end] = windowOf(each, world);
        const window = { first, last: BigInt(end) - 1n };
        const { runs, summary } = replay(region, window);
        const pages = replay(region, { ...window, merged: false });
        const bytes = runs.reduce((sum, run) => sum + run.length, 0);
        const counted = { pages: pages.runs.length, runs: runs.length, bytes, ended: 'complete' };
        expect(summary).toMatchObject(counted);
        expect(pages.summary).toMatchObject(counted);
        const { reference, ram } = machine;
        const needed = stage && countTables(reference, ram.read64, stage, [BigInt(first), BigInt(end)]);
        expect(summary).toMatchObject(needed ?? { tables: 0, entries: 0 });
      });
    });
  });

  test('and stops when it is told to, in the middle of the tables or of a run', () => {
    checkProperty(cases, RUNS, (each, attempt) => {
      eachDevice(each, attempt, ({ region }) => {
        for (const merged of [true, false]) {
          const all = replay(region, { merged }).runs;
          const { runs, summary } = replay(region, { merged }, each.stop);
          sameRuns(runs, all.slice(0, each.stop));
          expect(summary.ended).toBe(all.length >= each.stop ? 'stopped' : 'complete');
        }
      });
    });
  });

  test('and tells of each part that it leaves out once, so that both together are the whole domain', () => {
    checkProperty(cases, RUNS, (each, attempt) => {
      eachDevice(each, attempt, ({ machine, region, stage }) => {
        const { runs, skips, summary } = replay(region, { merged: false });
        const told = Object.values(summary.skipped).reduce((sum, count) => sum + count, 0);
        expect(skips.length).toBe(told);
        if (stage === undefined) return;
        const pieces = [...runs, ...skips].sort((a, b) => a.iova - b.iova);
        let at = 0;
        for (const { iova, length } of pieces) {
          expect(hex(iova)).toBe(hex(at));
          at += length;
        }
        // an entry may reach beyond the end of the domain
        expect(at).toBeGreaterThanOrEqual(2 ** Math.min(machine.reference.mgaw, 30 + 9 * Number(stage.aw)));
      });
    });
  });
});
