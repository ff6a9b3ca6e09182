import fc from 'fast-check';
import { test } from 'vitest';
import { checkProperty } from '../support/check-property.js';
import { Guest } from '../support/guest.js';
import { invalidationStyle, styleFor } from '../support/invalidation-styles.js';
import { WorldMachine } from '../support/machine.js';
import { ACCESSES, ask, expectedAnswer, type Probe, probeText, unitAnswer } from '../support/probe.js';
import type { Change } from '../support/required-invalidation.js';
import type { CacheName } from '../support/scenario.js';
import { buildWorld, scenarioOptions, supportedWorld, type World, worldSpec } from '../support/world.js';
import { editStep } from '../support/world-edits.js';
import { edges } from '../support/world-probes.js';

const IN_MEMORY = ['entry', 'map', 'attach', 'detach', 'root'];

const probeSpec = fc.record({ device: fc.nat(3), place: fc.nat(200), access: fc.nat(3) });

const cases = fc.record({
  world: worldSpec({ corrupted: false }).map(supportedWorld),
  style: invalidationStyle,
  cache: fc.constantFrom<CacheName[]>('hold', 'default'),
  edits: fc.array(
    editStep.filter(({ edit }) => IN_MEMORY.includes(edit.kind)),
    { minLength: 1, maxLength: 5 },
  ),
  probes: fc.array(probeSpec, { minLength: 1, maxLength: 25, size: 'max' }),
});

function probesAt(
  world: World,
  change: Change,
  specs: readonly { device: number; place: number; access: number }[],
): Probe[] {
  const all = edges(world);
  const { first, bytes } = change.scope === 'pages' ? change : { first: 0n, bytes: 4096n };
  const places = [first, first + bytes - 1n, first + bytes / 2n, ...all];
  return specs.map(({ device, place, access }, index) => ({
    dev: world.devices[device % world.devices.length].sourceId,
    iova: places[place % (index % 2 === 0 ? 3 : places.length)],
    access: ACCESSES[access],
  }));
}

/** FPD comes from the context entry, which may be an old one when the translation is new, or the other way round. */
function withoutRecord(answer: string): string {
  return answer.startsWith('refused') ? answer.split(', ').slice(0, 2).join(', ') : answer;
}

test('until a change is invalidated, each answer is that of the old tables or that of the new ones; then of the new ones (§6.1)', () => {
  checkProperty(cases, 80, ({ world: spec, style, cache, edits, probes: specs }, attempt) => {
    const world = buildWorld(spec);
    const guest = new Guest(world, styleFor(spec, style));
    const options = { ...scenarioOptions(world, cache), pending: style.pending };
    const machine = new WorldMachine('stale entries', options, attempt);
    machine.run(guest.take());
    const answerAll = (probes: readonly Probe[]) =>
      probes.map((probe) => unitAnswer(machine, probe, ask(machine, probe)));
    const expectAll = (probes: readonly Probe[]) =>
      probes.map((probe) => expectedAnswer(machine, probe, ask(machine, probe)));
    for (const { edit, ...how } of edits) {
      const change = guest.apply(edit);
      const probes = probesAt(world, change, specs);
      answerAll(probes);
      const old = expectAll(probes);
      machine.run(guest.take());
      const fresh = expectAll(probes);
      answerAll(probes).forEach((found, index) => {
        if ([old[index], fresh[index]].map(withoutRecord).includes(withoutRecord(found))) return;
        throw new Error(
          `${probeText(probes[index])}\n  unit: ${found}\n  old:  ${old[index]}\n  new:  ${fresh[index]}`,
        );
      });
      guest.invalidate(change, how);
      machine.run(guest.take());
      answerAll(probes).forEach((found, index) => {
        if (found !== fresh[index])
          throw new Error(`${probeText(probes[index])}\n  unit: ${found}\n  new:  ${fresh[index]}`);
      });
    }
  });
});
