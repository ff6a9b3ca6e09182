import { mappedUnit } from './fixture.js';
import type { Task } from './measure.js';

const MEGABYTE = 2 ** 20;
const SPAN = 64 * MEGABYTE;

/** Bulk reads against raw copies of the same bytes from the same places. */
export function bulkReads(): Task[] {
  const pages = SPAN / 4096;
  const scatter = (page: number) => (page * 5167) % pages;
  const contiguous = mappedUnit(pages, (page) => page);
  const scattered = mappedUnit(pages, scatter);
  // written once, or the system would give the same page of zeros for all of it
  const raw = new Uint8Array(SPAN).fill(1);
  for (const { memory } of [contiguous, scattered]) memory.write(0, raw);
  const target = new Uint8Array(MEGABYTE);
  const part = target.subarray(0, 65536);
  let at = 0;
  const next = (length: number) => {
    at = (at + length * 7) % SPAN;
    return at;
  };
  const rawScattered = (from: number, to: Uint8Array) => {
    for (let done = 0; done < to.length; done += 4096) {
      const frame = scatter((from + done) / 4096) * 4096;
      to.set(raw.subarray(frame, frame + 4096), done);
    }
  };
  const tasks: Task[] = [];
  for (const [size, to] of [
    ['64 KiB', part],
    ['1 MiB', target],
  ] as const) {
    const { length } = to;
    // many at once: the clock of CPU time has microseconds
    const times = (16 * MEGABYTE) / length;
    const add = (name: string, once: () => void) => {
      const run = () => {
        for (let time = 0; time < times; time++) once();
      };
      tasks.push({ name: `${name}, ${size}`, operations: length * times, run });
    };
    add('raw copy, contiguous', () => {
      const from = next(length);
      to.set(raw.subarray(from, from + length));
    });
    add('read, contiguous', () => contiguous.region.read(next(length), to));
    add('raw copy, scattered', () => rawScattered(next(length), to));
    add('read, scattered', () => scattered.region.read(next(length), to));
  }
  return tasks;
}
