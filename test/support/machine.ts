import { type FaultEvent, type GuestMemory, IntelIommu, type IntelIommuOptions } from '../../src/index.js';
import type { ReferenceUnit } from '../reference/index.js';
import type { Attempt } from './check-property.js';
import { RegisterTracker } from './register-tracker.js';
import type { Scenario, ScenarioOptions, Step } from './scenario.js';
import { referenceUnit } from './world-capabilities.js';
import { WorldRam } from './world-ram.js';

/** Entries that one replay looks at, at most: far more than the tables of a random world have. */
const REPLAY_LIMIT = 2 ** 18;

/** A unit with its memory, the commands that it was given, and what the reference model has to know of it. */
export class WorldMachine {
  readonly unit: IntelIommu;
  readonly memory: GuestMemory;
  readonly ram: WorldRam;
  /** All that was done so far; to be printed when a property fails. */
  readonly scenario: Scenario;
  /** The last fault, until somebody forgets it. */
  fault: FaultEvent | undefined = undefined;
  readonly #tracker: RegisterTracker;

  /** @param more - what a unit can be given and a scenario cannot say; the name should tell of it */
  constructor(name: string, options: ScenarioOptions, attempt: Attempt, more: Partial<IntelIommuOptions> = {}) {
    this.scenario = { name, options, steps: [] };
    attempt.shows(this.scenario);
    this.ram = new WorldRam(options.ram);
    this.memory = this.ram.guestMemory();
    this.unit = new IntelIommu({
      memory: this.memory,
      preset: options.preset,
      capabilities: options.caps,
      hostAddressWidth: options.haw,
      caches: options.cache,
      pending: options.pending,
      replayLimit: REPLAY_LIMIT,
      ...more,
    });
    this.#tracker = new RegisterTracker(referenceUnit(options.caps, options.haw), options.caps);
    this.unit.on('fault', (fault) => {
      this.fault = fault;
    });
  }

  /** What the registers put in force, by the writes of software. */
  get reference(): ReferenceUnit {
    return this.#tracker.unit;
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) this.do(step);
  }

  /** Does what software and the platform do; DMA is done by those who look at it, and told with {@link tell}. */
  do(step: Step): void {
    this.tell(step);
    switch (step.op) {
      case 'memwrite':
        this.memory.write(Number(step.addr), Buffer.from(step.hex, 'hex'));
        break;
      case 'regwrite':
        this.#writeRegister(Number(step.off), step.size, BigInt(step.value));
        break;
      case 'reset':
        this.unit.reset({ warm: step.warm });
        this.#tracker.reset();
        break;
      case 'step':
        this.unit.step();
        break;
      default:
        throw new TypeError(`a property performs ${step.op} itself`);
    }
  }

  tell(step: Step): void {
    this.scenario.steps.push(step);
  }

  #writeRegister(offset: number, size: number, value: bigint): void {
    const { registers } = this.unit;
    if (size === 8) registers.write64(offset, value);
    else if (size === 4) registers.write32(offset, Number(value));
    else if (size === 2) registers.write16(offset, Number(value));
    else registers.write8(offset, Number(value));
    this.#tracker.write(offset, size, value);
  }
}
