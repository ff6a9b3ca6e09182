import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import type { EntryFormat } from '../tables/entry-format.js';
import { HOST_PERMISSION_ENTRIES } from '../tables/host-permission.js';
import { conditionId, OK } from './conditions.js';
import { EntryReader } from './entry-reader.js';
import type { WalkObserver } from './observer.js';
import { entryFrame } from './page-walk.js';
import { READ, WRITE, ZERO_LENGTH_READ } from './rights.js';

const SPT_9 = conditionId('SPT.9');
const HPT_1 = conditionId('HPT.1');
const HPT_2 = conditionId('HPT.2');
const HPT_3 = conditionId('HPT.3');
const HPT_4 = conditionId('HPT.4');
const HPT_5 = conditionId('HPT.5');
const HPT_6 = conditionId('HPT.6');

/** The lowest address bit that indexes the tables of a level, and the lowest that indexes its page permissions. */
const INDEX_SHIFT = [0, 17, 25, 33, 41];
const PAGE_SHIFT = [0, 12, 21, 30, 0];
const PERMISSIONS = [0, 32, 16, 8, 0];

/** Which page permission of an entry is that of an address; the entries of the top level have none. */
export function permissionIndex(level: number, address: number): number | undefined {
  const count = PERMISSIONS[level] as number;
  return count === 0 ? undefined : Math.floor(address / 2 ** (PAGE_SHIFT[level] as number)) % count;
}

/** The host permission table, in which translated requests are looked up (§4.2.4). */
export class HostPermissions {
  /** Rights of the page that the last {@link check} let pass. */
  rights = 0;
  /** HPTPTR as a page number, and HPTSZ. */
  readonly table: number;
  readonly size: number;
  readonly #readers: readonly (EntryReader | undefined)[];
  readonly #zeroLengthReads: boolean;

  /** @param size - HPTSZ: addresses have at most 49 + HPTSZ bits */
  constructor(memory: GuestMemory, capabilities: Capabilities, table: number, size: number) {
    const reader = (format: EntryFormat | undefined) => format && new EntryReader(memory, capabilities, format);
    this.#readers = HOST_PERMISSION_ENTRIES.map(reader);
    this.table = table;
    this.size = size;
    this.#zeroLengthReads = capabilities.has('CAP.ZLR');
  }

  /** Whether a translated request may reach an address, which is below 2^HAW. */
  check(hi: number, lo: number, access: number, observer: WalkObserver | null): number {
    const address = (hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
    if (address >= 2 ** (49 + this.size)) return SPT_9;
    let { table } = this;
    for (let level = 4; level > 0; level--) {
      const place = Math.floor(address / 2 ** (INDEX_SHIFT[level] as number));
      const reader = this.#readers[level] as EntryReader;
      const entry = reader.read(table, level === 4 ? place : place & 255, observer);
      if (entry === undefined) return level === 4 ? HPT_3 : HPT_1;
      if (reader.violates(entry)) return HPT_2;
      const page = permissionIndex(level, address);
      if (page !== undefined) {
        const rights = ((entry[page >> 3] as number) >>> (4 * (page & 7))) & (READ | WRITE);
        if (rights !== 0) return this.verdict(rights, access);
      }
      if (level === 1 || (entry[2] & 1) === 0) break;
      table = entryFrame(entry[2], entry[3]);
    }
    return this.verdict(0, access);
  }

  private verdict(rights: number, access: number): number {
    this.rights = rights;
    if ((access & WRITE & ~rights) !== 0) return HPT_5;
    if ((access & READ & ~rights) !== 0) return HPT_6;
    if ((access & ZERO_LENGTH_READ) === 0) return OK;
    if (this.#zeroLengthReads) return rights === 0 ? HPT_4 : OK;
    return (rights & READ) === 0 ? HPT_6 : OK;
  }
}
