import { join } from 'node:path';
import { GuestMemory } from '../../memory/guest-memory.js';
import { SparseMemory } from '../../memory/sparse-memory.js';
import { hex } from '../format.js';
import { InputError } from '../io.js';
import { readGzip, readJson } from './files.js';

const PAGE = 4096;
/** Bounds for captures that were not made by a machine of this world. */
const MOST_PAGES = 2 ** 18;
const MOST_RANGES = 2 ** 12;

/**
 * The memory that a capture holds: tables and queues, and where there was nothing but zeros. What was not captured
 * decodes nothing.
 *
 * @throws InputError if files are missing or damaged, or pages overlap
 */
export function readMemory(directory: string): GuestMemory {
  const file = readJson(directory, 'pages.json');
  const pages = file.get('pages').list();
  if (pages.length > MOST_PAGES) throw new InputError(`pages.json has ${pages.length} pages: at most ${MOST_PAGES}`);
  const bytes = readGzip(directory, 'pages.bin.gz', pages.length * PAGE);
  if (bytes.length !== pages.length * PAGE) {
    const where = join(directory, 'pages.bin.gz');
    throw new InputError(`${where} holds ${bytes.length} bytes: ${pages.length} pages have ${pages.length * PAGE}`);
  }
  const memory = new GuestMemory();
  const bases = new Set<number>();
  const attach = (base: number, attachTo: () => void) => {
    const complain = (what: string) => new InputError(`${join(directory, 'pages.json')}: ${what}`);
    if (bases.has(base)) throw complain(`two ranges of memory overlap at ${hex(base)}`);
    if (bases.add(base).size > MOST_RANGES) throw complain(`more than ${MOST_RANGES} ranges of memory`);
    try {
      attachTo();
    } catch (error) {
      // GuestMemory says what is wrong with a range: not at a page, beyond 2^52, over another one
      throw complain((error as Error).message);
    }
  };
  for (const run of joinPages(pages.map((page) => Number(page.number64())))) {
    const ram = new Uint8Array(run.length * PAGE);
    for (const [at, { index }] of run.entries()) ram.set(bytes.subarray(index * PAGE, (index + 1) * PAGE), at * PAGE);
    attach(run[0].address, () => memory.attach(run[0].address, ram));
  }
  for (const run of file.get('zeroRuns').list()) {
    const [first, pageCount] = [Number(run.get(0).number64()), run.get(1).whole(2 ** 40)];
    attach(first, () => memory.attachHandler(first, pageCount * PAGE, new SparseMemory()));
  }
  return memory;
}

/** Pages in ascending order, those that follow each other in one run. */
function joinPages(addresses: readonly number[]): { address: number; index: number }[][] {
  const runs: { address: number; index: number }[][] = [];
  const pages = addresses.map((address, index) => ({ address, index })).sort((a, b) => a.address - b.address);
  for (const page of pages) {
    const run = runs[runs.length - 1];
    if (run !== undefined && run[run.length - 1].address + PAGE === page.address) run.push(page);
    else runs.push([page]);
  }
  return runs;
}
