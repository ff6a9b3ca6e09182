import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GuestMemory, IntelIommu, SparseMemory } from '../../src/index.js';
import { checkProperty } from '../support/check-property.js';
import { ACCESSES } from '../support/probe.js';
import { eachDevice, replay } from '../support/replayed.js';
import { holesBetween } from '../support/runs.js';
import { hex } from '../support/scenario.js';
import { worldSpec } from '../support/world.js';
import { edges } from '../support/world-probes.js';
import { switches } from '../support/world-switches.js';

const cases = fc.record({ world: worldSpec({ corrupted: true }), switches });

const RUNS = 60;

describe('translate and replay agree', () => {
  test('on the first and the last byte of every page that replay announces', () => {
    checkProperty(cases, RUNS, (each, attempt) => {
      eachDevice(each, attempt, ({ region, stage }) => {
        for (const run of replay(region, { merged: false }).runs) {
          for (const offset of [0, run.length - 1]) {
            const iova = BigInt(run.iova) + BigInt(offset);
            for (const access of ACCESSES) {
              const answer = region.translate(iova, access);
              const wants = access === 'write' ? 2 : access === 'atomic' ? 3 : 1;
              const where = `${access} of ${hex(iova)}`;
              if (access !== 'zero-length-read') expect(answer.ok, where).toBe((run.rights & wants) === wants);
              if (!answer.ok) continue;
              expect(hex(answer.address), where).toBe(hex(BigInt(run.address) + BigInt(offset)));
              expect(answer.rights, where).toBe(['', 'r', 'w', 'rw'][run.rights]);
              if (stage !== undefined) expect(answer.pageSize, where).toBeGreaterThanOrEqual(run.length);
            }
          }
        }
      });
    });
  });

  test('on both edges and in the middle of every hole between them, and wherever something was meant to be mapped', () => {
    checkProperty(cases, RUNS, (each, attempt) => {
      eachDevice(each, attempt, ({ region, stage, machine, world }) => {
        const { runs } = replay(region);
        // where output is input, replay tells of memory, but a request may also go where there is none
        if (stage === undefined && (runs.length > 0 || !machine.reference.te)) return;
        const places = edges(world);
        for (const { first, end } of holesBetween(runs, 0, 2 ** 64)) {
          const middle = BigInt(first) + ((BigInt(end) - BigInt(first)) >> 13n) * 4096n;
          const inside = places.filter((place) => place >= BigInt(first) && place < BigInt(end));
          for (const iova of [BigInt(first), BigInt(end) - 1n, middle + 8n, ...inside]) {
            for (const access of ACCESSES) {
              if (region.translate(iova, access).ok) throw new Error(`${access} of ${hex(iova)} is translated`);
            }
          }
        }
      });
    });
  });

  test('on 0xFEEx_xxxx where memory stands: it is like any other until remapping of either kind is on (§3.15)', () => {
    const TE = 0x8000_0000;
    const IRE = 0x0200_0000;
    for (const [command, edges] of [
      [0, []],
      [IRE, [0xfee0_0000, 0xfef0_0000]],
      [TE, []],
    ] as const) {
      const memory = new GuestMemory().attachHandler(0xfe00_0000, 0x200_0000, new SparseMemory());
      const unit = new IntelIommu({ memory, preset: 'everything' });
      unit.write32(0x18, command);
      const region = unit.region(0x0010);
      const { runs } = replay(region);
      const inside = command === TE ? [] : [0xfe00_0000, ...edges, 0x1_0000_0000];
      expect(runs.flatMap((run) => [run.iova, run.iova + run.length])).toEqual(inside);
      for (const iova of [0xfe00_0000, 0xfedf_ffff, 0xfee0_0000, 0xfeef_ffff, 0xfef0_0000]) {
        const told = runs.some((run) => iova >= run.iova && iova < run.iova + run.length);
        expect(region.translate(iova, 'read').ok, hex(iova)).toBe(told);
      }
    }
  });
});
