import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Access, CachePolicyName, Explanation, FaultEvent } from '../../src/index.js';
import { type ReferenceUnit, referenceTranslate } from '../reference/index.js';
import { checkProperty } from '../support/check-property.js';
import { capabilityFields, referenceUnit, worldCapabilities } from '../support/world-capabilities.js';
import { DEVICE, Machine, MEMORY_BYTES } from './machine.js';

const IOVAS = [0n, 0x1000n, 0x7fff_f000n, 0x8000_0000n, 0xfee0_0000n, 0x12_3456_7000n];

const accesses = fc.constantFrom<Access>('read', 'write', 'atomic', 'zero-length-read');

/** The usual value nine times of ten, else one of the others, so that most requests get as far as the tables. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

/** A bit to be turned over in an entry on the way of a request. */
const damages = fc.record({ step: fc.nat(5), word: fc.nat(1), bit: fc.nat(63) });

type Damage = typeof damages extends fc.Arbitrary<infer T> ? T : never;

/** What a driver, or a bug of it, put into memory. */
const tables = fc.record({
  levels: fc.constantFrom(4, 3, 5),
  type: mostly(0, 1, 2, 3),
  faultsDisabled: fc.boolean(),
  pages: fc.array(
    fc.record({
      iova: fc.constantFrom(...IOVAS),
      address: mostly(0x8000_0000, 0xfee0_0000, 0x4_0000_0000, 0),
      level: fc.constantFrom(1, 1, 2, 3),
      rights: fc.constantFrom(3, 3, 1, 2, 0),
      tableRights: fc.constantFrom(3, 3, 1, 2),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  damage: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 2, arbitrary: damages }),
});

const registers = fc.record({
  on: mostly(true, false),
  mode: mostly(0, 1, 2, 3),
  lostRoot: mostly(false, false, true),
  protects: mostly(false, true),
  allWidths: mostly(true, false),
});

const requests = fc.record({
  iova: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...IOVAS).map((iova) => iova + 0xabcn) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
    { weight: 1, arbitrary: fc.integer({ min: 30, max: 63 }).map((bit) => 1n << BigInt(bit)) },
  ),
  access: accesses,
  pasid: mostly(undefined, undefined, 3),
  translated: mostly(false, true),
});

const worlds = fc
  .record({ caps: worldCapabilities, tables, registers, request: requests })
  .map((world) => (world.registers.allWidths ? { ...world, caps: { ...world.caps, sagaw: 0b1110 } } : world));

type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

function build(world: World, caches: CachePolicyName = 'none'): Machine {
  const { caps, registers: state, request } = world;
  const { levels, type, faultsDisabled, pages, damage } = world.tables;
  const machine = new Machine(capabilityFields(caps), { hostAddressWidth: caps.haw, caches });
  const top = machine.attach({ levels, type, faultsDisabled });
  for (const { iova, address, ...page } of pages) machine.tables.map(top, levels, Number(iova), address, page);
  if (state.on) machine.start(state.mode, state.lostRoot ? 0x4_0000 : machine.tables.root);
  if (state.protects && caps.plmr) {
    machine.unit.write32(0x68, 0x8000_0000);
    machine.unit.write32(0x6c, 0x8000_0000);
    // the other region stays empty: its base lies above its limit
    machine.unit.write32(0x70, 0x4000_0000);
    machine.unit.write32(0x64, 1 << 31);
  }
  if (damage !== null) damageEntry(machine, request, damage);
  return machine;
}

/** Turns a bit over in one of the entries that a request meets, counted from the last one. */
function damageEntry(machine: Machine, request: World['request'], { step, word, bit }: Damage): void {
  const entries = machine.explain(request).steps.filter((each) => each.kind === 'entry' && each.raw.length > 0);
  const entry = entries.reverse()[step % Math.max(entries.length, 1)];
  if (entry?.kind !== 'entry') return;
  const address = Number(entry.address) + 8 * (word % entry.raw.length);
  machine.tables.setWord(address, machine.tables.word(address) ^ (1n << BigInt(bit)));
}

/** The memory and the registers of a machine, also what software cannot read of them. */
function stored({ memory, unit: { registers } }: Machine): Buffer {
  const bytes = Buffer.alloc(MEMORY_BYTES + registers.size);
  memory.read(0, bytes, 0, MEMORY_BYTES);
  for (let at = 0; at < registers.size; at += 4) bytes.writeInt32LE(registers.get(at), MEMORY_BYTES + at);
  return bytes;
}

test('an explanation ends as the translation does, of any tables, and changes nothing', () => {
  checkProperty(worlds, 400, (world) => {
    const machine = build(world);
    const { unit } = machine;
    const { iova, access, pasid, translated } = world.request;
    const before = { bytes: stored(machine), statistics: unit.statistics };
    const explanation = machine.explain(world.request);
    expect(stored(machine).equals(before.bytes)).toBe(true);
    expect(unit.statistics).toEqual(before.statistics);

    const events: FaultEvent[] = [];
    unit.on('fault', (event) => events.push(event));
    const answer = unit.region(DEVICE, pasid).translate(iova, access, { translated });
    expect(explanation.ok).toBe(answer.ok);
    if (answer.ok) {
      const { ok: _, ...result } = answer;
      expect(explanation.result).toEqual(result);
    } else {
      const { qualified: _, record, ...fault } = explanation.fault!;
      expect(fault).toEqual(answer.fault);
      // a zero-length read of the interrupt range completes: that is no fault
      expect(events.map(({ outcome }) => outcome)).toEqual(fault.condition === 'discarded' ? [] : [record]);
    }
    expectSteps(machine, explanation);
  });
});

test('an explanation ends as the reference model does, of any tables', () => {
  checkProperty(worlds, 300, (world) => {
    const machine = build(world);
    const { iova, access, pasid, translated } = world.request;
    const at = translated ? 'translated' : 'untranslated';
    const outcome = referenceTranslate(
      stateOf(machine, world),
      (address) => (address < MEMORY_BYTES ? machine.tables.word(Number(address)) : undefined),
      { sourceId: DEVICE, iova, access, at, ...(pasid === undefined ? {} : { pasid }) },
    );
    const { result, fault } = machine.explain(world.request);
    if (outcome.kind === 'translated' && fault?.condition !== 'no such address') {
      expect(result?.address).toBe(outcome.address);
      expect(result?.rights).toBe(`${outcome.read ? 'r' : ''}${outcome.write ? 'w' : ''}`);
      expect(result).toMatchObject({ pageSize: Number(outcome.pageSize), snoop: outcome.snoop });
    } else if (outcome.kind === 'fault') {
      const { condition, code, qualified, logged } = outcome;
      const record = logged ? 'recorded' : 'disabled';
      expect(fault).toMatchObject({ condition, reason: code, qualified, record });
    } else if (outcome.kind === 'blocked') {
      expect(fault?.condition).toBe(outcome.why === 'protected-memory' ? 'protected' : 'UR');
    } else if (outcome.kind === 'discarded') expect(fault?.condition).toBe('discarded');
  });
});

/** The unit as the reference model takes it. */
function stateOf(machine: Machine, { caps, registers: state }: World): ReferenceUnit {
  return {
    ...referenceUnit(capabilityFields(caps), caps.haw),
    te: state.on,
    ttm: state.on ? state.mode : 0,
    root: BigInt(state.lostRoot ? 0x4_0000 : machine.tables.root) << 12n,
    protectedRanges: state.protects && caps.plmr ? [[0x8000_0000n, 0x801f_ffffn]] : [],
  };
}

/** What holds of the steps of every explanation. */
function expectSteps(machine: Machine, { ok, steps, result }: Explanation): void {
  const failed = steps.filter(({ passed }) => !passed);
  expect(failed.length === 0).toBe(ok);
  let rights = 3;
  for (const step of steps) {
    expect(step.section).toMatch(/^§\d/);
    expect(step.verdict).not.toBe('');
    if (step.kind === 'check') continue;
    expect(step.raw).toEqual(step.raw.map((_, word) => machine.tables.word(Number(step.address) + 8 * word)));
    if (step.level === 0 || step.raw.length === 0) continue;
    rights &= Number(step.raw[0] & 3n);
    expect(step.rights).toBe(['', 'r', 'w', 'rw'][rights]);
  }
  if (ok && steps.some((step) => step.kind === 'entry' && step.level > 0)) {
    expect(result?.rights).toBe(['', 'r', 'w', 'rw'][rights]);
  }
}

test('explaining requests changes neither caches nor records: later requests meet the same', () => {
  const sequences = fc.record({
    world: worlds,
    requests: fc.array(requests, { minLength: 2, maxLength: 6 }),
    caches: fc.constantFrom<CachePolicyName>('hold', 'default'),
  });
  checkProperty(sequences, 100, ({ world, requests, caches }) => {
    const explained = build(world, caches);
    const plain = build(world, caches);
    const answers = ({ unit }: Machine, { iova, access, pasid, translated }: World['request']) =>
      unit.region(DEVICE, pasid).translate(iova, access, { translated });
    for (const request of [...requests, ...requests]) {
      explained.explain(request);
      expect(answers(explained, request)).toEqual(answers(plain, request));
    }
    expect(stored(explained).equals(stored(plain))).toBe(true);
    expect(explained.unit.statistics).toEqual(plain.unit.statistics);
  });
});

test('what the caches answer otherwise than memory is told as stale, and gone after global invalidations (§6.5)', () => {
  const changes = fc.record({
    world: worlds,
    warming: fc.array(accesses, { minLength: 1, maxLength: 3 }),
    edit: damages,
  });
  checkProperty(changes, 200, ({ world, warming, edit }) => {
    const machine = build(world, 'hold');
    const { unit } = machine;
    const { iova, access, pasid, translated } = world.request;
    const device = unit.region(DEVICE, pasid);
    for (const kind of warming) device.translate(iova, kind, { translated });
    damageEntry(machine, world.request, edit);

    const { ok, result, fault, stale } = machine.explain(world.request);
    const { qualified: _, record: __, ...asAnswered } = fault ?? { qualified: false, record: 'unrecorded' };
    const memory = ok ? { ok, ...result } : { ok, fault: asAnswered };
    if (stale.length === 0) expect(device.translate(iova, access, { translated })).toEqual(memory);

    unit.write64(0x28, 5n << 61n);
    unit.write64(unit.registers.offsetOf('IOTLB_REG'), (1n << 63n) | (1n << 60n));
    expect(machine.explain(world.request).stale).toEqual([]);
    expect(device.translate(iova, access, { translated })).toEqual(memory);
  });
});
