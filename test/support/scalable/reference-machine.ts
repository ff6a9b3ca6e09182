import { type ReferenceAnswer, type ReferenceUnit, referenceAnswer } from '../../reference/index.js';
import type { Attempt } from '../check-property.js';
import { type Probe, probeStep } from '../probe.js';
import { RegisterTracker } from '../register-tracker.js';
import type { Scenario, ScenarioOptions, Step } from '../scenario.js';
import { referenceUnit } from '../world-capabilities.js';
import { WorldRam } from '../world-ram.js';

/** A machine with the reference model in place of a unit: what software does to memory and registers takes effect on it. */
export class ReferenceMachine {
  readonly ram: WorldRam;
  /** All that was done so far; to be printed when a property fails. */
  readonly scenario: Scenario;
  readonly #memory: ReturnType<WorldRam['guestMemory']>;
  readonly #tracker: RegisterTracker;

  constructor(name: string, options: ScenarioOptions, attempt: Attempt) {
    const { ram, caps, haw } = options;
    this.scenario = { name, options, steps: [] };
    attempt.shows(this.scenario);
    this.ram = new WorldRam(ram);
    this.#memory = this.ram.guestMemory();
    this.#tracker = new RegisterTracker(referenceUnit(caps, haw), caps);
  }

  get reference(): ReferenceUnit {
    return this.#tracker.unit;
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      this.scenario.steps.push(step);
      if (step.op === 'memwrite') this.#memory.write(Number(step.addr), Buffer.from(step.hex, 'hex'));
      else if (step.op === 'regwrite') this.#tracker.write(Number(step.off), step.size, BigInt(step.value));
      else if (step.op === 'reset') this.#tracker.reset();
    }
  }

  /** Answers a request, and sets in memory what it sets. */
  answer(probe: Probe): ReferenceAnswer {
    const answer = this.look(probe);
    this.tell(probe, answer);
    for (const { address, new: word } of answer.updates) {
      this.#memory.write32(Number(address), Number(word & 0xffff_ffffn));
      this.#memory.write32(Number(address) + 4, Number(word >> 32n));
    }
    return answer;
  }

  /** Puts a request into the scenario. */
  tell(probe: Probe, { outcome }: ReferenceAnswer): void {
    this.scenario.steps.push(probeStep(this, probe, outcome));
  }

  /** Answers a request, and leaves memory as it is. */
  look({ dev, translated, ...request }: Probe): ReferenceAnswer {
    const at = translated ? 'translated' : 'untranslated';
    return referenceAnswer(this.reference, this.ram.read64, { ...request, sourceId: dev, at });
  }
}
