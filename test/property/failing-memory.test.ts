import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../support/check-property.js';
import { WorldMachine } from '../support/machine.js';
import { judge } from '../support/probe.js';
import { expectedRuns } from '../support/replayed.js';
import { joinRuns, type Run, runText } from '../support/runs.js';
import { hex } from '../support/scenario.js';
import { buildWorld, scenarioOptions, worldSpec } from '../support/world.js';
import { probesOf } from '../support/world-probes.js';
import { switchOn } from '../support/world-switches.js';

/** Words of the tables that the memory does not answer for: which entry, and which half of it. */
const cases = fc.record({
  world: worldSpec({ corrupted: false }).map((spec) => ({ ...spec, layout: 'handler' as const })),
  broken: fc.array(fc.record({ pick: fc.nat(500), high: fc.boolean() }), { minLength: 1, maxLength: 5 }),
});

test('an entry of which one half cannot be read is unreadable for translate and for replay alike (§7.1.3: LRT.1, LCT.1, LCT.4.3, LSS.1)', () => {
  checkProperty(cases, 80, ({ world: spec, broken }, attempt) => {
    const world = buildWorld(spec);
    const { entries } = world.driver.image;
    const words = broken.map(({ pick, high }) => entries[pick % entries.length] + (high ? 4 : 0));
    switchOn(world, {
      translation: true,
      mode: 0,
      rooted: true,
      interruptRemapping: false,
      low: undefined,
      high: undefined,
    });
    const name = `the words at ${words.map(hex)} cannot be read`;
    const machine = new WorldMachine(name, scenarioOptions(world, 'none'), attempt);
    machine.run(world.driver.take());
    const { ram, unit } = machine;
    for (const word of words) ram.breakWord(word);
    for (const probe of probesOf(world)) judge(machine, probe);
    for (const { sourceId } of world.devices) {
      machine.tell({ op: 'maps', dev: sourceId });
      const runs: Run[] = [];
      unit.region(sourceId).replay((iova, length, address, rights) => runs.push({ iova, length, address, rights }));
      const expected = expectedRuns(machine, sourceId);
      expect(joinRuns(runs).map(runText), `replay of ${hex(sourceId)}: ${name}`).toEqual(expected.map(runText));
    }
  });
});
