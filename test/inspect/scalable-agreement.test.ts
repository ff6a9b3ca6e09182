import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Access, CachePolicyName, ExplainRequest, FaultEvent } from '../../src/index.js';
import { checkProperty } from '../support/check-property.js';
import {
  DEVICE,
  FIRST,
  IOVA,
  MEMORY_BYTES,
  NESTED,
  PAGE,
  PASID,
  PASS_THROUGH,
  ScalableMachine,
  SECOND,
} from './scalable-machine.js';

/** A bit to be turned over in one of the entries that a request meets, counted from the last one. */
const damages = fc.record({ step: fc.nat(24), word: fc.nat(7), bit: fc.nat(63) });

type Damage = typeof damages extends fc.Arbitrary<infer T> ? T : never;

/** Bits that decide more than others: rights, presence, flags, PASID entry fields. */
const lowDamages = fc.record({ step: fc.nat(24), word: fc.nat(2), bit: fc.nat(11) });

const requests: fc.Arbitrary<Partial<ExplainRequest>> = fc
  .record({
    iova: fc.oneof(
      { weight: 6, arbitrary: fc.constant(IOVA) },
      { weight: 2, arbitrary: fc.constantFrom(PAGE, 0xfee0_0abcn, 0xffff_8000_0000_0000n) },
      { weight: 1, arbitrary: fc.integer({ min: 30, max: 63 }).map((bit) => 1n << BigInt(bit)) },
    ),
    access: fc.constantFrom<Access>('read', 'write', 'atomic', 'zero-length-read'),
    pasid: fc.constantFrom(undefined, PASID, PASID, 1, 0x2000),
    privileged: fc.constantFrom(false, false, true),
    execute: fc.constantFrom(false, false, false, false, true),
    translated: fc.constantFrom(false, false, false, true),
  })
  .map(({ pasid, ...request }) =>
    pasid === undefined ? { ...request, privileged: false, execute: false } : { ...request, pasid },
  );

const worlds = fc
  .record({
    type: fc.constantFrom(FIRST, SECOND, NESTED, NESTED, PASS_THROUGH),
    levels: fc.constantFrom(4, 4, 5),
    /** SSADE; SRE, WPE, EAFE. */
    second: fc.constantFrom(0n, 0x200n),
    first: fc.constantFrom(0n, 1n, 0x11n, 0x81n),
    snooped: fc.constantFrom(true, true, true, false),
    ioRights: fc.constantFrom(false, false, false, false, true),
    ridPrivileged: fc.constantFrom(false, false, false, true),
    permissions: fc.option(fc.constantFrom(0n, 1n, 2n, 3n)),
    major: fc.constantFrom(5, 5, 5, 8),
    zeroLengthReads: fc.boolean(),
    damages: fc.array(fc.oneof(damages, lowDamages), { maxLength: 3 }),
    request: requests,
  })
  .map((world) => world);

type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

function build(world: World, caches: CachePolicyName = 'none'): ScalableMachine {
  const { type, levels, second, first } = world;
  const fields = { 'VER.MAJOR': world.major, 'CAP.ZLR': Number(world.zeroLengthReads) };
  const machine = new ScalableMachine(fields, { caches }).start(1n, world.ioRights ? 0x80n : 0n);
  machine.attach({ type, levels, entry: [second, 0n, first] });
  if (!world.snooped) machine.changeEntry(1, (word) => word & ~(1n << 23n));
  if (world.ridPrivileged) machine.setBits(machine.context + 8, 1n << 20n);
  if (world.permissions !== null) machine.permit(world.permissions);
  for (const damage of world.damages) damageEntry(machine, world.request, damage);
  return machine;
}

function damageEntry(machine: ScalableMachine, request: World['request'], { step, word, bit }: Damage): void {
  const entries = machine.explain(request).steps.filter((each) => each.kind === 'entry' && each.raw.length > 0);
  const entry = entries.reverse()[step % Math.max(entries.length, 1)];
  if (entry?.kind !== 'entry') return;
  const address = Number(entry.address) + 8 * (word % entry.raw.length);
  machine.setWord(address, machine.word(address) ^ (1n << BigInt(bit)));
}

/** The memory and the registers of a machine, also what software cannot read of them. */
function stored({ memory, unit: { registers } }: ScalableMachine): Buffer {
  const bytes = Buffer.alloc(MEMORY_BYTES + registers.size);
  memory.read(0, bytes, 0, MEMORY_BYTES);
  for (let at = 0; at < registers.size; at += 4) bytes.writeInt32LE(registers.get(at), MEMORY_BYTES + at);
  return bytes;
}

function translate({ unit }: ScalableMachine, request: Partial<ExplainRequest>) {
  const { iova = IOVA, access, pasid, ...attributes } = request;
  return unit.region(DEVICE, pasid).translate(iova, access, attributes);
}

test('an explanation in scalable mode ends as the translation does, of any tables, and changes nothing', () => {
  checkProperty(worlds, 600, (world) => {
    const machine = build(world);
    const { unit } = machine;
    const before = { bytes: stored(machine), statistics: unit.statistics };
    const { ok, result, fault, steps } = machine.explain(world.request);
    expect(stored(machine).equals(before.bytes)).toBe(true);
    expect(unit.statistics).toEqual(before.statistics);

    const events: FaultEvent[] = [];
    unit.on('fault', (event) => events.push(event));
    const answer = translate(machine, world.request);
    if (answer.ok) expect(answer).toEqual({ ok, ...result });
    else {
      const { qualified: _, record, ...told } = fault!;
      expect(told).toEqual(answer.fault);
      expect(events.map(({ outcome }) => outcome)).toEqual(told.condition === 'discarded' ? [] : [record]);
    }
    // a step failed if and only if the request did, and the last page left what the result grants
    expect(steps.some(({ passed }) => !passed)).toBe(!ok);
    const last = steps.filter((step) => step.kind === 'entry').at(-1);
    if (ok && last?.kind === 'entry' && last.level > 0) expect(last.rights).toBe(result?.rights);
  });
});

test('the flags that an explanation tells of are those that the translation sets (§3.6.2, §3.7.2)', () => {
  checkProperty(worlds, 400, (world) => {
    const machine = build(world);
    const { ok, steps } = machine.explain(world.request);
    const entries = steps.flatMap((step) => (step.kind === 'entry' ? [step] : []));
    const told = new Map<bigint, bigint>();
    for (const { address, sets, fields, structure } of entries) {
      const isFirst = structure.startsWith('FS');
      const bits = { A: isFirst ? 0x20n : 0x100n, D: isFirst ? 0x40n : 0x200n, EA: 0x400n };
      for (const name of sets) {
        expect(fields.find((field) => field.name === name)?.value).toBe(0n);
        told.set(address, (told.get(address) ?? 0n) | bits[name as keyof typeof bits]);
      }
    }
    translate(machine, world.request);
    if (!ok) return;
    for (const { address, raw } of entries) {
      expect(machine.word(Number(address)) ^ raw[0]).toBe(told.get(address) ?? 0n);
    }
  });
});

test('what the caches answer otherwise than memory is told as stale, and gone after global invalidations (§6.5)', () => {
  const changes = fc.record({
    world: worlds,
    warming: fc.array(fc.constantFrom<Access>('read', 'write', 'zero-length-read'), { minLength: 1, maxLength: 3 }),
    edit: fc.oneof(damages, lowDamages),
  });
  checkProperty(changes, 400, ({ world, warming, edit }) => {
    const machine = build(world, 'hold');
    const { unit } = machine;
    for (const access of warming) translate(machine, { ...world.request, access });
    damageEntry(machine, world.request, edit);
    const { ok, result, fault, stale } = machine.explain(world.request);
    const { qualified: _, record: __, ...asAnswered } = fault ?? { qualified: false, record: 'unrecorded' };
    const memory = ok ? { ok, ...result } : { ok, fault: asAnswered };
    if (stale.length === 0) expect(translate(machine, world.request)).toEqual(memory);

    // all caches: context, PASID by the queue, IOTLB
    unit.write64(0x90, (0x7fn << 12n) | 0x800n);
    unit.write32(0x18, (1 << 31) | (1 << 26));
    const descriptors = [0x11n, 0x37n, 0x12n];
    descriptors.forEach((low, at) => machine.setWord(0x7_f000 + 32 * at, low).setWord(0x7_f008 + 32 * at, 0n));
    unit.write32(0x88, 96);
    const now = machine.explain(world.request);
    expect(now.stale).toEqual([]);
    expect(translate(machine, world.request)).toEqual(
      now.ok
        ? { ok: true, ...now.result }
        : { ok: false, fault: expect.objectContaining({ condition: now.fault?.condition }) },
    );
  });
});
