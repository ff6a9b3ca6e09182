import { GuestMemory, IntelIommu } from '../src/index.js';
import { bulkReads } from './dma.js';
import { interrupts } from './interrupts.js';
import { invalidations } from './invalidate.js';
import { measure, type Task } from './measure.js';
import { replays } from './replay.js';
import { scalableHits, scalableMisses } from './scalable.js';
import { allocation, hits, legacyMisses, misses, yardsticks } from './translate.js';

/** A goal: the first row's time against the second's. */
interface Goal {
  readonly what: string;
  readonly against: string;
  /** The ratio must be at most this, or for rates (time of the second to time of the first) at least. */
  readonly most?: number;
  readonly least?: number;
}

const MAP = 'Map.get(number)';

const GOALS: readonly Goal[] = [
  { what: 'hit, number, 1 page', against: MAP, most: 0.45 },
  { what: 'hit, number, 1024 pages', against: MAP, most: 0.45 },
  { what: 'hit, halves, 1024 pages', against: MAP, most: 0.45 },
  { what: 'hit, bigint to object, 1024 pages', against: 'Map.get(bigint)', most: 1 },
  { what: 'hit, number, 4096 pages', against: 'hit, number, 1024 pages', most: 1.2 },
  { what: 'miss, number, 1M dense pages', against: MAP, most: 3 },
  { what: 'hit, first stage, 1024 pages', against: 'hit, number, 1024 pages', most: 1.1 },
  { what: 'hit, nested, 1024 pages', against: 'hit, number, 1024 pages', most: 1.1 },
  { what: 'miss, second stage, 28K pages', against: 'miss, legacy, 28K pages', most: 1.2 },
  { what: 'miss, first stage, 28K pages', against: 'miss, legacy, 28K pages', most: 1.2 },
  { what: 'miss, nested, 1024 pages', against: 'miss, first stage, 1024 pages', most: 4 },
  { what: 'interrupt, 1024 entries cached', against: MAP, most: 0.5 },
  { what: 'replay, page by page', against: MAP, most: 0.7 },
  { what: 'replay, merged runs', against: MAP, most: 0.3 },
  { what: 'read, contiguous, 64 KiB', against: 'raw copy, contiguous, 64 KiB', least: 0.9 },
  { what: 'read, contiguous, 1 MiB', against: 'raw copy, contiguous, 1 MiB', least: 0.9 },
  { what: 'read, scattered, 64 KiB', against: 'raw copy, scattered, 64 KiB', least: 0.9 },
  { what: 'read, scattered, 1 MiB', against: 'raw copy, scattered, 1 MiB', least: 0.9 },
  { what: 'page invalidation, IOTLB full', against: 'page invalidation, IOTLB empty', most: 1.3 },
];

/** Bytes that a unit with default caches takes, beside guest memory. */
function unitBytes(): number {
  const memory = GuestMemory.ram(4096);
  const used = () => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  new IntelIommu({ memory });
  const before = used();
  const units = Array.from({ length: 8 }, () => new IntelIommu({ memory }));
  return (used() - before) / units.length;
}

function print(columns: readonly string[]): void {
  const [what = '', time = '', against = '', ratio = '', goal = ''] = columns;
  console.log(`${what.padEnd(36)}${time.padStart(10)}  ${against.padEnd(32)}${ratio.padStart(7)}  ${goal}`);
}

async function main(): Promise<void> {
  const quick = process.argv.includes('--quick');
  // made one after the other, so that none works beside the memory of all the others
  const groups: (() => Task[])[] = [
    () => [...yardsticks(), ...hits(), ...scalableHits()],
    () => [...yardsticks(), ...interrupts()],
    () => [...yardsticks(), ...misses()],
    () => [...legacyMisses(), ...scalableMisses()],
    () => [...yardsticks(), ...replays()],
    bulkReads,
    invalidations,
  ];
  const bytesPerUnit = unitBytes();
  const bytesPerTranslation = allocation();
  print(['operation', 'ns each', 'against', 'ratio', 'goal']);
  let missed = 0;
  for (const group of groups) {
    const times = await measure(group(), quick ? 3 : 7, quick ? 60 : 250);
    for (const { what, against, most, least } of GOALS) {
      const time = times.get(what);
      const base = times.get(against);
      if (time === undefined || base === undefined) continue;
      const ratio = least === undefined ? time / base : base / time;
      const met = ratio <= (most ?? Number.POSITIVE_INFINITY) && ratio >= (least ?? 0);
      if (!met) missed++;
      const goal = `${most === undefined ? `>= ${least}` : `<= ${most}`}${met ? '' : '   MISSED'}`;
      print([what, time.toFixed(time < 1 ? 3 : 1), against, ratio.toFixed(2), goal]);
    }
  }
  console.log(`bytes allocated by a translation on the number face: ${bytesPerTranslation.toFixed(3)}  (goal: 0)`);
  console.log(`memory of a unit with default caches: ${(bytesPerUnit / 2 ** 20).toFixed(2)} MiB  (goal: < 2)`);
  console.log(missed === 0 ? 'all goals met' : `${missed} goals missed in this run`);
}

await main();
