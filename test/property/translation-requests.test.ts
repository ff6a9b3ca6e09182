import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IommuMemoryRegion, TranslationEntry } from '../../src/index.js';
import { answers } from '../ats/answers.js';
import { referenceAnswer } from '../reference/index.js';
import { checkProperty } from '../support/check-property.js';
import { WorldMachine } from '../support/machine.js';
import { type Probe, probeText } from '../support/probe.js';
import { scalableProbes } from '../support/scalable/probes.js';
import { scalableSpec } from '../support/scalable/spec.js';
import { scalableSwitches, switchOnScalable } from '../support/scalable/switches.js';
import { buildScalableWorld, scalableOptions } from '../support/scalable/world.js';

const PAGES = 3;

function attributesOf({ pasid, privileged, execute }: Probe) {
  return pasid === undefined ? {} : { privileged: privileged === true, execute: execute === true };
}

/** What the reference model gives a request for all rights, or for those that are left (translation.md §10). */
function expected(machine: WorldMachine, probe: Probe): string {
  const { dev, translated: _, ...request } = probe;
  for (const access of ['atomic', 'read', 'write'] as const) {
    const asked = { ...request, access, sourceId: dev, at: 'untranslated' } as const;
    const { outcome } = referenceAnswer(machine.reference, machine.ram.read64, asked);
    if (outcome.kind === 'translated') return access === 'atomic' ? 'rw' : access === 'read' ? 'r' : 'w';
    if (outcome.kind !== 'fault') return 'nothing';
    const answer = answers.translation.get(outcome.condition);
    if (answer === 'UR' || answer === 'CA') return answer;
    if (answer !== 'SE') return 'nothing';
  }
  return 'nothing';
}

function rightsOf({ read, write }: TranslationEntry): string {
  return `${read ? 'r' : ''}${write ? 'w' : ''}` || 'nothing';
}

/** A page of a translation is at most what an untranslated request to it finds. */
function neverMore(region: IommuMemoryRegion, at: bigint, page: bigint, entry: TranslationEntry, probe: Probe): void {
  const { privileged = false } = attributesOf(probe);
  for (const access of ['read', 'write'] as const) {
    if (!entry[access]) continue;
    const answer = region.translate(at + page, access, { privileged });
    const host = entry.address + page;
    expect(answer.ok && answer.address, `${probeText(probe)}: ${access} at ${at + page}`).toBe(host);
  }
}

function judge(machine: WorldMachine, probe: Probe): void {
  const region = machine.unit.region(probe.dev, probe.pasid);
  const { unit, reference } = machine;
  const isSpecial = probe.pasid === undefined && probe.iova >> 20n === 0xfeen;
  const before = expected(machine, probe);
  const answer = region.translationRequest({ address: probe.iova, pages: PAGES, ...attributesOf(probe) });
  if (answer.status !== 'success') {
    const { condition } = answer.fault;
    const own = condition === 'SCT.5' || condition === 'SGN.8.2' || !reference.te;
    const short = answer.status === 'unsupported-request' ? 'UR' : 'CA';
    if (!own && !isSpecial) expect(short, `${probeText(probe)}: ${condition}`).toBe(before);
    return;
  }
  const [first] = answer.entries as [TranslationEntry];
  if (first.untranslatedOnly) {
    expect([isSpecial, first.read, first.write]).toEqual([true, false, true]);
    return;
  }
  if (!isSpecial) expect(rightsOf(first), probeText(probe)).toBe(before);
  for (const [index, entry] of answer.entries.entries()) {
    expect(entry.size).toBe(first.size);
    const size = BigInt(entry.size);
    const at = probe.iova - (probe.iova % size) + BigInt(index) * size;
    for (const page of new Set([0n, size / 2n - ((size / 2n) % 4096n), size - 4096n]))
      neverMore(region, at, page, entry, probe);
  }
  expect(unit.outstandingInvalidations).toEqual([]);
}

describe('translation requests get what the tables give, by the reference model, and never more than requests do', () => {
  for (const damaged of [false, true]) {
    test(damaged ? 'with damaged tables' : 'with the tables of a driver', () => {
      const cases = fc.record({ world: scalableSpec({ damaged }), switches: scalableSwitches });
      checkProperty(cases, 60, ({ world: spec, switches }, attempt) => {
        const world = buildScalableWorld(spec);
        switchOnScalable(world, switches);
        const machine = new WorldMachine('ats', scalableOptions(world, 'none'), attempt);
        machine.run(world.driver.take());
        for (const probe of scalableProbes(world)) if (!probe.translated) judge(machine, probe);
      });
    });
  }
});
