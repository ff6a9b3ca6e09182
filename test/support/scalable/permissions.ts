import type { Driver } from '../driver.js';

/**
 * Builds a host permission table: pages of 4 KiB of every permission where data is, a page of 1 GiB below 4 GiB where the
 * unit has such pages, and pages of 2 MiB of every permission from 32 MiB up (§4.2.4).
 */
export function buildPermissions({ tables }: Driver, gigabytes: boolean): { top: number; entries: number[] } {
  const [top, third, second, first] = [tables.page(), tables.page(), tables.page(), tables.page()];
  const valid = (page: number) => (BigInt(page) << 12n) | 1n;
  const entries: number[] = [];
  const set = (table: number, index: number, low: bigint, high: bigint) => {
    const at = table * 4096 + 16 * index;
    tables.setWord(at, low);
    tables.setWord(at + 8, high);
    entries.push(at);
  };
  set(top, 0, 0n, valid(third));
  set(third, 0, gigabytes ? 3n << 12n : 0n, valid(second));
  set(second, 0, 0n, valid(first));
  set(second, 1, 0x3210_3210_3210_3210n, 0n);
  for (let index = 0x40; index < 0x44; index++) {
    set(first, index, 0x3213_3213_3213_3213n, 0x0333_0333_0333_0333n);
  }
  return { top, entries };
}
