import { describe, expect, test } from 'vitest';
import { pgtt, ScalableTables, sourceId } from '../reference/scalable-tables.js';
import { Queue, unmask } from '../unit/unit.js';
import { AtsMachine, deviceTlb, pasidDeviceTlb, response, STATUS, wait } from './machine.js';

const FSTS = 0x34;
const IQH = 0x80;
const IQERCD = 0xb0;
const IQE = 0x10;
const ICE = 0x20;
const ITE = 0x40;
const OTHER = 0x0200;

function start(capabilities: Record<string, number> = {}, pending = false) {
  const machine = new AtsMachine(new ScalableTables(pgtt.firstStage), { capabilities, pending });
  const queue = new Queue(machine.unit, machine.memory, true);
  unmask(machine.unit, 0x38, 0x40);
  const status = () => machine.memory.read32(STATUS);
  return { machine, unit: machine.unit, queue, status, device: machine.attach() };
}

describe('an invalidation names a range (§6.5.2.5, §6.5.2.6)', () => {
  const ones = (bits: number) => (1n << BigInt(bits)) - 1n;
  test.each<[string, bigint, boolean, bigint, bigint]>([
    ['a page', 0x1234_5000n, false, 0x1234_5000n, 0x1000n],
    ['bit 12 clear: 8 KiB', 0x1234_4000n, true, 0x1234_4000n, 0x2000n],
    ['bit 13 the lowest clear one: 16 KiB', 0x1234_1000n, true, 0x1234_0000n, 0x4000n],
    ['2 MiB', 0x4020_0000n | 0xf_f000n, true, 0x4020_0000n, 0x20_0000n],
    ['all but bit 63: everything', ones(63) & ~ones(12), true, 0n, 1n << 64n],
    ['all ones: everything', ones(64) & ~ones(12), true, 0n, 1n << 64n],
    ['half of everything', ones(62) & ~ones(12), true, 0n, 1n << 63n],
  ])('%s', (_, named, sized, address, size) => {
    const { queue, device } = start();
    queue
      .put(...deviceTlb(named, { sized }))
      .put(...pasidDeviceTlb(5n, named, { sized }))
      .submit();
    expect(device.invalidations).toEqual([
      { sourceId, pasid: undefined, global: false, address, size, tag: 0 },
      { sourceId, pasid: 5, global: false, address, size, tag: 1 },
    ]);
  });

  test('GI is of all PASIDs', () => {
    const { queue, device } = start();
    queue.put(...pasidDeviceTlb(0n, 0x1000n, { global: true })).submit();
    expect(device.invalidations[0]?.global).toBe(true);
  });

  test('where no device is, it is done at once', () => {
    const { unit, queue, status } = start();
    const sent: number[] = [];
    unit.on('deviceTlbInvalidation', (request) => sent.push(request.sourceId));
    queue
      .put(...deviceTlb(0n, { id: BigInt(OTHER) }))
      .put(...wait(7n))
      .submit();
    expect([sent, status()]).toEqual([[OTHER], 7]);
  });
});

describe('waits do not pass before completions (§6.5.2.12)', () => {
  test('a wait completes when every device has completed what stands before it', () => {
    const { unit, queue, status, device } = start();
    queue
      .put(...deviceTlb(0x1000n))
      .put(...deviceTlb(0x2000n))
      .put(...wait(7n))
      .put(...wait(8n))
      .submit();
    expect(unit.outstandingInvalidations.map(({ address }) => address)).toEqual([0x1000n, 0x2000n]);
    device.completions[1]?.();
    expect([status(), unit.read32(IQH)]).toEqual([0, 3 * 32]);
    device.completions[0]?.();
    expect([status(), unit.read32(IQH)]).toEqual([8, 4 * 32]);
    expect(unit.outstandingInvalidations).toEqual([]);
  });

  test('a device may complete at once', () => {
    const { unit, queue, status } = start();
    unit.attachDevice(OTHER, { invalidate: (_, complete) => complete(), pageGroupResponse: () => undefined });
    queue
      .put(...deviceTlb(0n, { id: BigInt(OTHER) }))
      .put(...wait(7n))
      .submit();
    expect(status()).toBe(7);
  });

  test('an unfinished one does not keep the unit from translating', () => {
    const { machine, queue } = start();
    queue
      .put(...deviceTlb(0x1000n))
      .put(...wait(7n))
      .submit();
    expect(machine.unit.region(sourceId, 5).translate(0n).ok).toBe(false);
    expect(machine.faults).toHaveLength(1);
  });

  test('with the option pending, also a wait proceeds only by step()', () => {
    const { unit, queue, status, device } = start({}, true);
    queue
      .put(...deviceTlb(0x1000n))
      .put(...wait(7n))
      .submit();
    unit.step();
    device.completions[0]?.();
    expect(status()).toBe(0);
    expect(unit.step()).toBe(1);
    expect(status()).toBe(7);
  });

  test('a status address that nothing answers stops the queue at the wait', () => {
    const { unit, queue, device } = start();
    queue
      .put(...deviceTlb(0x1000n))
      .put(5n | 0x20n, 0x4000_0000n)
      .submit();
    device.completions[0]?.();
    expect([unit.read32(IQH), unit.read32(FSTS) & IQE]).toEqual([32, IQE]);
  });

  test('switching the queue off forgets the wait', () => {
    const { unit, queue, status, device } = start();
    queue
      .put(...deviceTlb(0x1000n))
      .put(...wait(7n))
      .submit();
    unit.write32(0x18, 0x8000_0000);
    device.completions[0]?.();
    expect(status()).toBe(0);
  });
});

describe('ITags and throttling (§4.3)', () => {
  test('32 at most are outstanding; the next one is sent when one is free, with its tag', () => {
    const { queue, device } = start();
    for (let n = 0; n < 34; n++) queue.put(...deviceTlb(BigInt(n) << 12n));
    queue.submit();
    expect(device.invalidations.map(({ tag }) => tag)).toEqual(Array.from({ length: 32 }, (_, tag) => tag));
    device.completions[5]?.();
    expect(device.invalidations).toHaveLength(33);
    expect(device.invalidations[32]).toMatchObject({ tag: 5, address: 32n << 12n });
  });

  test('MIP bounds what a function has pending: the source-id, or with DIT the physical function', () => {
    const own = start();
    own.machine.attach(OTHER);
    own.queue
      .put(...deviceTlb(0x1000n, { most: 1n }))
      .put(...deviceTlb(0x2000n, { most: 1n, id: BigInt(OTHER) }))
      .put(...deviceTlb(0x3000n, { most: 1n }))
      .submit();
    expect(own.unit.outstandingInvalidations.map(({ address }) => address)).toEqual([0x1000n, 0x2000n]);
    own.device.completions[0]?.();
    expect(own.unit.outstandingInvalidations.map(({ address }) => address)).toEqual([0x2000n, 0x3000n]);
    const withFunctions = start({ 'ECAP.DIT': 1 });
    const other = withFunctions.machine.attach(OTHER);
    withFunctions.queue
      .put(...deviceTlb(0x1000n, { most: 1n, function: 0x9123n }))
      .put(...deviceTlb(0x2000n, { most: 1n, function: 0x9123n, id: BigInt(OTHER) }))
      .put(...deviceTlb(0x3000n, { most: 1n, function: 0x1123n, id: BigInt(OTHER) }))
      .submit();
    expect(other.invalidations).toEqual([]);
    withFunctions.device.completions[0]?.();
    expect(other.invalidations.map(({ address }) => address)).toEqual([0x2000n, 0x3000n]);
  });

  test('several messages may complete an invalidation, and one several invalidations', () => {
    const { unit, queue, status } = start();
    queue
      .put(...deviceTlb(0x1000n))
      .put(...deviceTlb(0x2000n))
      .put(...wait(7n))
      .submit();
    expect(unit.invalidationCompletion({ sourceId, tags: 0b11, count: 2 })).toBe(true);
    expect(status()).toBe(0);
    unit.invalidationCompletion({ sourceId, tags: 0b11, count: 2 });
    expect([status(), unit.read32(FSTS)]).toEqual([7, 0]);
  });

  test('a completion while remapping is off is an unsupported request (§4.2.1)', () => {
    const { unit, queue, device } = start();
    queue.put(...deviceTlb(0x1000n)).submit();
    unit.write32(0x18, 0x0400_0000);
    expect(unit.invalidationCompletion({ sourceId, tags: 1 })).toBe(false);
    device.completions[0]?.();
    expect(unit.outstandingInvalidations).toHaveLength(1);
  });
});

describe('completions that nobody waits for: ICE with the source-id of the first (§11.4.9.9)', () => {
  test.each([
    ['of an ITag that is free', sourceId, 2],
    ['of another device', OTHER, 1],
    ['of both, where the good one counts', sourceId, 3],
  ])('%s', (_, from, tags) => {
    const { unit, queue, machine } = start();
    queue.put(...deviceTlb(0x1000n)).submit();
    unit.invalidationCompletion({ sourceId: from, tags });
    unit.invalidationCompletion({ sourceId: 0x0300, tags: 1 });
    expect(unit.read32(FSTS)).toBe(ICE);
    expect(unit.read64(IQERCD) >> 48n).toBe(BigInt(from));
    expect(machine.messages).toEqual(['fault']);
    expect(unit.outstandingInvalidations).toHaveLength(tags === 3 ? 0 : 1);
  });

  test('a second completion of the same invalidation, also when its ITag was given to another', () => {
    const { unit, queue, device } = start();
    queue.put(...deviceTlb(0x1000n)).submit();
    device.completions[0]?.();
    queue.put(...deviceTlb(0x2000n)).submit();
    device.completions[0]?.();
    expect(unit.read32(FSTS)).toBe(ICE);
    expect(unit.outstandingInvalidations).toMatchObject([{ address: 0x2000n, tag: 0 }]);
  });
});

describe('a device that does not answer in time (§6.5.2.11)', () => {
  test('ITE and its source-id; the wait is aborted and the queue stops; clearing ITE resumes behind it', () => {
    const { unit, machine, queue, status, device } = start();
    queue
      .put(...deviceTlb(0x1000n))
      .put(...wait(7n))
      .put(...wait(8n))
      .submit();
    expect(unit.deviceTimeout()).toBe(1);
    expect([unit.read32(FSTS), unit.read64(IQERCD) >> 32n]).toEqual([ITE, BigInt(sourceId)]);
    expect(machine.messages).toEqual(['fault']);
    expect([status(), unit.read32(IQH)]).toEqual([0, 64]);
    queue.put(...wait(9n)).submit();
    expect(status()).toBe(0);
    unit.write32(FSTS, ITE);
    // the status of the aborted wait was never written, those behind it were
    expect([status(), unit.read32(IQH), unit.read32(FSTS)]).toEqual([9, 4 * 32, 0]);
    device.completions[0]?.();
    expect(unit.read32(FSTS)).toBe(ICE);
  });

  test('the status of an aborted wait is never written', () => {
    const { unit, queue, status } = start();
    queue
      .put(...deviceTlb(0x1000n))
      .put(...wait(7n))
      .submit();
    unit.deviceTimeout();
    unit.write32(FSTS, ITE);
    expect(status()).toBe(0);
  });

  test('the first source-id stays until ITE is cleared', () => {
    const { unit, machine, queue } = start();
    machine.attach(OTHER);
    queue
      .put(...deviceTlb(0x1000n))
      .put(...deviceTlb(0x1000n, { id: BigInt(OTHER) }))
      .submit();
    expect(unit.deviceTimeout()).toBe(2);
    expect((unit.read64(IQERCD) >> 32n) & 0xffffn).toBe(BigInt(sourceId));
    unit.write32(FSTS, ITE);
    queue.put(...deviceTlb(0x1000n, { id: BigInt(OTHER) })).submit();
    unit.deviceTimeout();
    expect((unit.read64(IQERCD) >> 32n) & 0xffffn).toBe(BigInt(OTHER));
  });

  test('nothing is outstanding: nothing happens', () => {
    const { unit } = start();
    expect([unit.deviceTimeout(), unit.read32(FSTS)]).toEqual([0, 0]);
  });

  test('a device that was disconnected completes nothing any more', () => {
    const { unit, queue } = start();
    const detach = unit.attachDevice(OTHER, { invalidate: () => undefined, pageGroupResponse: () => undefined });
    queue.put(...deviceTlb(0x1000n, { id: BigInt(OTHER) })).submit();
    detach();
    expect(unit.deviceTimeout()).toBe(1);
  });
});

describe('page group responses go to the device with their code (§7.6.1)', () => {
  test.each([
    [0n, 'success'],
    [1n, 'invalid-request'],
    [15n, 'response-failure'],
  ])('code %i: %s', (code, name) => {
    const { queue, device } = start();
    queue
      .put(...response(code, 0x155n, 5n))
      .put(...response(code, 2n))
      .submit();
    expect(device.responses).toEqual([
      { sourceId, pasid: 5, group: 0x155, code: name },
      { sourceId, pasid: undefined, group: 2, code: name },
    ]);
  });

  test('a reserved code is an invalid descriptor', () => {
    const { unit, queue, device } = start();
    queue.put(...response(2n, 1n)).submit();
    expect([device.responses, unit.read64(IQERCD) & 0xfn]).toEqual([[], 4n]);
  });

  test('without ECAP.PRS the type is invalid', () => {
    const { unit, queue } = start({ 'ECAP.PRS': 0 });
    queue.put(...response(0n, 1n)).submit();
    expect(unit.read64(IQERCD) & 0xfn).toBe(3n);
  });
});

test('outstanding invalidations and the wait behind them are saved and restored', () => {
  const { unit, machine, queue } = start();
  queue
    .put(...pasidDeviceTlb(5n, 0x1000n, { sized: true }))
    .put(...wait(7n))
    .submit();
  const [outstanding] = unit.outstandingInvalidations;
  const other = new AtsMachine(new ScalableTables(pgtt.firstStage));
  other.memory.write(0x30_0000, readAll(machine));
  other.unit.restoreState(unit.saveState());
  expect(other.unit.outstandingInvalidations).toEqual([outstanding]);
  expect(other.memory.read32(STATUS)).toBe(0);
  other.unit.invalidationCompletion({ sourceId, tags: 1 });
  expect(other.memory.read32(STATUS)).toBe(7);
});

function readAll({ memory }: AtsMachine): Uint8Array {
  const bytes = new Uint8Array(0x1000);
  memory.read(0x30_0000, bytes);
  return bytes;
}

test('a reset forgets what is outstanding', () => {
  const { unit, queue } = start();
  queue
    .put(...deviceTlb(0x1000n))
    .put(...wait(7n))
    .submit();
  unit.reset();
  expect([unit.outstandingInvalidations, unit.deviceTimeout()]).toEqual([[], 0]);
});

test("an embedder's mistakes throw", () => {
  const { unit } = start();
  const port = { invalidate: () => undefined, pageGroupResponse: () => undefined };
  expect(() => unit.attachDevice(sourceId, port)).toThrow(/has a device already/);
  expect(() => unit.attachDevice(0x1_0000, port)).toThrow(/0xffff/);
  expect(() => unit.invalidationCompletion({ sourceId, tags: 1, count: 9 })).toThrow(/from 1 to 8/);
  expect(() => unit.invalidationCompletion({ sourceId, tags: 2 ** 33 })).toThrow(/32 bits/);
});
