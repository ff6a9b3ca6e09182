import { mappedUnit } from './fixture.js';
import type { Task } from './measure.js';
import { sink } from './translate.js';

/** Replay of 1M pages in a row: each page told, or runs merged. */
export function replays(): Task[] {
  const pages = 2 ** 20;
  const { region } = mappedUnit(pages, (page) => page & 0x3fff);
  let pagesSeen = 0;
  const visit = (_iova: number, length: number) => {
    pagesSeen += length / 4096;
  };
  const run = (merged: boolean) => () => {
    region.replay(visit, { merged });
    sink.value = pagesSeen;
  };
  return [
    { name: 'replay, page by page', operations: pages, run: run(false) },
    { name: 'replay, merged runs', operations: pages, run: run(true) },
  ];
}
