import fc from 'fast-check';
import { expect, test } from 'vitest';
import { referenceInterrupt, referenceTranslate } from '../reference/index.js';
import { checkProperty } from '../support/check-property.js';
import { WorldMachine } from '../support/machine.js';
import { type CacheName, hex } from '../support/scenario.js';
import { buildWorld, scenarioOptions, worldSpec } from '../support/world.js';
import { edges } from '../support/world-probes.js';
import { switches, switchOn } from '../support/world-switches.js';

interface Transfer {
  readonly device: number;
  readonly place: number;
  /** Where it begins, from the place on. */
  readonly offset: number;
  readonly bytes: number;
  readonly direction: 'read' | 'write';
  readonly seed: number;
}

const transfer: fc.Arbitrary<Transfer> = fc.record({
  device: fc.nat(3),
  place: fc.nat(200),
  offset: fc.oneof(fc.integer({ min: -8, max: 8 }), fc.integer({ min: -4200, max: 4200 })),
  bytes: fc.oneof(fc.constantFrom(4, 1, 8, 16), fc.integer({ min: 0, max: 9000 })),
  direction: fc.constantFrom('read', 'write'),
  seed: fc.nat(255),
});

const cases = fc.record({
  world: worldSpec({ corrupted: false }),
  switches,
  cache: fc.constantFrom<CacheName[]>('none', 'default'),
  transfers: fc.array(transfer, { minLength: 1, maxLength: 30, size: 'max' }),
});

const SPACE = 2n ** 64n;

/** Where each byte of a transfer goes: a host address, nowhere, or into an interrupt request. */
type Route = (bigint | 'blocked' | 'interrupt')[];

/** Each page is a request of its own (§3.4.1); an aligned dword written to 0xFEEx_xxxx is an interrupt request (§3.15). */
function route(
  { reference, ram }: WorldMachine,
  sourceId: number,
  first: bigint,
  { bytes, direction, seed }: Transfer,
): Route {
  const addresses: Route = [];
  for (let at = 0; at < bytes; ) {
    const iova = (first + BigInt(at)) % SPACE;
    const count = Math.min(4096 - Number(iova % 4096n), bytes - at);
    const length = count === 4 && iova % 4n === 0n ? 4 : 1;
    const outcome = referenceTranslate(reference, ram.read64, { sourceId, iova, access: direction, bytes: length });
    // no software has given the unit a table: IRTA is 0
    const unit = { haw: reference.haw, pi: reference.ir, ires: reference.ire, eimer: false, irreq: false };
    const latched = { cfis: false, eime: false, table: 0n, size: 0 };
    const request = { sourceId, address: iova, data: BigInt(payload(at, seed, 4).readUInt32LE()) };
    const isDelivered =
      outcome.kind === 'interrupt' && referenceInterrupt({ ...unit, ...latched }, ram.read64, request).kind !== 'fault';
    for (let byte = 0n; byte < BigInt(count); byte++) {
      // while remapping is off there is nothing behind 52 bits, though output is input
      if (outcome.kind === 'translated')
        addresses.push(outcome.address < 2n ** 52n ? outcome.address + byte : 'blocked');
      else addresses.push(isDelivered ? 'interrupt' : 'blocked');
    }
    at += count;
  }
  return addresses;
}

/** What a device writes from byte `at` of a transfer on. */
function payload(at: number, seed: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, offset) => ((at + offset) * 7 + seed) & 0xff));
}

test('a transfer reaches exactly the bytes that the reference model translates it to, page by page (§3.4.1)', () => {
  checkProperty(cases, 120, ({ world: spec, switches: on, cache, transfers }, attempt) => {
    const world = buildWorld(spec);
    switchOn(world, on);
    const machine = new WorldMachine('dma', scenarioOptions(world, cache), attempt);
    machine.run(world.driver.take());
    const { unit, ram } = machine;
    const interrupts: { address: number; data: number }[] = [];
    unit.on('interrupt', ({ request: { address, data } }) => interrupts.push({ address, data }));
    const places = edges(world);
    const tables = BigInt(world.geography.firstTable) * 4096n;

    for (const each of transfers) {
      const { sourceId: dev } = world.devices[each.device % world.devices.length];
      const iova = (places[each.place % places.length] + BigInt(each.offset) + SPACE) % SPACE;
      const routed = route(machine, dev, iova, each);
      const isTable = (address: Route[number]) =>
        typeof address === 'bigint' && address >= tables && address < tables + 0x8_0000n;
      // what a device does to the tables while they translate its own transfer is left open
      if (each.direction === 'write' && routed.some(isTable)) continue;
      const old = routed.map((address) => (typeof address === 'bigint' ? ram.read8(address) : undefined));
      const moved = routed.filter((address, at) => address === 'interrupt' || old[at] !== undefined).length;
      const region = unit.region(dev);
      const addr = hex(iova);
      const size = each.bytes;
      const where = `${each.direction} of ${size} bytes at ${addr} by ${hex(dev)}`;
      if (each.direction === 'read') {
        machine.tell({ op: 'dma', dev, addr, size, dir: 'read' });
        const target = new Uint8Array(size).fill(0xee);
        expect(region.read(iova, target), where).toBe(moved);
        expect(Buffer.from(target).equals(Buffer.from(old.map((byte) => byte ?? 0))), where).toBe(true);
        continue;
      }
      const source = payload(0, each.seed, size);
      machine.tell({ op: 'dma', dev, addr, size, dir: 'write', hex: source.toString('hex') });
      interrupts.length = 0;
      expect(region.write(iova, source), where).toBe(moved);
      const last = new Map<bigint, number>();
      routed.forEach((address, at) => {
        if (typeof address === 'bigint' && old[at] !== undefined) last.set(address, source[at]);
      });
      for (const [address, byte] of last)
        if (ram.read8(address) !== byte) throw new Error(`${where}: at ${hex(address)}`);
      const dwords = routed.flatMap((address, at) => {
        const isFirst = address === 'interrupt' && (Number(iova) + at) % 4 === 0;
        if (!isFirst) return [];
        return [{ address: Number(iova) + at, data: source.readUInt32LE(at) }];
      });
      expect(interrupts, where).toEqual(dwords);
    }
  });
});
