import { describe, expect, test } from 'vitest';
import { DEVICE, FIRST, IOVA, NESTED, PASID, ScalableMachine, SECOND } from './scalable-machine.js';

const page = `address 0x${(IOVA - (IOVA & 0xfffn)).toString(16)}`;
const IQT = 0x88;

/** A machine whose caches hold the translation of its page, with a queue that takes one descriptor after another. */
class WarmMachine extends ScalableMachine {
  readonly #queue = 0x7f;
  #tail = 0;

  constructor(type: number) {
    super({}, { caches: 'hold' });
    this.start().attach({ type });
    this.unit.write64(0x90, (BigInt(this.#queue) << 12n) | 0x800n);
    this.unit.write32(0x18, (1 << 31) | (1 << 26));
    this.touch();
    expect(this.stale()).toEqual([]);
  }

  touch(): void {
    this.unit.region(DEVICE, PASID).translate(IOVA);
  }

  stale(access: 'read' | 'write' = 'read') {
    return this.explain({ pasid: PASID, access }).stale;
  }

  invalidate(low: bigint, high = 0n): void {
    const at = this.#queue * 4096 + this.#tail;
    this.setWord(at, low).setWord(at + 8, high);
    this.#tail += 32;
    this.unit.write32(IQT, this.#tail);
  }
}

describe('an explanation tells of an invalidation that software forgot in scalable mode (§6.5.3.3)', () => {
  test('a first-stage page that moved needs a PASID-based IOTLB invalidation', () => {
    const machine = new WarmMachine(FIRST);
    machine.redirect(machine.first[1], 0x9_9999n);
    expect(machine.stale()).toEqual([
      {
        cache: 'IOTLB',
        domainId: 5,
        pasid: PASID,
        holds: '0x345678abc, rw, page of 4 KiB, domain 5',
        memory: '0x99999abc, rw, page of 4 KiB, domain 5',
        invalidation: `page-selective PASID-based IOTLB invalidation (P_IOTLB) of domain 5, PASID 0x45, ${page}, AM=0`,
      },
    ]);
    machine.invalidate(0x36n | (5n << 16n) | (BigInt(PASID) << 32n), IOVA - (IOVA & 0xfffn));
    expect(machine.stale()).toEqual([]);
  });

  test('a second-stage page that was unmapped needs an IOTLB invalidation', () => {
    const machine = new WarmMachine(SECOND);
    machine.setWord(machine.second[1], 0n);
    expect(machine.stale('write')).toMatchObject([
      {
        memory: 'SSS.2: a second-stage entry grants nothing, domain 5',
        invalidation: `page-selective IOTLB invalidation of domain 5, ${page}, AM=0`,
      },
    ]);
    machine.invalidate(0x32n | (5n << 16n), IOVA - (IOVA & 0xfffn));
    expect(machine.stale('write')).toEqual([]);
  });

  test('a nested page needs one or the other, by the stage that changed', () => {
    const machine = new WarmMachine(NESTED);
    machine.redirect(machine.second[1], 0x9_9999n);
    const [{ invalidation }] = machine.stale();
    expect(invalidation).toContain(
      `P_IOTLB) of domain 5, PASID 0x45, ${page}, AM=0; or, if the second stage changed, `,
    );
    expect(invalidation).toMatch(/IOTLB invalidation of domain 5$/);
    machine.invalidate(0x22n | (5n << 16n));
    expect(machine.stale()).toEqual([]);
  });

  test('a PASID entry that changed its domain: the PASID cache, and the IOTLB under the old domain-id', () => {
    const machine = new WarmMachine(FIRST);
    machine.changeEntry(1, (word) => word + 1n);
    expect(machine.stale()).toMatchObject([
      {
        cache: 'PASID cache',
        domainId: 5,
        pasid: PASID,
        holds: expect.stringMatching(/^domain 5, PASID 0x45, first stage/),
        memory: expect.stringMatching(/^domain 6, PASID 0x45, first stage/),
        invalidation:
          'PASID-selective PASID-cache invalidation of domain 5, PASID 0x45, and then of the IOTLB by PASID (P_IOTLB)',
      },
      { cache: 'IOTLB', domainId: 5 },
    ]);
    machine.invalidate(0x17n | (5n << 16n) | (BigInt(PASID) << 32n));
    expect(machine.stale().map(({ cache }) => cache)).toEqual(['IOTLB']);
    machine.invalidate(0x26n | (5n << 16n) | (BigInt(PASID) << 32n));
    expect(machine.stale()).toEqual([]);
  });

  test.each<[string, string, (machine: ScalableMachine) => unknown]>([
    ['SRE', 'SRE=1', (machine) => machine.changeEntry(2, (word) => word | 1n)],
    ['WPE', 'WPE=1', (machine) => machine.changeEntry(2, (word) => word | 0x10n)],
    ['EAFE', 'EAFE=1', (machine) => machine.changeEntry(2, (word) => word | 0x80n)],
    ['PGSNP', 'PGSNP=1', (machine) => machine.changeEntry(1, (word) => word | (1n << 24n))],
    ['PWSNP', 'walks not snooped', (machine) => machine.changeEntry(1, (word) => word & ~(1n << 23n))],
    ['FPD', 'FPD=1', (machine) => machine.changeEntry(0, (word) => word | 2n)],
  ])('a PASID entry whose %s changed', (_, told, change) => {
    const machine = new WarmMachine(FIRST);
    change(machine);
    const [{ cache, holds, memory }] = machine.stale();
    expect([cache, memory.includes(told), holds.includes(told)]).toEqual(['PASID cache', true, false]);
  });

  test('a context entry that lost PASIDE: the context cache, by the source-id alone (§6.5.2.1)', () => {
    const machine = new WarmMachine(SECOND);
    machine.clearBits(machine.context, 8n);
    expect(machine.stale()).toMatchObject([
      {
        cache: 'context cache',
        domainId: 0,
        memory: expect.stringContaining('this requester may not send requests with PASID'),
        invalidation:
          'device-selective context-cache invalidation of source-id 0x193, and then of the PASID cache and the IOTLB by domain',
      },
      { cache: 'IOTLB' },
    ]);
    machine.invalidate(0x31n | (BigInt(DEVICE) << 32n));
    expect(machine.stale().map(({ cache }) => cache)).toEqual(['IOTLB']);
  });

  test('nothing for a write on a page that was clean: a walk is made for it (§3.6.2)', () => {
    const machine = new WarmMachine(FIRST);
    machine.clearBits(machine.first[1], 0x40n);
    machine.invalidate(0x26n | (5n << 16n) | (BigInt(PASID) << 32n));
    machine.touch();
    expect(machine.stale('write')).toEqual([]);
  });
});
