import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ACCESS, type IommuMemoryRegion, type Notifier } from '../../src/index.js';
import { type Attempt, checkProperty } from '../support/check-property.js';
import { WorldMachine } from '../support/machine.js';
import { type CacheName, hex } from '../support/scenario.js';
import { awake, SOUP_RAM, type SoupPage, soupPages, soupStep } from '../support/soup.js';
import { type SoupAction, soupAction } from '../support/soup-actions.js';
import { capabilityFields, type WorldCapabilities, worldCapabilities } from '../support/world-capabilities.js';

interface Case {
  readonly caps: WorldCapabilities;
  readonly major: number;
  readonly cache: CacheName;
  readonly pending: boolean;
  readonly pages: readonly SoupPage[];
  /** Where the unit finds its root table and its queue, if it is to be awake at first. */
  readonly awake: readonly [root: number, queue: number] | undefined;
  readonly actions: readonly SoupAction[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  caps: worldCapabilities,
  major: fc.constantFrom(1, 5, 6),
  cache: fc.constantFrom<CacheName[]>('default', 'none', 'hold'),
  pending: fc.constantFrom(false, false, true),
  pages: soupPages,
  awake: fc.option(fc.tuple(fc.constantFrom(0, 0, 0, 5), fc.constantFrom(13, 14, 15, 2)), { nil: undefined, freq: 6 }),
  actions: fc.array(soupAction, { maxLength: 40, size: 'max' }),
});

const LIMIT = 6000;
/** Entries that a replay may look at beyond its limit: those of the table at which it ends. */
const MOST_ENTRIES = LIMIT + 512;
/** Words that one replay reads: tables are read whole, and each has an entry to look at; root and context entry. */
const REPLAY_READS = (MOST_ENTRIES + 1) * 1024 + 8;
/** Words that one request reads: root and context entry, twice when it faults, and an entry for each of 5 levels. */
const REQUEST_READS = 8 + 8 + 2 * 5;
const MOST_NOTIFIERS = 3;

/** A unit in a soup, what is done to it, and how much work that makes. */
class Soup {
  readonly machine: WorldMachine;
  readonly #notifiers: Notifier[] = [];
  #descriptors = 0;
  #waits = 0;
  #told = 0;

  constructor({ caps, major, cache, pending }: Case, attempt: Attempt) {
    const fields = { ...capabilityFields(caps), 'VER.MAJOR': major };
    const options = { preset: 'everything', caps: fields, haw: caps.haw, cache, pending, ram: SOUP_RAM } as const;
    this.machine = new WorldMachine('byte soup', options, attempt, { replayLimit: LIMIT });
    this.machine.unit.on('descriptor', (name) => {
      this.#descriptors++;
      if (name === 'wait') this.#waits++;
    });
    this.machine.unit.on('map', () => this.#told++);
    this.machine.unit.on('unmap', () => this.#told++);
  }

  /** Does something that may lead to invalidations and to what notifiers hear. */
  command(run: () => void): void {
    const { ram } = this.machine;
    const before = ram.reads;
    this.#descriptors = 0;
    this.#waits = 0;
    this.#told = 0;
    run();
    // the longest queue holds 2^15 descriptors, and register requests are two at most
    expect(this.#descriptors).toBeLessThan(2 ** 15);
    // notifiers catch up before each wait is done, and at the end, by one replay for each
    const updates = (this.#waits + 4) * MOST_NOTIFIERS;
    const requesters = 8 * MOST_NOTIFIERS * (2 * this.#descriptors + 8);
    expect(ram.reads - before).toBeLessThanOrEqual(updates * REPLAY_READS + requesters + 8 * (this.#descriptors + 1));
    expect(this.#told).toBeLessThanOrEqual(updates * 8 * MOST_ENTRIES);
  }

  do(action: SoupAction): void {
    const { machine } = this;
    switch (action.kind) {
      case 'register': {
        const { off, size, value } = action.write;
        this.command(() => machine.do({ op: 'regwrite', off: hex(off), size, value: hex(value) }));
        break;
      }
      case 'page':
        machine.do(soupStep(action.page));
        break;
      case 'replay':
        this.#replay(action);
        break;
      case 'notify':
        this.command(() => this.#notify(action));
        break;
      case 'forget':
        this.#notifiers.shift()?.remove();
        break;
      case 'reset':
        this.command(() => machine.do({ op: 'reset', warm: action.warm }));
        break;
      case 'step':
        this.command(() => machine.unit.step(action.limit));
        break;
      default:
        this.#dma(action);
    }
  }

  #replay({ dev, first, pages }: SoupAction & { kind: 'replay' | 'notify' }): void {
    const { machine } = this;
    machine.tell({ op: 'maps', dev });
    const before = machine.ram.reads;
    let told = 0;
    const summary = machine.unit.region(dev).replay(() => told++, { ...windowFrom(first, pages), skip: () => told++ });
    expect(summary.entries).toBeLessThanOrEqual(MOST_ENTRIES);
    // a page is told in pieces when holes cut it: the interrupt range on both sides, two protected regions
    expect(told).toBeLessThanOrEqual(8 * MOST_ENTRIES);
    expect(machine.ram.reads - before).toBeLessThanOrEqual(1024 * summary.tables + 8);
  }

  #notify({ dev, first, pages }: SoupAction & { kind: 'replay' | 'notify' }): void {
    if (this.#notifiers.length >= MOST_NOTIFIERS) this.#notifiers.shift()?.remove();
    const { unit } = this.machine;
    const window = windowFrom(first, pages);
    const kinds = unit.capabilities.has('CAP.CM') ? 'both' : 'unmap';
    this.machine.tell({ op: 'notify', dev, first: hex(window.first), last: hex(window.last), replay: true });
    this.#notifiers.push(unit.region(dev).addNotifier({ ...window, kinds, aligned: dev === 0 }));
  }

  #dma(action: SoupAction & { kind: 'translate' | 'read' | 'write' | 'atomic' | 'zero-length read' | 'word' }): void {
    const { machine } = this;
    const { dev, iova, bytes, pasid } = action;
    const region = machine.unit.region(dev, pasid);
    const before = machine.ram.reads;
    const pieces = request(region, action, machine);
    // reading is by words, and bytes at both ends belong to others too
    expect(machine.ram.reads - before, `reads for ${action.kind} of ${bytes} at ${hex(iova)}`).toBeLessThanOrEqual(
      pieces * (REQUEST_READS + 2) + 4 * bytes,
    );
  }
}

function windowFrom(first: bigint, pages: bigint): { first: bigint; last: bigint } {
  const end = first + pages * 4096n;
  return { first, last: (end > 2n ** 64n ? 2n ** 64n : end) - 1n };
}

/** Sends a request, and answers into how many pieces it falls at most. */
function request(
  region: IommuMemoryRegion,
  action: SoupAction & { kind: 'translate' | 'read' | 'write' | 'atomic' | 'zero-length read' | 'word' },
  machine: WorldMachine,
): number {
  const { kind, dev, iova, bytes, access, translated, pasid } = action;
  const more = { dev, ...(translated ? { at: 'translated' as const } : {}), ...(pasid === undefined ? {} : { pasid }) };
  const addr = hex(iova);
  switch (kind) {
    case 'read':
      machine.tell({ op: 'dma', addr, size: bytes, dir: 'read', ...more });
      region.read(iova, new Uint8Array(bytes), { translated });
      return Math.ceil(bytes / 4096) + 1;
    case 'write': {
      const data = new Uint8Array(bytes).fill(bytes);
      machine.tell({ op: 'dma', addr, size: bytes, dir: 'write', hex: Buffer.from(data).toString('hex'), ...more });
      region.write(iova, data, { translated });
      return Math.ceil(bytes / 4096) + 1;
    }
    case 'atomic':
      machine.tell({ op: 'dma', addr: hex(iova & ~7n), size: 8, dir: 'atomic', hex: 'ff'.repeat(8), ...more });
      region.atomic(iova & ~7n, 8, (old) => old - 1n);
      return 2;
    case 'zero-length read':
      machine.tell({ op: 'dma', addr, size: 1, dir: 'read', zlr: true, ...more });
      region.zeroLengthRead(iova);
      return 1;
    case 'word':
      region.read32(iova & ~3n);
      region.write32(iova & ~3n, bytes);
      return 3;
    default:
      machine.tell({ op: 'dma', addr, size: 1, dir: 'read', ...more });
      region.translate(iova, access, { translated });
      region.translateHalves(Number(iova >> 32n), Number(iova & 0xffff_ffffn), ACCESS.atomic, translated);
      region.translateAddress(iova);
      return 3;
  }
}

test('whatever stands in memory, registers and queue: nothing throws, and each command ends after a bounded number of reads', () => {
  checkProperty(cases, 250, (each, attempt) => {
    const soup = new Soup(each, attempt);
    for (const page of each.pages) soup.machine.do(soupStep(page));
    if (each.awake !== undefined) {
      for (const step of awake(...each.awake)) soup.command(() => soup.machine.do(step));
    }
    for (const action of each.actions) soup.do(action);
    soup.command(() => soup.machine.unit.step());
  });
});
