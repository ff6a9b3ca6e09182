import { type ReferenceAnswer, type ReferenceUnit, referenceAnswer } from '../../reference/index.js';
import type { Probe } from '../probe.js';
import { RegisterTracker } from '../register-tracker.js';
import type { ScenarioOptions, Step } from '../scenario.js';
import { referenceUnit } from '../world-capabilities.js';
import { WorldRam } from '../world-ram.js';

/** A machine with the reference model in place of a unit: what software does to memory and registers takes effect on it. */
export class ReferenceMachine {
  readonly ram: WorldRam;
  readonly #memory: ReturnType<WorldRam['guestMemory']>;
  readonly #tracker: RegisterTracker;

  constructor({ ram, caps, haw }: ScenarioOptions) {
    this.ram = new WorldRam(ram);
    this.#memory = this.ram.guestMemory();
    this.#tracker = new RegisterTracker(referenceUnit(caps, haw), caps);
  }

  get reference(): ReferenceUnit {
    return this.#tracker.unit;
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.op === 'memwrite') this.#memory.write(Number(step.addr), Buffer.from(step.hex, 'hex'));
      else if (step.op === 'regwrite') this.#tracker.write(Number(step.off), step.size, BigInt(step.value));
      else if (step.op === 'reset') this.#tracker.reset();
    }
  }

  /** Answers a request, and sets in memory what it sets. */
  answer(probe: Probe): ReferenceAnswer {
    const answer = this.look(probe);
    for (const { address, new: word } of answer.updates) {
      this.#memory.write32(Number(address), Number(word & 0xffff_ffffn));
      this.#memory.write32(Number(address) + 4, Number(word >> 32n));
    }
    return answer;
  }

  /** Answers a request, and leaves memory as it is. */
  look({ dev, translated, ...request }: Probe): ReferenceAnswer {
    const at = translated ? 'translated' : 'untranslated';
    return referenceAnswer(this.reference, this.ram.read64, { ...request, sourceId: dev, at });
  }
}
