import { GuestMemory, IntelIommu, type PageRequest } from '../../src/index.js';
import { ModelDevice, type Transfer } from '../../src/testing/index.js';
import { TableBuilder } from '../support/table-builder.js';

const PAGE = 4096;
const PASID = 5;
const ENTRIES = 128;
/** Host page numbers of the data: a page holds its own number. */
const DATA = 128;

export type Answer = 'map' | 'retry' | 'refuse' | 'fail';

/** A request as the driver reads it from the queue (§7.4.1.1). */
interface Read {
  readonly sourceId: number;
  readonly pasid: number | undefined;
  readonly page: number;
  readonly write: boolean;
  readonly lastInGroup: boolean;
  readonly group: number;
}

/** Devices that make page requests, and a driver that answers them when the test lets it. */
export class PageRequestWorld {
  readonly memory = GuestMemory.ram(256 * PAGE);
  readonly unit: IntelIommu;
  readonly devices: readonly ModelDevice[];
  readonly transfers: Transfer[] = [];
  /** What was not as it has to be. */
  readonly wrong: string[] = [];
  /** Groups whose last request was made, and that have no answer. */
  readonly open = new Set<string>();
  readonly counts = { software: 0, automatic: 0, dropped: 0 };
  readonly #tables = new TableBuilder(this.memory, 16);
  readonly #queue = this.#tables.page() * PAGE;
  readonly #requests = this.#tables.page() * PAGE;
  readonly #status = this.#tables.page() * PAGE;
  readonly #leaves: number;
  readonly #pasidEntry: number;
  /** Requests that stand in the queue, by what the unit answered. */
  readonly #queued: PageRequest[] = [];
  readonly #window: number;
  /** The driver's own place in the queue. */
  #next = 0;
  #waits = 0;

  /** @param window - how many requests find room: the driver leaves the head so near to the tail */
  constructor(window: number, credits: readonly number[]) {
    const tables = this.#tables;
    this.unit = new IntelIommu({ memory: this.memory, preset: 'everything' });
    for (let page = DATA; page < 256; page++) this.memory.write(page * PAGE, new Uint8Array(PAGE).fill(page));
    const top = tables.page();
    const leaf = tables.entryAddress(top, 4, 0, 1, 7);
    this.#leaves = leaf;
    const directory = tables.page();
    const pasids = tables.page();
    const context = tables.page();
    tables.setWord(tables.root * PAGE, BigInt(context * PAGE) | 1n);
    tables.setWord(directory * PAGE, BigInt(pasids * PAGE) | 1n);
    this.#pasidEntry = pasids * PAGE + PASID * 64;
    for (const entry of [this.#pasidEntry, pasids * PAGE]) {
      tables.setWord(entry, 0x41n);
      tables.setWord(entry + 8, 1n | (1n << 23n));
      tables.setWord(entry + 16, BigInt(top * PAGE));
    }
    const sources = credits.map((_, index) => 0x10 + index);
    for (const sourceId of sources) tables.setWord(context * PAGE + sourceId * 32, BigInt(directory * PAGE) | 0x1dn);
    this.unit.write64(0x20, BigInt(tables.root * PAGE) | 0x400n);
    this.unit.write32(0x18, 0x4000_0000);
    this.unit.write64(0x90, BigInt(this.#queue) | 0x800n);
    this.unit.write64(0xd0, BigInt(this.#requests));
    this.#window = window;
    this.#moveHead();
    this.unit.write32(0x18, 0x8400_0000);
    this.#watch();
    this.devices = sources.map(
      (sourceId, index) => new ModelDevice(this.unit, { sourceId, pageRequests: credits[index] }),
    );
  }

  start(device: ModelDevice, page: number, pages: number, isWrite: boolean, hasPasid: boolean): void {
    const options = hasPasid ? { pasid: PASID } : {};
    const transfer = isWrite
      ? device.write(page * PAGE, new Uint8Array(pages * PAGE).fill(1), options)
      : device.read(page * PAGE, pages * PAGE, options);
    this.transfers.push(transfer);
  }

  map(page: number): void {
    this.#tables.setWord(this.#leaves + page * 8, BigInt((DATA + page) * PAGE) | 7n);
  }

  /** The driver reads up to `most` requests, and answers groups whose last one it comes to. */
  handle(most: number, answer: Answer): void {
    this.unit.write32(0xdc, 1);
    for (let count = 0; count < most && this.#next * 32 !== this.unit.read32(0xc8); count++) {
      const request = this.#readNext();
      if (answer === 'map') this.map(request.page);
      if (request.lastInGroup) this.#respond(request, { map: 0n, retry: 0n, refuse: 1n, fail: 15n }[answer]);
    }
    this.#moveHead();
  }

  clearOverflow(): void {
    this.unit.write32(0xdc, 2);
  }

  /** A PASID's entry is taken out, or put back: meanwhile the tables refuse its page requests. */
  togglePasid(): void {
    this.#tables.setWord(this.#pasidEntry, this.#tables.word(this.#pasidEntry) ^ 1n);
    this.#submit(0x37n, 0n);
  }

  restorePasid(): void {
    if ((this.#tables.word(this.#pasidEntry) & 1n) === 0n) this.togglePasid();
  }

  /** A wait that drains page requests (§7.10). @returns whether it completed */
  drain(): boolean {
    this.#waits++;
    this.#submit(0xa5n | (BigInt(this.#waits) << 32n), BigInt(this.#status));
    return this.memory.read32(this.#status) === this.#waits;
  }

  #watch(): void {
    const { unit } = this;
    let calls = 0;
    unit.on('pageGroupResponse', ({ sourceId, group }) => {
      if (!this.open.delete(`${sourceId} ${group}`))
        this.wrong.push(`group ${group} is answered, and waits for nothing`);
      if (calls > 0) this.counts.automatic++;
      else this.counts.software++;
    });
    const original = unit.pageRequest.bind(unit);
    unit.pageRequest = (request) => {
      const key = `${request.sourceId} ${request.group}`;
      if (request.lastInGroup) this.open.add(key);
      calls++;
      const outcome = original(request);
      calls--;
      if (outcome.outcome === 'queued') this.#queued.push(request);
      if (outcome.outcome === 'dropped') this.counts.dropped++;
      const isLeft = request.lastInGroup && this.open.has(key);
      if (isLeft !== (request.lastInGroup && outcome.outcome === 'queued')) {
        this.wrong.push(`group ${request.group}: ${outcome.outcome}, but it ${isLeft ? 'has no' : 'has an'} answer`);
      }
      return outcome;
    };
  }

  #readNext(): Read {
    const at = this.#requests + this.#next * 32;
    this.#next = (this.#next + 1) % ENTRIES;
    const [first, second, third, high] = [0, 4, 8, 12].map((offset) => this.memory.read32(at + offset) ?? 0);
    const read: Read = {
      sourceId: first >>> 16,
      pasid: (first & 0x100) === 0 ? undefined : second & 0xf_ffff,
      page: (third >>> 12) | (high << 20),
      write: (third & 2) !== 0,
      lastInGroup: (third & 4) !== 0,
      group: (third >>> 3) & 0x1ff,
    };
    const made = this.#queued.shift();
    const expected: Read | undefined = made && {
      sourceId: made.sourceId,
      pasid: made.pasid,
      page: Number(BigInt(made.address) >> 12n),
      write: made.write === true,
      lastInGroup: made.lastInGroup,
      group: made.group,
    };
    if (JSON.stringify(read) !== JSON.stringify(expected)) {
      this.wrong.push(`the queue holds ${JSON.stringify(read)}, made was ${JSON.stringify(expected)}`);
    }
    return read;
  }

  #respond({ sourceId, pasid, group }: Read, code: bigint): void {
    const prefix = pasid === undefined ? 0n : 0x10n | (BigInt(pasid) << 32n);
    this.#submit(9n | prefix | (code << 12n) | (BigInt(sourceId) << 16n), BigInt(group) << 3n);
  }

  #submit(low: bigint, high: bigint): void {
    const tail = this.unit.read32(0x88);
    for (const [index, word] of [low, high, 0n, 0n].entries()) {
      this.#tables.setWord(this.#queue + tail + index * 8, word);
    }
    this.unit.write32(0x88, (tail + 32) & 0xfff);
  }

  /** Behind the driver's place, so that the queue is full as soon as `window` requests wait in it. */
  #moveHead(): void {
    this.unit.write32(0xc0, ((this.#next + 1 + this.#window) % ENTRIES) * 32);
  }
}
