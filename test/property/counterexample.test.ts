import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runScenario } from '../../src/cli/scenario/transcript.js';
import { checkProperty } from '../support/check-property.js';
import { Guest } from '../support/guest.js';
import { invalidationStyle, styleFor } from '../support/invalidation-styles.js';
import { WorldMachine } from '../support/machine.js';
import { ACCESSES, ask, expectedAnswer, type Probe, unitAnswer } from '../support/probe.js';
import type { Scenario } from '../support/scenario.js';
import { buildWorld, scenarioOptions, worldSpec } from '../support/world.js';
import { editStep } from '../support/world-edits.js';
import { edges } from '../support/world-probes.js';

const cases = fc.record({
  world: worldSpec({ corrupted: true }),
  style: invalidationStyle,
  edits: fc.array(editStep, { maxLength: 3 }),
});

test('a property that fails tells of its smallest counterexample as a scenario of one line', () => {
  const words = fc.array(fc.nat(9), { size: 'max', maxLength: 20 });
  const fails = () =>
    checkProperty(words, 100, (values, attempt) => {
      const steps = values.map((value) => ({ op: 'memwrite', addr: '0x1000', hex: `0${value}` }) as const);
      const options = { preset: 'everything', caps: {}, haw: 52, cache: 'none', ram: [['0x0', '0x10000']] } as const;
      attempt.shows({ name: 'three', options, steps });
      if (values.includes(3)) throw new Error('there is a 3');
    });
  expect(fails).toThrow(
    /there is a 3\n(?:.*\n)*.*for `vtd run`:\n\{"name":"three",.*"steps":\[\{"op":"memwrite","addr":"0x1000","hex":"03"\}\]\}$/,
  );
});

test('the scenarios of the properties are scenarios of `vtd run`: a DMA there answers as it does here', () => {
  checkProperty(cases, 40, ({ world: spec, style, edits }, attempt) => {
    const world = buildWorld(spec);
    const guest = new Guest(world, styleFor(spec, style));
    const options = { ...scenarioOptions(world, 'hold'), pending: style.pending };
    const machine = new WorldMachine('both', options, attempt);
    const answers = new Map<number, string>();
    const places = edges(world);
    const probeAll = () => {
      world.devices.forEach(({ sourceId: dev }, which) => {
        for (let index = which; index < places.length; index += 5) {
          const probe: Probe = { dev, iova: places[index] & ~3n, access: ACCESSES[index % 4] };
          // an AtomicOp that is done changes memory, and looks are not to
          if (probe.access === 'atomic') continue;
          const outcome = ask(machine, probe);
          answers.set(machine.scenario.steps.length, unitAnswer(machine, probe, outcome));
          expect([...answers.values()].at(-1)).toBe(expectedAnswer(machine, probe, outcome));
        }
      });
    };
    machine.run(guest.take());
    probeAll();
    for (const { edit, ...how } of edits) {
      guest.invalidate(guest.apply(edit), how);
      machine.run(guest.take());
      probeAll();
    }
    const scenario: Scenario = JSON.parse(JSON.stringify(machine.scenario));
    const transcript = runScenario(scenario, {});
    if (!('results' in transcript)) throw new Error(JSON.stringify(transcript));
    for (const [step, answer] of answers) {
      const { rejected } = transcript.results[step] as { rejected: number };
      const goesToMemory =
        answer.startsWith('translated') && machine.ram.read8(BigInt(answer.split(', ')[1])) !== undefined;
      const isZeroLength = 'zlr' in scenario.steps[step];
      expect(rejected, JSON.stringify(scenario.steps[step])).toBe(
        goesToMemory || answer === 'discarded' || (isZeroLength && answer.startsWith('translated')) ? 0 : 1,
      );
    }
  });
});
