import fc from 'fast-check';
import type { DeviceScope, DmarStructure, DmarTable, PathStep, ScopeFlag } from '../../src/index.js';

const byte = fc.integer({ min: 0, max: 0xff });
const word = fc.integer({ min: 0, max: 0xffff });
const dword = fc.integer({ min: 0, max: 0xffff_ffff });
const address = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.maxSafeNat());

const SCOPE_FLAGS: readonly ScopeFlag[] = [
  'REQ_WO_PASID_NESTED_NOTALLOWED',
  'REQ_WO_PASID_PWSNP_NOTALLOWED',
  'REQ_WO_PASID_PGSNP_NOTALLOWED',
  'ATC_HARDENED',
  'ATC_REQUIRED',
];

/** Some of these, each once. */
function flagsOf<Flag extends string>(...flags: readonly Flag[]): fc.Arbitrary<Flag[]> {
  return fc.subarray([...flags]);
}

/** Characters of one byte each, of which trailing spaces would be padding. */
function textOf(maxLength: number): fc.Arbitrary<string> {
  return fc
    .array(fc.integer({ min: 0x20, max: 0xff }), { maxLength })
    .map((codes) => String.fromCharCode(...codes).replace(/ +$/, ''));
}

const step: fc.Arbitrary<PathStep> = fc.record({
  device: fc.integer({ min: 0, max: 31 }),
  function: fc.integer({ min: 0, max: 7 }),
});

/** What is left out in half of the cases. */
function optional<T extends object>(values: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
}

function together<A, B>(one: fc.Arbitrary<A>, other: fc.Arbitrary<B>): fc.Arbitrary<A & B> {
  return fc.tuple(one, other).map(([a, b]) => ({ ...a, ...b }));
}

/** A device scope, of reserved types too unless they are left out. */
function anyScope(withReserved: boolean, flags: readonly ScopeFlag[]): fc.Arbitrary<DeviceScope> {
  const named = fc.constantFrom('endpoint', 'bridge', 'IOAPIC', 'HPET', 'namespace-device');
  const numbered = fc.oneof(fc.constant(0), fc.integer({ min: 6, max: 0xff }));
  return together(
    fc.record({
      type: withReserved ? fc.oneof(named, numbered) : named,
      path: fc.array(step, { minLength: 1, maxLength: 5 }),
    }),
    optional({ flags: flagsOf(...flags), enumerationId: byte, startBus: byte }),
  ) as fc.Arbitrary<DeviceScope>;
}

/** Structures of the types that ACPI tools have known for long. */
function olderStructures(scope: fc.Arbitrary<DeviceScope>, size: fc.Arbitrary<number>, name: fc.Arbitrary<string>) {
  const scopes = fc.array(scope, { maxLength: 4 });
  return [
    together(
      fc.record({ type: fc.constant('DRHD'), registerBase: address }),
      optional({ flags: flagsOf('INCLUDE_PCI_ALL'), size, segment: word, scopes }),
    ),
    together(
      fc.record({ type: fc.constant('RMRR'), base: address, limit: address, scopes }),
      optional({ segment: word }),
    ),
    together(
      fc.record({ type: fc.constant('ATSR') }),
      optional({ flags: flagsOf('ALL_PORTS'), segment: word, scopes }),
    ),
    fc.record({ type: fc.constant('RHSA'), registerBase: address, proximityDomain: dword }),
    fc.record({ type: fc.constant('ANDD'), deviceNumber: byte, objectName: name }),
  ] as fc.Arbitrary<DmarStructure>[];
}

function newerStructures(scope: fc.Arbitrary<DeviceScope>) {
  const scopes = fc.array(scope, { maxLength: 4 });
  return [
    together(
      fc.record({ type: fc.constant('SATC'), scopes }),
      optional({ flags: flagsOf('ATC_REQUIRED'), segment: word }),
    ),
    together(fc.record({ type: fc.constant('SIDP'), scopes }), optional({ segment: word })),
    fc.record({ type: fc.integer({ min: 7, max: 0xffff }), body: fc.uint8Array({ maxLength: 20 }) }),
  ] as fc.Arbitrary<DmarStructure>[];
}

/** A table of these structures, in any order. */
function tableOf(
  structure: fc.Arbitrary<DmarStructure>,
  text: (length: number) => fc.Arbitrary<string>,
): fc.Arbitrary<DmarTable> {
  return together(
    fc.record({
      hostAddressWidth: fc.integer({ min: 1, max: 256 }),
      structures: fc.array(structure, { maxLength: 6 }),
    }),
    optional({
      flags: flagsOf('INTR_REMAP', 'X2APIC_OPT_OUT', 'DMA_CTRL_PLATFORM_OPT_IN'),
      revision: byte,
      oemId: text(6),
      oemTableId: text(8),
      oemRevision: dword,
      creatorId: text(4),
      creatorRevision: dword,
    }),
  );
}

/** Anything that can be built, sensible or not. */
export const anyTable: fc.Arbitrary<DmarTable> = tableOf(
  fc.oneof(
    ...olderStructures(anyScope(true, SCOPE_FLAGS), fc.integer({ min: 0, max: 15 }), textOf(40)),
    ...newerStructures(anyScope(true, SCOPE_FLAGS)),
  ),
  textOf,
);

const plainText = (length: number) => fc.stringMatching(new RegExp(`^[A-Z0-9]{1,${length}}$`));

/** What a disassembler of 2020 knows: neither newer structures, nor the size of a register block, nor flags of scopes. */
export const olderTable: fc.Arbitrary<DmarTable> = tableOf(
  fc.oneof(
    ...olderStructures(
      anyScope(false, []),
      fc.constant(0),
      plainText(4).map((name) => `\\_SB.${name}`),
    ),
  ),
  plainText,
).map((table) => ({ ...table, revision: 1 }));

/** As {@link anyTable}, restricted to what only a newer one knows. */
export const newerTable: fc.Arbitrary<DmarTable> = tableOf(
  fc.oneof(...newerStructures(anyScope(false, SCOPE_FLAGS)).slice(0, 2)),
  plainText,
).map((table) => ({ ...table, revision: 1 }));
