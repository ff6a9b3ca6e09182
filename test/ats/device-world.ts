import fc from 'fast-check';
import { GuestMemory, IntelIommu } from '../../src/index.js';
import { ModelDevice, type Transfer } from '../../src/testing/index.js';
import { TableBuilder } from '../support/table-builder.js';
import { Batches, STAGE } from './invalidation-batches.js';

const PAGE = 4096;
const LARGE_PAGE = 512;
/** Host page numbers: 2 MiB for tables and queues, then two blocks of 2 MiB for data. */
const DATA = 512;
const BLOCKS = 2;
const SPACES = 3;
/** Each space is two ranges of 2 MiB, of which the first pages are used. */
const RANGES = 2;
const PAGES = 8;
const SOURCES = [0x0100, 0x0010, 0x01f9];
const PASIDS = [undefined, 1, 70];
const FOREVER = Number.POSITIVE_INFINITY;

type Rights = 'r' | 'w' | 'rw';
/** What a range of 2 MiB is: not there, pages, or a large page in one of the blocks. */
type RangeKind = 'nothing' | 'pages' | 0 | 1;

/** A change of the tables. */
export type TableEdit =
  | {
      readonly kind: 'page';
      readonly space: number;
      readonly range: number;
      readonly index: number;
      readonly target: number;
      readonly rights: Rights | undefined;
    }
  | {
      readonly kind: 'range';
      readonly space: number;
      readonly range: number;
      readonly to: RangeKind;
      readonly rights: Rights;
    }
  /** What requests of a device, without or with a PASID, go by. */
  | { readonly kind: 'use'; readonly user: number; readonly space: number | undefined };

const rights = fc.constantFrom<Rights[]>('r', 'rw', 'rw', 'w');
const space = fc.nat(SPACES - 1);
const range = fc.nat(RANGES - 1);

export const tableEdit: fc.Arbitrary<TableEdit> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('page' as const),
      space,
      range,
      index: fc.nat(PAGES - 1),
      target: fc.nat(15),
      rights: fc.option(rights, { nil: undefined, freq: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('range' as const),
      space,
      range,
      to: fc.constantFrom<RangeKind[]>('nothing', 'pages', 'pages', 0, 1),
      rights,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('use' as const),
      user: fc.nat(8),
      space: fc.option(space, { nil: undefined, freq: 5 }),
    }),
  },
);

/** A page that a device may access: of a range, by its index there. */
export const place = fc.record({ range, index: fc.nat(PAGES - 1) });

export interface WorldShape {
  readonly scalable: boolean;
  /** In scalable mode: which spaces are first stages. */
  readonly first: readonly boolean[];
  readonly pending: boolean;
  readonly caches: 'default' | 'hold' | 'none';
  readonly devices: readonly { readonly cacheEntries: number; readonly ats: boolean }[];
}

export const worldShape: fc.Arbitrary<WorldShape> = fc.record({
  scalable: fc.boolean(),
  first: fc.array(fc.boolean(), { minLength: SPACES, maxLength: SPACES }),
  pending: fc.boolean(),
  caches: fc.constantFrom('hold', 'default', 'none'),
  devices: fc.array(
    fc.record({ cacheEntries: fc.constantFrom(64, 3, 1), ats: fc.constantFrom(true, true, true, false) }),
    { minLength: 1, maxLength: SOURCES.length },
  ),
});

/** Pages that follow each other in both address spaces. */
interface Mapping {
  readonly first: number;
  readonly count: number;
  /** Number of the first host page. */
  readonly host: number;
  readonly rights: Rights;
}

/** An address space: what a domain's tables say, by the driver's own books. */
interface Space {
  readonly domainId: number;
  readonly isFirst: boolean;
  readonly top: number;
  /** Addresses of the entries of ranges, and the tables of their pages. */
  readonly ranges: { readonly entry: number; readonly table: number; kind: RangeKind; rights: Rights }[];
  readonly pages: Map<number, Mapping>;
  /** What was mapped, and until when. */
  readonly past: (Mapping & { readonly until: number })[];
}

/** Whose requests go by one space: those of a device without PASID, or with one. */
export interface User {
  readonly device: ModelDevice;
  readonly pasid: number | undefined;
  /** Address of its context entry, or PASID-table entry. */
  readonly entry: number;
  /** The spaces that it used, the present one last. */
  readonly uses: { readonly space: Space | undefined; until: number }[];
}

/**
 * Devices, address spaces, and a driver that keeps books of all that it ever mapped: by these, and by nothing of the unit's,
 * every access of a device is judged at the moment when it reaches the data. A page of data holds its own number.
 */
export class DeviceWorld {
  readonly memory = GuestMemory.ram(DATA * PAGE);
  readonly unit: IntelIommu;
  readonly devices: readonly ModelDevice[];
  readonly users: readonly User[];
  readonly batches: Batches;
  /** Accesses by translations that no device may use any more. */
  readonly wrong: string[] = [];
  accesses = 0;
  readonly #scalable: boolean;
  readonly #tables = new TableBuilder(this.memory, 16);
  readonly #spaces: readonly Space[];
  readonly #started: { readonly user: User; readonly transfer: Transfer }[] = [];
  #now = 0;

  constructor({ scalable, first, pending, caches, devices }: WorldShape) {
    this.#scalable = scalable;
    this.memory.attachHandler(DATA * PAGE, BLOCKS * LARGE_PAGE * PAGE, {
      readWord: (address) => {
        this.#judge(address, (address & 0xfff) >>> 2, false);
        return address >>> 12;
      },
      writeWord: (address, value) => {
        this.#judge(address, value, true);
        return true;
      },
    });
    this.unit = new IntelIommu({ memory: this.memory, preset: 'everything', pending, caches });
    const isFirst = (index: number) => scalable && first[index] === true;
    this.#spaces = Array.from({ length: SPACES }, (_, index) => this.#makeSpace(index + 1, isFirst(index)));
    this.devices = devices.map(
      (options, index) => new ModelDevice(this.unit, { ...options, sourceId: SOURCES[index] ?? 0, pageRequests: 0 }),
    );
    this.users = this.devices.flatMap((device) => this.#usersOf(device));
    this.unit.write64(0x20, BigInt(this.#tables.root * PAGE) | (scalable ? 0x400n : 0n));
    this.unit.write32(0x18, 0x4000_0000);
    const pages = [this.#tables.page(), this.#tables.page()] as const;
    this.batches = new Batches(this.unit, this.memory, pages, scalable);
    this.unit.write32(0x18, 0x8400_0000);
  }

  user(which: number): User {
    return this.users[which % this.users.length] as User;
  }

  /** Starts a transfer, which goes on by the steps of its device. A read is of one word. */
  start(
    user: User,
    { range, index }: { range: number; index: number },
    write: { words: number } | undefined,
  ): Transfer {
    const id = this.#started.length % 1024;
    const { device, pasid } = user;
    device.transfers = 'on-step';
    const page = (range * LARGE_PAGE + index) * PAGE;
    const options = pasid === undefined ? {} : { pasid };
    // by its number an access is recognized: each word of a write has it, and the place of a read within its page
    const transfer =
      write === undefined
        ? device.read(page + id * 4, 4, options)
        : device.write(page, new Uint8Array(Int32Array.from({ length: write.words }, () => id).buffer), options);
    this.#started[id] = { user, transfer };
    return transfer;
  }

  edit(edit: TableEdit): void {
    this.#now++;
    if (edit.kind === 'use') this.#changeUse(this.user(edit.user), edit.space);
    else if (edit.kind === 'page') this.#changePage(edit);
    else this.#changeRange(edit);
  }

  /** Submits the invalidations that are owed, and a wait behind them. */
  flush(): void {
    this.batches.submit(++this.#now);
  }

  /** The host page that a user's page is mapped to, if it has the right. */
  mapped({ uses }: User, { range, index }: { range: number; index: number }, right: 'r' | 'w'): number | undefined {
    const space = uses.at(-1)?.space;
    const page = range * LARGE_PAGE + index;
    const found = space && present(space).find((each) => covers(each, page) && each.rights.includes(right));
    return found && found.host + page - found.first;
  }

  #makeSpace(domainId: number, isFirst: boolean): Space {
    const tables = this.#tables;
    const top = tables.page();
    const ranges = Array.from({ length: RANGES }, (_, range) => ({
      entry: tables.entryAddress(top, 4, range * LARGE_PAGE * PAGE, 2, isFirst ? 7 : 3),
      table: tables.page(),
      kind: 'nothing' as RangeKind,
      rights: 'rw' as Rights,
    }));
    return { domainId, isFirst, top, ranges, pages: new Map(), past: [] };
  }

  #usersOf(device: ModelDevice): User[] {
    const tables = this.#tables;
    const { sourceId } = device;
    if (!this.#scalable) {
      return [
        {
          device,
          pasid: undefined,
          entry: tables.contextAddress(sourceId),
          uses: [{ space: undefined, until: FOREVER }],
        },
      ];
    }
    const half = tables.root * PAGE + (sourceId >> 8) * 16 + ((sourceId >> 7) & 1) * 8;
    if (tables.word(half) === 0n) tables.setWord(half, BigInt(tables.page() * PAGE) | 1n);
    const context = Number(tables.word(half) & ~0xfffn) + (sourceId & 0x7f) * 32;
    const directory = tables.page();
    // DTE and PASIDE
    tables.setWord(context, BigInt(directory * PAGE) | 0xdn);
    return PASIDS.map((pasid) => {
      const at = directory * PAGE + ((pasid ?? 0) >> 6) * 8;
      if (tables.word(at) === 0n) tables.setWord(at, BigInt(tables.page() * PAGE) | 1n);
      const entry = Number(tables.word(at) & ~0xfffn) + ((pasid ?? 0) & 63) * 64;
      return { device, pasid, entry, uses: [{ space: undefined, until: FOREVER }] };
    });
  }

  #changePage({ space: which, range: at, index, target, rights }: TableEdit & { kind: 'page' }): void {
    const space = this.#spaces[which] as Space;
    const range = space.ranges[at] as Space['ranges'][number];
    const page = at * LARGE_PAGE + index;
    const before = space.pages.get(page);
    const host = DATA + target;
    const word = rights === undefined ? 0n : entryBits(space, rights) | BigInt(host * PAGE);
    this.#tables.setWord(range.table * PAGE + index * 8, word);
    if (rights === undefined) space.pages.delete(page);
    else space.pages.set(page, { first: page, count: 1, host, rights: granted(space, rights) });
    if (range.kind !== 'pages' || before === undefined) return;
    space.past.push({ ...before, until: this.#now });
    this.#owePages(space, page, 0);
  }

  #changeRange({ space: which, range: at, to, rights }: TableEdit & { kind: 'range' }): void {
    const space = this.#spaces[which] as Space;
    const range = space.ranges[at] as Space['ranges'][number];
    const first = at * LARGE_PAGE;
    for (const mapping of present(space)) {
      if (mapping.first >= first && mapping.first < first + LARGE_PAGE)
        space.past.push({ ...mapping, until: this.#now });
    }
    let word = 0n;
    if (to === 'pages') word = BigInt(range.table * PAGE) | (space.isFirst ? 7n : 3n);
    else if (to !== 'nothing') word = BigInt((DATA + to * LARGE_PAGE) * PAGE) | 0x80n | entryBits(space, rights);
    this.#tables.setWord(range.entry, word);
    range.kind = to;
    range.rights = granted(space, rights);
    this.#owePages(space, first, 9);
  }

  #changeUse(user: User, which: number | undefined): void {
    const { uses, entry, device, pasid } = user;
    const use = uses.at(-1) as User['uses'][number];
    const space = which === undefined ? undefined : this.#spaces[which];
    use.until = this.#now;
    uses.push({ space, until: FOREVER });
    const words = space === undefined ? [] : this.#scalable ? pasidEntry(space) : contextEntry(space);
    const count = this.#scalable ? 8 : 2;
    // the word with the present bit goes first when it is taken out, and last when it is set
    for (let index = count - 1; index >= 0; index--) this.#tables.setWord(entry + 8 * index, words[index] ?? 0n);
    if (use.space === undefined) return;
    const { domainId, isFirst } = use.space;
    const did = BigInt(domainId) << 16n;
    const pasidBits = BigInt(pasid ?? 0) << 32n;
    if (this.#scalable) this.batches.owe(STAGE.structures, 0x17n | did | pasidBits, 0n);
    else this.batches.owe(STAGE.structures, 0x31n | did | (BigInt(device.sourceId) << 32n), 0n);
    if (isFirst) this.batches.owe(STAGE.iotlb, 0x26n | did | pasidBits, 0n);
    else this.batches.owe(STAGE.iotlb, 0x22n | did, 0n);
    this.#oweDevice(user, 0, 51);
  }

  /** 2^`mask` pages of a space, for each user that may hold translations of it. */
  #owePages(space: Space, page: number, mask: number): void {
    const did = BigInt(space.domainId) << 16n;
    const address = BigInt(page * PAGE);
    const { barrier } = this.batches;
    for (const user of this.users) {
      if (!user.uses.some((use) => use.space === space && use.until > barrier)) continue;
      const pasid = BigInt(user.pasid ?? 0) << 32n;
      if (space.isFirst) this.batches.owe(STAGE.iotlb, 0x36n | did | pasid, address | BigInt(mask));
      else this.batches.owe(STAGE.iotlb, 0x32n | did, address | BigInt(mask));
      this.#oweDevice(user, page, mask);
    }
  }

  /** Of the device-TLB: by PASID, or what belongs to requests without. The size stands in the address (§6.5.2.5). */
  #oweDevice({ device, pasid }: User, page: number, mask: number): void {
    const sourceId = BigInt(device.sourceId);
    const ones = mask === 0 ? 0n : ((1n << BigInt(mask - 1)) - 1n) << 12n;
    const address = BigInt(page * PAGE) | ones;
    if (pasid === undefined) this.batches.owe(STAGE.devices, 3n | (sourceId << 32n), address | (mask > 0 ? 1n : 0n));
    else {
      const low = 8n | (sourceId << 16n) | (BigInt(pasid) << 32n);
      this.batches.owe(STAGE.devices, low, address | (mask > 0 ? 0x800n : 0n));
    }
  }

  /** An access has reached a word of data: is there a translation to it that the device may still use? */
  #judge(address: number, id: number, isWrite: boolean): void {
    const started = this.#started[id];
    if (started === undefined || started.transfer.isWrite !== isWrite) {
      this.wrong.push(`an access to ${address.toString(16)} that no transfer asked for`);
      return;
    }
    if (isWrite && (address & 0xfff) !== 0) return;
    this.accesses++;
    const { user, transfer } = started;
    const page = Number(transfer.address >> 12n) + (transfer.moved >>> 12);
    const right = isWrite ? 'w' : 'r';
    const { barrier } = this.batches;
    const isGiven = (mapping: Mapping) =>
      covers(mapping, page) && mapping.host + page - mapping.first === address >>> 12 && mapping.rights.includes(right);
    const isLawful = user.uses.some(
      ({ space, until }) =>
        space !== undefined &&
        until > barrier &&
        [...present(space), ...space.past.filter((each) => each.until > barrier)].some(isGiven),
    );
    if (isLawful) return;
    const { sourceId } = user.device;
    this.wrong.push(
      `0x${sourceId.toString(16)}, PASID ${user.pasid}: page ${page} (${right}) came to host page ${address >>> 12}`,
    );
  }
}

function present({ ranges, pages }: Space): Mapping[] {
  return ranges.flatMap(({ kind, rights }, at) => {
    const first = at * LARGE_PAGE;
    if (kind === 'nothing') return [];
    if (kind !== 'pages') return [{ first, count: LARGE_PAGE, host: DATA + kind * LARGE_PAGE, rights }];
    return [...pages.values()].filter((each) => each.first >= first && each.first < first + LARGE_PAGE);
  });
}

function covers({ first, count }: Mapping, page: number): boolean {
  return page >= first && page < first + count;
}

/** A first-stage page that may be written may be read, too. */
function granted({ isFirst }: Space, rights: Rights): Rights {
  return isFirst && rights === 'w' ? 'rw' : rights;
}

/** P, R/W, U/S of a first stage; R and W of a second one. */
function entryBits({ isFirst }: Space, rights: Rights): bigint {
  const writes = rights.includes('w') ? 2n : 0n;
  return isFirst ? 5n | writes : (rights.includes('r') ? 1n : 0n) | writes;
}

/** TT=1 (§9.3). */
function contextEntry({ domainId, top }: Space): bigint[] {
  return [BigInt(top * PAGE) | 5n, (BigInt(domainId) << 8n) | 2n];
}

/** Four levels, and walks that are snooped (§9.6). */
function pasidEntry({ domainId, top, isFirst }: Space): bigint[] {
  const second = BigInt(domainId) | (1n << 23n);
  const table = BigInt(top * PAGE);
  return isFirst ? [0x41n, second, table] : [table | 0x89n, second, 0n];
}
