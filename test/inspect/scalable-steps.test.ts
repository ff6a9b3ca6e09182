import { describe, expect, test } from 'vitest';
import type { EntryStep, Explanation } from '../../src/index.js';
import {
  DEVICE,
  FIRST,
  FIRST_BITS,
  IOVA,
  NESTED,
  PAGE,
  PASID,
  PASS_THROUGH,
  ScalableMachine,
  SECOND,
} from './scalable-machine.js';

const entries = ({ steps }: Explanation) => steps.filter((step): step is EntryStep => step.kind === 'entry');
const result = { address: PAGE + (IOVA & 0xfffn), pageSize: 4096, rights: 'rw', snoop: false };

const WAY = ['root entry half', 'scalable context entry', 'PASID directory entry', 'PASID entry'];

describe('the steps of a translation in scalable mode', () => {
  test.each([
    [FIRST, 4, ['FS-PML4E', 'FS-PDPE', 'FS-PDE', 'FS-PTE'], 'first stage of 4 levels'],
    [FIRST, 5, ['FS-PML5E', 'FS-PML4E', 'FS-PDPE', 'FS-PDE', 'FS-PTE'], 'first stage of 5 levels'],
    [SECOND, 3, ['SS-PDPE', 'SS-PDE', 'SS-PTE'], 'second stage of 3 levels'],
    [SECOND, 4, ['SS-PML4E', 'SS-PDPE', 'SS-PDE', 'SS-PTE'], 'second stage of 4 levels'],
  ])('type %i of %i levels: the entries on the way, as they stand in memory (§3.4.3)', (type, levels, walk, way) => {
    const machine = new ScalableMachine().start().attach({ type, levels });
    const iova = levels === 3 ? IOVA & 0x7f_ffff_ffffn : IOVA;
    const explanation = machine.explain({ iova });
    expect(explanation).toMatchObject({ ok: true, result, stale: [] });
    const steps = entries(explanation);
    expect(steps.map(({ structure }) => structure)).toEqual([...WAY, ...walk]);
    for (const { raw, address, table, index } of steps) {
      expect(raw).toEqual(raw.map((_, word) => machine.word(Number(address) + 8 * word)));
      expect(address).toBe(table + BigInt(index * 8 * raw.length));
    }
    expect(steps[3].verdict).toMatch(new RegExp(`^${way} at 0x`));
    expect(steps.every(({ passed, forTable }) => passed && !forTable)).toBe(true);
  });

  test('a request with PASID goes by its own entry (§3.4.3)', () => {
    const machine = new ScalableMachine().start().attach();
    const [, , directory, entry] = entries(machine.explain({ pasid: PASID }));
    expect([directory.index, entry.index]).toEqual([PASID >> 6, PASID & 63]);
  });

  test('nested: before each first-stage entry the second stage is walked for its table, marked as such (§3.8)', () => {
    const machine = new ScalableMachine().start().attach({ type: NESTED });
    const explanation = machine.explain();
    expect(explanation.result).toEqual(result);
    const walk = entries(explanation).slice(4);
    const sub = ['SS-PML4E', 'SS-PDPE', 'SS-PDE', 'SS-PTE'];
    expect(walk.map(({ structure }) => structure)).toEqual([
      ...['FS-PML4E', 'FS-PDPE', 'FS-PDE', 'FS-PTE'].flatMap((entry) => [...sub, entry]),
      ...sub,
    ]);
    expect(walk.map(({ forTable }) => forTable)).toEqual(
      walk.map(({ structure }, at) => at < 20 && structure.startsWith('SS')),
    );
    // a first-stage entry stands where the second stage before it says
    for (let at = 3; at < 20; at += 5) expect(walk[at].verdict).toContain(`0x${walk[at + 1].table.toString(16)}`);
    expect(explanation.text).toMatch(/\n {2}SS-PTE .*\nFS-PTE .*\nSS-PML4E /);
  });

  test('pass-through ends at the PASID entry (§3.9)', () => {
    const explanation = new ScalableMachine().start().attach({ type: PASS_THROUGH }).explain();
    expect(explanation.result?.address).toBe(IOVA);
    expect(entries(explanation).at(-1)?.verdict).toBe('pass-through: the output is the input');
  });

  test('a translated request ends at the context entry, or in the host permission table (§4.2.4, §4.2.5)', () => {
    const machine = new ScalableMachine().start().attach();
    const request = { translated: true, iova: PAGE };
    expect(entries(machine.explain(request)).map(({ structure }) => structure)).toEqual(WAY.slice(0, 2));
    machine.permit(1n);
    const explanation = machine.explain(request);
    const steps = entries(explanation);
    const tables = ['HPTL4E', 'HPTL3E', 'HPTL2E', 'HPTL1E'];
    expect(steps.map(({ structure }) => structure)).toEqual([...WAY, ...tables]);
    expect(steps.at(-1)?.verdict).toBe('PP24 grants r');
    expect(explanation.result).toMatchObject({ address: PAGE, rights: 'r' });
    // the address is looked at before the table
    const names = explanation.steps.map((step) => (step.kind === 'check' ? step.name : step.structure));
    expect(names.slice(-5)).toEqual(['address width', ...tables]);
  });

  test('tell what is left of the rights, by the privilege of the request (§3.6.1)', () => {
    const machine = new ScalableMachine().start().attach({ type: FIRST, entry: [0n, 0n, 1n] });
    machine.clearBits(machine.first[3], 4n).clearBits(machine.first[2], 2n);
    const left = (request: object) =>
      entries(machine.explain({ pasid: PASID, ...request })).map(({ rights }) => rights);
    const none = [undefined, undefined, undefined, undefined];
    expect(left({})).toEqual([...none, 'rw', '', '', '']);
    expect(left({ privileged: true })).toEqual([...none, 'rw', 'rw', 'rw', 'rw']);
    machine.changeEntry(2, (word) => word | 0x10n);
    expect(left({ privileged: true })).toEqual([...none, 'rw', 'rw', 'r', 'r']);
    expect(machine.explain({ pasid: PASID, privileged: true }).result?.rights).toBe('r');
  });

  test('tell the flags that the request sets, and set none (§3.6.2, §3.7.2)', () => {
    const machine = new ScalableMachine().start().attach({ type: FIRST, entry: [0n, 0n, 0x80n] });
    machine.clearBits(machine.first[1], FIRST_BITS & 0x60n);
    const sets = (request: object) => entries(machine.explain(request)).map((step) => step.sets.join(' '));
    const none = ['', '', '', ''];
    expect(sets({})).toEqual([...none, 'EA', 'EA', 'EA', 'A EA']);
    expect(sets({ access: 'write' })).toEqual([...none, 'EA', 'EA', 'EA', 'A EA D']);
    expect(machine.explain({ access: 'write' }).text).toMatch(/FS-PTE .* sets A, EA, D\n/);
    const before = machine.word(machine.first[1]);
    machine.unit.region(DEVICE).translate(IOVA, 'write');
    expect(machine.word(machine.first[1]) ^ before).toBe(0x460n);
    expect(sets({ access: 'write' })).toEqual([...none, '', '', '', '']);
  });
});

describe('the text in scalable mode', () => {
  test('names the bus and the function, and leaves out what is 0 in long entries', () => {
    const machine = new ScalableMachine().start().attach();
    expect(`\n${machine.explain({ pasid: PASID, access: 'write' }).text}`).toBe(`
01:12.3 writes 0x12345678abc, with PASID 0x45
remapping               GSTS.TES=1: on (§11.4.4)
root table              TTM=1: scalable mode, table at 0x10000 (§11.4.5)
root entry half         bus 0x1 at 0x10018:     0x11001           P=1 CTP=0x11000
scalable context entry  devfn 0x93 at 0x11260:  0x1200d 0x1       P=1 DTE=1 PASIDE=1 PASIDDIRPTR=0x12000 RID_PASID=1
PASID directory entry   index 0x1 at 0x12008:   0x13001           P=1 FPD=0 SMPTBLPTR=0x13000
PASID entry             index 0x5 at 0x13140:   0x20089 0x800005  P=1 AW=2 PGTT=2 SSPTPTR=0x20000 DID=5 PWSNP=1
address width           48 bits, the smaller of 57 (CAP.MGAW) and 48 (AW) (§3.7)
SS-PML4E                index 0x2 at 0x20010:   0x21103           R=1 W=1 A=1 ADDR=0x21000
SS-PDPE                 index 0x8d at 0x21468:  0x22103           R=1 W=1 A=1 ADDR=0x22000
SS-PDE                  index 0x2b at 0x22158:  0x23103           R=1 W=1 A=1 ADDR=0x23000
SS-PTE                  index 0x78 at 0x233c0:  0x345678303       R=1 W=1 A=1 D=1 SNP=0 ADDR=0x345678000
=> 0x345678abc, in a page of 4 KiB that grants rw`);
  });

  test.each([
    [{ pasid: 5, privileged: true }, '01:12.3 reads 0x12345678abc, with PASID 0x5, privileged'],
    [{ pasid: 5, execute: true }, '01:12.3 reads 0x12345678abc, with PASID 0x5, to execute'],
  ])('begins with the request: %j', (request, line) => {
    expect(new ScalableMachine().explain(request).text.split('\n')[0]).toBe(line);
  });
});

test.each([{ privileged: true }, { execute: true }])('%j without PASID throws', (request) => {
  expect(() => new ScalableMachine().explain(request)).toThrow(
    new TypeError('only requests with PASID are privileged, or execute: give a pasid'),
  );
});
