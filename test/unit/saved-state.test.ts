import { describe, expect, test } from 'vitest';
import { IntelIommu, type IntelIommuOptions } from '../../src/index.js';
import { DEVICES, DOMAIN, Queue, SRTP, startedUnit, TE, unmask } from './unit.js';

const [A, B] = DEVICES;
const FECTL = 0x38;
const IQH = 0x80;
const IOTLB_REG = 0xf8;
const STATUS = 0x31_0000;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** A unit that is made as the started one and shares its memory, and has taken over its state. */
function successor({ unit, memory }: ReturnType<typeof startedUnit>, options: Partial<IntelIommuOptions> = {}) {
  const next = new IntelIommu({ memory, preset: 'everything', ...options });
  next.restoreState(unit.saveState());
  return next;
}

describe('what a guest cannot read back is saved, too', () => {
  test('the root table that SRTP latched, not the one that RTADDR names by now (§11.4.5)', () => {
    const started = startedUnit();
    started.unit.write64(0x20, 0x66_6000n);
    const next = successor(started);
    expect(next.read64(0x20)).toBe(0x66_6000n);
    expect(next.region(A).translateAddress(0x1000)).toBe(0x20_0000);
    next.write32(0x18, SRTP + TE);
    expect(next.region(A).translateAddress(0x1000)).toBe(-1);
  });

  test('a fault event that waits behind its mask is sent when software lets it (§7.3)', () => {
    const started = startedUnit();
    unmask(started.unit, FECTL, 0x55);
    started.unit.write32(FECTL, 0x8000_0000);
    started.unit.region(A).translateAddress(0x7000);
    const next = successor(started);
    const sent: number[] = [];
    next.on('message', ({ data }) => sent.push(data));
    expect(next.read32(FECTL)).toBe(0xc000_0000);
    next.write32(FECTL, 0);
    expect(sent).toEqual([0x55]);
  });

  test('what the caches hold: an invalidation that software has forgotten stays forgotten (§6.1)', () => {
    const started = startedUnit({ caches: 'hold' });
    started.unit.region(A).translateAddress(0x1000);
    started.memory.write(started.tables.root * 4096, new Uint8Array(4096));
    const next = successor(started, { caches: 'hold' });
    expect(next.region(A).translateAddress(0x1000)).toBe(0x20_0000);
    expect(next.region(B).translateAddress(0x1000)).toBe(-1);
    next.write64(IOTLB_REG, (1n << 63n) | (2n << 60n) | (BigInt(DOMAIN) << 32n));
    next.write64(0x28, (1n << 63n) | (1n << 61n));
    expect(next.region(A).translateAddress(0x1000)).toBe(-1);
  });

  test.each([
    [21, 30],
    [30, 21],
  ])('which of two cached large pages answers: 2^%i was met first, then 2^%i', (...order) => {
    const started = startedUnit({ caches: 'hold' });
    const { unit, tables, top, memory } = started;
    const level = (shift: number) => (shift - 3) / 9;
    for (const shift of order) {
      memory.write(top * 4096, new Uint8Array(4096));
      tables.map(top, 3, 0x4000_0000, shift * 0x4000_0000, { level: level(shift) });
      // another address of the page, so that the one asked for below is in both
      unit.region(A).translateAddress(shift === 30 ? 0x7000_0000 : 0x4000_1000);
    }
    const here = unit.region(A).translateAddress(0x4000_0000);
    expect(here).toBe(order[0] * 0x4000_0000);
    expect(successor(started, { caches: 'hold' }).region(A).translateAddress(0x4000_0000)).toBe(here);
  });

  test('pending invalidations; a unit without the option does them at once', () => {
    const started = startedUnit({ pending: true });
    const { unit, memory } = started;
    new Queue(unit, memory).put(5n | 0x20n | (7n << 32n), BigInt(STATUS)).submit();
    const patient = successor(started, { pending: true });
    expect([patient.read32(IQH), memory.read32(STATUS)]).toEqual([0, 0]);
    expect(patient.step()).toBe(1);
    expect([patient.read32(IQH), memory.read32(STATUS)]).toEqual([16, 7]);
    memory.write32(STATUS, 0);
    expect(successor(started).read32(IQH)).toBe(16);
    expect(memory.read32(STATUS)).toBe(7);
  });
});

describe('a state that a unit cannot take over', () => {
  const started = startedUnit();
  const { unit } = started;
  unit.region(A).translateAddress(0x1000);
  const state = unit.saveState();

  test('of other capabilities or caches is refused, and the message names what differs', () => {
    const refusal = (options: Partial<IntelIommuOptions>) => () => successor(started, options);
    expect(refusal({ capabilities: { 'CAP.CM': 1 } })).toThrow(/CAP\.CM is 0 there and 1 here; make the unit with/);
    expect(refusal({ hostAddressWidth: 40 })).toThrow(/host address width is 52 there and 40 here/);
    expect(refusal({ caches: 'none' })).toThrow(/caches\.iotlbEntries is 16384 there and 0 here/);
    expect(refusal({ caches: { keepAll: true } })).toThrow(/caches\.keepAll is 0 there and 1 here/);
    expect(refusal({ caches: { keepAll: true } })).toThrow(RangeError);
  });

  test('bytes that are none, too few or too many change nothing', () => {
    const { unit: other } = startedUnit();
    const before = hex(other.saveState());
    const wrong = [new Uint8Array(), new Uint8Array(64), new Uint8Array(state.length), Uint8Array.of(...state, 0)];
    for (let length = 0; length < state.length; length += length < 256 ? 1 : 61) wrong.push(state.slice(0, length));
    for (const bytes of wrong) expect(() => other.restoreState(bytes), `${bytes.length} bytes`).toThrow(RangeError);
    expect(hex(other.saveState())).toBe(before);
    other.restoreState(state);
    expect(hex(other.saveState())).toBe(hex(state));
  });

  test('what is no Uint8Array is a TypeError', () => {
    expect(() => unit.restoreState(state.buffer as unknown as Uint8Array)).toThrow(TypeError);
  });

  test('register bits that no unit like this ever has are refused (§11.4.2)', () => {
    const at = Buffer.from(state).indexOf('registers') + 9 + 4;
    const forged = state.slice();
    forged[at + 8] ^= 0x40;
    expect(() => unit.restoreState(forged)).toThrow(/section 'registers': bits 0x40 at 0x8 never change/);
    const tail = state.slice();
    tail[at + 0x88] |= 1;
    expect(() => unit.restoreState(tail)).toThrow(/bits 0x1 at 0x88 never change/);
  });

  test('an entry of the IOTLB that is none is refused: a page size, a condition, an owner that do not exist', () => {
    // behind the section's name: its length, the number of large page sizes (0), the number of entries (1), the entry
    const at = Buffer.from(state).indexOf('iotlb') + 5 + 12;
    const bytes: [name: string, at: number, value: number][] = [
      ['size', 7, 13],
      ['tag', 8, 0],
      ['condition', 15, 0x80],
      ['domain-id', 30, 1],
    ];
    for (const [name, byte, value] of bytes) {
      const forged = state.slice();
      forged[at + byte] = value;
      expect(() => unit.restoreState(forged), name).toThrow(/section 'iotlb': entry 0 is none/);
    }
  });

  test('in a listener it is an error: the unit is in the midst of a command', () => {
    const busy = startedUnit({ capabilities: { 'CAP.CM': 1 } });
    const errors: string[] = [];
    const attempt = () => {
      for (const call of [() => busy.unit.saveState(), () => busy.unit.restoreState(state)]) {
        try {
          call();
        } catch (error) {
          errors.push(String(error));
        }
      }
    };
    busy.unit.once('descriptor', attempt);
    new Queue(busy.unit, busy.memory).put(5n).submit();
    busy.unit.region(A).addNotifier().once('unmap', attempt);
    busy.unit.write32(0x18, 0);
    expect(errors).toHaveLength(4);
    expect(errors[0]).toMatch(/saveState\(\) in a listener: .* call it when that has returned/);
  });
});

describe('regions and notifiers of the unit that takes over a state', () => {
  test('are the same objects; notifiers hear what is mapped otherwise than they were told (§6.1)', () => {
    const started = startedUnit({ capabilities: { 'CAP.CM': 1 } });
    const state = started.unit.saveState();
    const heard: string[] = [];
    const [stranger, device] = [0x0100, A].map((id) => started.unit.region(id));
    started.tables.map(started.top, 3, 0x5000, 0x20_0000);
    device.addNotifier({
      first: 0,
      last: 0xffff,
      map: ({ iova, address }) => heard.push(`map ${iova.toString(16)} ${address.toString(16)}`),
      unmap: ({ iova }) => heard.push(`unmap ${iova.toString(16)}`),
    });
    started.tables.map(started.top, 3, 0x5000, 0);
    started.unit.write32(0x18, 0);
    heard.length = 0;
    started.unit.restoreState(state);
    expect(heard).toEqual(['unmap 0', 'map 1000 200000', 'map 5000 0']);
    expect(started.unit.region(A)).toBe(device);
    expect(device.translateAddress(0x1004)).toBe(0x20_0004);
    expect(stranger.translateAddress(0x1004)).toBe(-1);
  });
});
