import { describe, expect, test } from 'vitest';
import { GuestMemory, IntelIommu } from '../../src/index.js';
import { ModelDevice, type ModelDeviceOptions } from '../../src/testing/index.js';
import { TableBuilder } from '../support/table-builder.js';

const SOURCE = 0x0100;
const RW = 3;

/** A unit in legacy mode: pages 1 to 4 of 01:00.0 are pages 0x101 to 0x104, which hold their low byte. */
class LegacyMachine {
  readonly memory = GuestMemory.ram(0x20_0000);
  readonly unit = new IntelIommu({ memory: this.memory, preset: 'everything' });
  readonly device: ModelDevice;
  readonly #tables = new TableBuilder(this.memory, 0x20);
  readonly #top = this.#tables.page();
  #tail = 0;

  constructor(options: Partial<ModelDeviceOptions> = {}) {
    this.#tables.context(SOURCE, { table: this.#top, levels: 4, domainId: 1, type: 1 });
    for (let page = 1; page <= 4; page++) {
      this.map(page, 0x100 + page);
      this.memory.write((0x100 + page) * 4096, new Uint8Array(4096).fill(page));
    }
    this.unit.write64(0x20, BigInt(this.#tables.root * 4096));
    this.unit.write32(0x18, 0x4000_0000);
    this.unit.write64(0x90, 0x1_0000n);
    this.unit.write32(0x18, 0x8400_0000);
    this.device = new ModelDevice(this.unit, { sourceId: SOURCE, ...options });
  }

  /** @param frame - 0: it is not mapped any more */
  map(page: number, frame: number, rights = RW): void {
    this.#tables.map(this.#top, 4, page * 4096, frame * 4096, { rights: frame === 0 ? 0 : rights });
  }

  /** Invalidates a page in IOTLB and device-TLB, with a wait that writes `number`. */
  invalidate(page: number, number: number): void {
    this.submit(0x1_0032n, BigInt(page * 4096));
    this.submit(3n | (BigInt(SOURCE) << 32n), BigInt(page * 4096));
    this.submit(0x25n | (BigInt(number) << 32n), 0x1_1000n);
  }

  submit(low: bigint, high: bigint): void {
    this.#tables.setWord(0x1_0000 + this.#tail, low);
    this.#tables.setWord(0x1_0008 + this.#tail, high);
    this.#tail += 16;
    this.unit.write32(0x88, this.#tail);
  }

  get waited(): number | undefined {
    return this.memory.read32(0x1_1000);
  }
}

describe('the address translation cache of a model device', () => {
  test('takes a transfer through translated requests, and asks once for all pages of it', () => {
    const { device, unit } = new LegacyMachine();
    const { status, data } = device.read(0x1ffc, 8200);
    expect(status).toBe('done');
    expect([data[0], data[3], data[4], data[4099], data[4100], data[8199]]).toEqual([1, 1, 2, 2, 3, 4]);
    expect(device.cached.map(({ first, address, size }) => [first, address, size])).toEqual(
      [1n, 2n, 3n, 4n].map((page) => [page << 12n, (page + 0x100n) << 12n, 4096n]),
    );
    const { translations } = unit.statistics;
    expect(device.read(0x2000, 16).status).toBe('done');
    expect(unit.statistics.translations - translations, 'only the translated request').toBe(1);
  });

  test('holds so many entries, and gives up the one that was longest out of use', () => {
    const { device } = new LegacyMachine({ cacheEntries: 2 });
    for (const page of [1, 2, 1, 3]) device.read(page * 4096, 1);
    expect(device.cached.map(({ first }) => first >> 12n)).toEqual([1n, 3n]);
  });

  test('keeps no page without the right: a write asks again, and takes over what is granted then', () => {
    const machine = new LegacyMachine({ pageRequests: 0 });
    const { device } = machine;
    machine.map(1, 0x101, 1);
    expect(device.read(0x1000, 1).status).toBe('done');
    expect(device.write(0x1000, Uint8Array.of(9)).failure).toBe('no-right');
    machine.map(1, 0x101);
    expect(device.write(0x1000, Uint8Array.of(9)).status).toBe('done');
    expect(device.cached).toHaveLength(1);
    expect(machine.memory.read32(0x10_1000)).toBe(0x0101_0109);
  });

  test('goes on without a stale translation once it has completed an invalidation (§4.3)', () => {
    const machine = new LegacyMachine({ pageRequests: 0 });
    const { device } = machine;
    device.read(0x1000, 1);
    machine.map(1, 0x104);
    expect(device.read(0x1000, 1).data[0], 'nothing was invalidated').toBe(1);
    machine.invalidate(1, 1);
    expect(machine.waited).toBe(1);
    expect(device.read(0x1000, 1).data[0]).toBe(4);
  });

  test('is empty with ATS disabled, and requests are untranslated', () => {
    const { device, unit } = new LegacyMachine();
    device.read(0x1000, 1);
    device.ats = false;
    expect(device.cached).toEqual([]);
    expect(device.read(0x2000, 1).data[0]).toBe(2);
    expect(device.cached).toEqual([]);
    expect(unit.statistics.iotlbEntries).toBe(1);
  });
});

describe('a model device completes an invalidation (§4.1.4, §4.3)', () => {
  test('after its requests that use what is invalidated, not after others', () => {
    const machine = new LegacyMachine({ transfers: 'on-step' });
    const { device } = machine;
    const transfers = [device.read(0x1000, 1), device.write(0x2000, Uint8Array.of(7))];
    device.step();
    expect(transfers.map(({ inFlight }) => inFlight?.address)).toEqual([0x10_1000n, 0x10_2000n]);
    machine.map(1, 0);
    machine.invalidate(3, 1);
    expect(machine.waited, 'nothing on its way uses page 3').toBe(1);
    machine.invalidate(1, 2);
    expect(machine.waited).toBe(1);
    device.step();
    expect(machine.waited).toBe(2);
    expect(transfers.map(({ status }) => status)).toEqual(['done', 'done']);
  });

  test('with a step, or never, if it is told so', () => {
    const machine = new LegacyMachine({ invalidations: 'on-step' });
    const { device, unit } = machine;
    machine.invalidate(1, 1);
    expect([machine.waited, device.pendingInvalidations]).toEqual([0, 1]);
    expect(device.step()).toBe(true);
    expect([machine.waited, device.pendingInvalidations]).toEqual([1, 0]);
    expect(device.step()).toBe(false);
    device.invalidations = 'never';
    machine.invalidate(1, 2);
    device.step();
    expect([machine.waited, unit.outstandingInvalidations.length]).toEqual([1, 1]);
    unit.deviceTimeout();
    expect(unit.read32(0x34) & 0x40, 'ITE').toBe(0x40);
  });
});

describe('what ends a transfer', () => {
  test('an unsupported translation request, which disables ATS (§4.2.3)', () => {
    const { device, unit } = new LegacyMachine();
    unit.write32(0x18, 0x0400_0000);
    expect(device.read(0x1000, 1).failure).toBe('unsupported-request');
    expect(device.ats).toBe(false);
    expect(device.read(0x10_1000, 1).data[0], 'the unit is off').toBe(1);
  });

  test('a page request that legacy mode refuses: the unit answers an invalid request (§7.4.1)', () => {
    const { device, unit } = new LegacyMachine();
    const codes: string[] = [];
    unit.on('pageGroupResponse', ({ code }) => codes.push(code));
    const transfer = device.read(0x9000, 1);
    expect(transfer.status).toBe('waiting');
    device.step();
    expect([transfer.failure, ...codes]).toEqual(['invalid-request', 'invalid-request']);
  });

  test('a memory request that is blocked', () => {
    const { device } = new LegacyMachine({ ats: false });
    expect(device.read(0x9000, 1).failure).toBe('blocked');
  });
});

describe('an interrupt of a model device', () => {
  test('comes behind its writes', () => {
    const { device, unit, memory } = new LegacyMachine({ transfers: 'on-step' });
    const seen: (number | undefined)[] = [];
    unit.on('interrupt', ({ vector }) => seen.push(vector, memory.read32(0x10_1000)));
    device.msi = { address: 0xfee0_0000, data: 0x41 };
    device.write(0x1000, new Uint8Array(4));
    device.step();
    expect(memory.read32(0x10_1000)).toBe(0x0101_0101);
    device.interrupt();
    expect(seen).toEqual([0x41, 0]);
  });

  test('needs an address', () => {
    expect(() => new LegacyMachine().device.interrupt()).toThrow(/set msi/);
  });
});

describe('a wrong call tells what to do', () => {
  test.each([
    [{ cacheEntries: 0 }, /cacheEntries 0: it must be a whole number from 1/],
    [{ pageRequests: 513 }, /pageRequests 513: it must be a whole number from 0 to 512/],
    [{ sourceId: 0x1_0000 }, /sourceId/],
  ])('%j', (options, message) => {
    expect(() => new LegacyMachine(options)).toThrow(message);
  });

  test('one device for a source-id, until it is taken off', () => {
    const { unit, device } = new LegacyMachine();
    expect(() => new ModelDevice(unit, { sourceId: SOURCE })).toThrow(/0x100 has a device already/);
    device.detach();
    expect(new ModelDevice(unit, { sourceId: SOURCE }).cached).toEqual([]);
  });

  test.each([
    [-1, 1, {}, RangeError],
    [2n ** 64n - 1n, 2, {}, RangeError],
    [2 ** 53, 1, {}, RangeError],
    [0, -1, {}, RangeError],
    [0, 1, { privileged: true }, TypeError],
    [0, 1, { pasid: 0x10_0000 }, RangeError],
  ])('read(%s, %s, %j)', (address, length, options, error) => {
    const { device } = new LegacyMachine({ transfers: 'on-step' });
    expect(() => device.read(address, length, options)).toThrow(error);
    expect(device.step(), 'nothing was started').toBe(false);
  });
});
