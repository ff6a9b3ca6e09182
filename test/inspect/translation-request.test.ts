import { describe, expect, test } from 'vitest';
import {
  CONDITIONS,
  type ExplainRequest,
  type FaultEvent,
  GuestMemory,
  IntelIommu,
  type IommuMemoryRegion,
} from '../../src/index.js';
import { answers } from '../ats/answers.js';
import { scalableRows } from '../reference/rows/index.js';
import { hostAddressWidth, requestOf, scalableCapabilities, tablesOf } from '../reference/rows/row.js';
import { iova, page, pasid, pgtt, ScalableTables, sourceId, wordOf } from '../reference/scalable-tables.js';
import { TablesMemory } from '../support/tables-memory.js';
import { DEVICES, startedUnit } from '../unit/unit.js';
import { Machine } from './machine.js';

const { firstStage, secondStage, nested, passThrough } = pgtt;

/** A unit in scalable mode over tables made by hand. */
function started(tables: ScalableTables, capabilities = {}, rtaddr = 1n << 10n, haw = hostAddressWidth): IntelIommu {
  const unit = new IntelIommu({
    memory: new GuestMemory().attachHandler(0, 0x20_0000, new TablesMemory(tables)),
    preset: 'everything',
    capabilities: { ...scalableCapabilities, ...capabilities },
    hostAddressWidth: haw,
    caches: 'none',
  });
  unit.write64(0x20, 0x1000n | rtaddr);
  unit.write32(0x18, 0x4000_0000);
  unit.write32(0x18, 0x8000_0000);
  return unit;
}

type Asked = Omit<ExplainRequest, 'kind'>;

/** Explains a translation request, then makes it: the answers have to be the same, and so what becomes of the fault. */
function explained(unit: IntelIommu, { sourceId: by, pasid: carried, iova: address, ...wish }: Asked) {
  const faults: FaultEvent[] = [];
  unit.on('fault', (fault) => faults.push(fault));
  const { registers } = unit;
  const before = [registers.read32(0x34), unit.statistics];
  const explanation = unit.explain({ sourceId: by, pasid: carried, iova: address, ...wish, kind: 'translation' });
  expect([registers.read32(0x34), unit.statistics]).toEqual(before);
  expect(faults).toEqual([]);

  const region: IommuMemoryRegion = unit.region(by, carried);
  expect(explanation.completion).toEqual(region.translationRequest({ address, ...wish }));
  const { ok, fault, result, steps } = explanation;
  expect(result).toBeUndefined();
  expect(fault === undefined).toBe(ok);
  expect(faults.map(({ condition, outcome }) => [condition, outcome])).toEqual(
    // a refusal is told of also where the architecture has no code for it
    fault === undefined || (fault.record === 'unrecorded' && explanation.completion?.status === 'success')
      ? []
      : [[fault.condition, fault.record]],
  );
  expect(steps.some(({ passed }) => !passed)).toBe(!ok);
  return explanation;
}

const lastLines = (text: string) => text.slice(text.indexOf('=> ')).split('\n');

describe('an explanation ends as the translation request is answered, and changes nothing (§7.1.3, column T)', () => {
  // what concerns translated requests alone, zero-length reads, and interrupts, no translation request can meet
  const rows = scalableRows.filter(
    ({ request, condition }) => !request?.translated && request?.access !== 'zero-length-read' && condition !== '0x29',
  );
  test.each(rows.map((row) => [row.condition, row.about, row] as const))('%s: %s', (condition, _about, row) => {
    const request = requestOf(row);
    const { privileged, execute } = request;
    const attributes = request.pasid === undefined ? {} : { privileged, execute };
    const asked = { sourceId: request.sourceId, pasid: request.pasid, iova: request.iova, ...attributes };
    const { ok, fault, text } = explained(started(tablesOf(row), row.caps, row.rtaddr, row.haw), asked);
    // one right may be left, or the condition is met by translation requests otherwise
    if (ok) expect(['SE', undefined]).toContain(answers.translation.get(condition));
    else expect(text).toContain(CONDITIONS.find(({ name }) => name === fault?.condition)?.about);
  });

  test('and for the requester whose context entry lets it have no device-TLB: the way ends there', () => {
    const unit = started(new ScalableTables(firstStage).clear(wordOf.context, 4n));
    const { fault, steps } = explained(unit, { sourceId, pasid, iova });
    expect(fault).toMatchObject({ condition: 'SCT.5', record: 'recorded' });
    expect(steps.at(-1)).toMatchObject({ structure: 'scalable context entry', passed: false });
  });
});

describe('what a device gets, in the last lines', () => {
  test.each([firstStage, secondStage, nested])('R and W of a page, through PGTT %i', (type) => {
    const { text } = explained(started(new ScalableTables(type)), { sourceId, pasid, iova });
    expect(text.split('\n')[0]).toMatch(/ asks for a translation of 0x\w+, with PASID 0x\w+$/);
    expect(lastLines(text)).toEqual(['=> success, R=1 W=1 U=0 N=0 PRIV=0: 4 KiB at 0x987654000']);
  });

  test('R alone where W is not granted, or not wanted by NW=1; each entry of the way is told once', () => {
    const readOnly = started(new ScalableTables(firstStage).clear(wordOf.firstStage(1), 2n));
    const { text, steps } = explained(readOnly, { sourceId, pasid, iova });
    expect(lastLines(text)).toEqual(['=> success, R=1 W=0 U=0 N=0 PRIV=0: 4 KiB at 0x987654000']);
    expect(steps.flatMap((step) => (step.kind === 'entry' && step.level > 0 ? [step.level] : []))).toEqual([
      4, 3, 2, 1,
    ]);
    const unit = started(new ScalableTables(firstStage), { 'ECAP.NWFS': 1 });
    const answer = explained(unit, { sourceId, pasid, iova, noWrite: true });
    expect(answer.text).toContain('not to write (NW=1)\n');
    expect(answer.completion).toMatchObject({ entries: [{ read: true, write: false }] });
  });

  test('the largest page of pass-through', () => {
    const { text } = explained(started(new ScalableTables(passThrough)), { sourceId, pasid, iova: 0x1_2345_6789n });
    expect(lastLines(text)).toEqual(['=> success, R=1 W=1 U=0 N=0 PRIV=0: 1 GiB at 0x100000000']);
  });

  test('the interrupt range without PASID: untranslated writes alone (§7.1.3, S.1 and S.2)', () => {
    const asked = { sourceId, iova: 0xfee0_1234n };
    const unit = started(new ScalableTables(firstStage), { 'ECAP.NWFS': 1 });
    const { text, steps } = explained(unit, asked);
    expect(steps.at(-1)).toMatchObject({ name: 'interrupt range', passed: true });
    expect(lastLines(text)).toEqual(['=> success, R=0 W=1 U=1 N=0 PRIV=0']);
    expect(lastLines(explained(unit, { ...asked, noWrite: true }).text)).toEqual([
      '=> success, R=0 W=0 U=0 N=0 PRIV=0',
    ]);
  });

  test('a page that overlaps the interrupt range (SGN.8.2)', () => {
    const tables = new ScalableTables(firstStage).set(wordOf.firstStage(3), 0xc000_0000n | 0x87n);
    const { fault, text } = explained(started(tables), { sourceId, pasid, iova });
    expect(fault?.condition).toBe('SGN.8.2');
    expect(lastLines(text)[0]).toMatch(/^=> completer abort, fault SGN\.8\.2 \(0x87\): /);
  });

  test('success without rights names the condition, which is not recorded', () => {
    const tables = new ScalableTables(secondStage).set(wordOf.secondStage(1), page);
    const { fault, text } = explained(started(tables), { sourceId, pasid, iova });
    expect(fault).toMatchObject({ condition: 'SSS.2', record: 'unrecorded' });
    expect(lastLines(text)).toEqual([
      expect.stringMatching(/^=> success without rights, SSS\.2 \(0x79\): /),
      expect.stringMatching(/^ {3}change: /),
      '   record: none, success without rights is no fault (§7.1.3)',
    ]);
  });
});

describe('legacy mode', () => {
  test('a mapped page, one that is not, and a device that may not (LCT.5)', () => {
    const { unit, tables, top } = startedUnit({ caches: 'none' });
    const asked = { sourceId: DEVICES[0], iova: 0x1abc };
    tables.context(DEVICES[0], { table: top, levels: 3, domainId: 3, type: 1 });
    expect(lastLines(explained(unit, asked).text)).toEqual(['=> success, R=1 W=1 U=0 N=0 PRIV=0: 4 KiB at 0x200000']);
    expect(explained(unit, { ...asked, iova: 0x5000 }).fault?.condition).toBe('LGN.2');
    tables.context(DEVICES[0], { table: top, levels: 3, domainId: 3, faultsDisabled: true });
    expect(explained(unit, asked).fault).toMatchObject({ condition: 'LCT.5', record: 'disabled' });
  });

  test('while remapping is off it is an unsupported request, without a code (§4.2.1)', () => {
    const { unit } = new Machine();
    const { text } = explained(unit, { sourceId: 3, iova: 0 });
    expect(lastLines(text)[0]).toMatch(/^=> unsupported request: /);
    expect(text).toContain('record: none, the architecture has no code for it');
  });
});

test.each([
  [{ kind: 'translation', access: 'read' }, 'leave access and translated out'],
  [{ kind: 'translation', translated: true }, 'leave access and translated out'],
  [{ noWrite: true }, "give kind: 'translation'"],
  [{ kind: 'page' as 'translation' }, 'kind page: it must be translation, or left out'],
] as const)('what a kind of request does not have throws: %j', (request, message) => {
  const explain = () => new Machine().explain(request);
  expect(explain).toThrow(TypeError);
  expect(explain).toThrow(message);
});
