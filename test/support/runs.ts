import type { ReferenceRun } from '../reference/index.js';
import { hex } from './scenario.js';

/** A run of pages: the package tells it in numbers, which hold page addresses exactly. */
export interface Run {
  readonly iova: number;
  readonly length: number;
  readonly address: number;
  readonly rights: number;
}

export function runsOf(reference: readonly ReferenceRun[]): Run[] {
  return reference.map(({ iova, length, address, read, write }) => ({
    iova: Number(iova),
    length: Number(length),
    address: Number(address),
    rights: (read ? 1 : 0) | (write ? 2 : 0),
  }));
}

/** The parts of ascending runs that lie in `[first, end)`. */
export function clipRuns(runs: readonly Run[], first: number, end: number): Run[] {
  return runs
    .map((run) => {
      const from = Math.max(run.iova, first);
      return {
        ...run,
        iova: from,
        length: Math.min(run.iova + run.length, end) - from,
        address: run.address + from - run.iova,
      };
    })
    .filter((run) => run.length > 0);
}

/** Joins runs that follow each other in both address spaces with the same rights. */
export function joinRuns(runs: readonly Run[]): Run[] {
  const joined: Run[] = [];
  for (const run of runs) {
    const last = joined[joined.length - 1];
    const follows =
      last !== undefined &&
      last.iova + last.length === run.iova &&
      last.address + last.length === run.address &&
      last.rights === run.rights;
    if (follows) joined[joined.length - 1] = { ...last, length: last.length + run.length };
    else joined.push(run);
  }
  return joined;
}

/** What lies between ascending runs in `[first, end)`. */
export function holesBetween(runs: readonly Run[], first: number, end: number): { first: number; end: number }[] {
  const holes: { first: number; end: number }[] = [];
  let at = first;
  for (const run of runs) {
    if (run.iova > at) holes.push({ first: at, end: run.iova });
    at = run.iova + run.length;
  }
  if (at < end) holes.push({ first: at, end });
  return holes;
}

export function runText({ iova, length, address, rights }: Run): string {
  return `${hex(iova)} + ${hex(length)} -> ${hex(address)} ${['-', 'r', 'w', 'rw'][rights]}`;
}
