import { describe, expect, test } from 'vitest';
import { capturesPresent, type DmaProbe, loadCapture } from './captures.js';
import { referenceMaps, referenceTranslate } from './index.js';
import type { ReferenceOutcome, ReferenceRun } from './types.js';

if (!capturesPresent) {
  console.warn('SKIPPED: the reference model against captured guests; ../shared/captures is not there');
}

/** QEMU reports root, context and second-stage trouble of scalable mode by legacy codes; these are the architecture's. */
const SCALABLE_CONDITIONS: Readonly<Record<number, readonly string[]>> = {
  2: ['SRT.2', 'SCT.2'],
  4: ['SGN.5'],
  5: ['SGN.6', 'SSS.2'],
  6: ['SGN.7', 'SSS.2'],
};

function agrees(probe: DmaProbe, answer: ReferenceOutcome, haw: number): boolean {
  if (probe[3] === 'ok') {
    if (answer.kind !== 'translated') return false;
    return answer.address === BigInt(probe[4]) && answer.pageSize - 1n === BigInt(probe[5]);
  }
  if (probe[3] === 'fault') {
    if (answer.kind !== 'fault' || answer.logged !== (probe[5] !== undefined)) return false;
    const scalable = /^S/.test(answer.condition) ? SCALABLE_CONDITIONS[probe[4]] : undefined;
    return scalable?.includes(answer.condition) ?? answer.code === probe[4];
  }
  // QEMU passes every address through; the architecture faults one of 2^HAW or more (§7.1.3, LGN.1.3).
  const address = BigInt(probe[1]);
  if (address >> BigInt(haw) !== 0n) return answer.kind === 'fault' && answer.condition === 'LGN.1.3';
  return answer.kind === 'translated' && answer.address === address && answer.read && answer.write;
}

describe
  .skipIf(!capturesPresent)
  .each([
    'legacy39',
    'legacy39-vfio',
    'legacy39-swidentity',
    'legacy48-vfio',
    'legacy48-pt',
    'legacy48-suspend',
    'ats-legacy',
    'eim-x2apic-multibus',
    'scalable-ss-vfio',
    'scalable-fs-vfio',
  ])('captured guest %s', (name) => {
  test('each DMA probe has the answer that QEMU gave', () => {
    const { unit: captured, memory, dma } = loadCapture(name);
    // QEMU has no snooped walks, and sets first-stage flags all the same
    const unit = { ...captured, coherent: true };
    const disagreements: unknown[] = [];
    for (const probe of dma) {
      const [sid, input, letter] = probe;
      const access = letter === 'w' ? 'write' : 'read';
      const answer = referenceTranslate(unit, memory, { sourceId: sid, iova: BigInt(input), access, bytes: 4 });
      if (!agrees(probe, answer, unit.haw)) disagreements.push({ probe, answer });
    }
    expect(dma.length).toBeGreaterThan(0);
    expect(disagreements).toEqual([]);
  });

  test('the tables hold the mappings that were decoded from them', { timeout: 120_000 }, () => {
    const { unit: captured, memory, contexts, mappings } = loadCapture(name);
    const unit = { ...captured, coherent: true };
    const ram: [bigint, bigint][] = [[0n, 0x1fffffffn]];
    for (const { sid, tt } of contexts) {
      const expected: ReferenceRun[] = [];
      // The list has a row per page size; here neighbours of different sizes are one run.
      for (const { sid: owner, ...next } of mappings) {
        if (owner !== sid) continue;
        const before = expected[expected.length - 1];
        const follows =
          before !== undefined &&
          before.iova + before.length === next.iova &&
          before.address + before.length === next.address &&
          before.read === next.read &&
          before.write === next.write;
        if (follows) before.length += next.length;
        else expected.push(next);
      }
      const identity = { iova: 0n, length: 0x20000000n, address: 0n, read: true, write: true };
      expect(referenceMaps(unit, memory, sid, ram)).toEqual(tt === 2 ? [identity] : expected);
    }
  });
});
