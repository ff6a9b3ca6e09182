import fc from 'fast-check';
import { type Scenario, scenarioText } from './scenario.js';

/** What a property has been doing when it failed: the commands so far are its counterexample. */
export class Attempt {
  #scenario: Scenario | undefined = undefined;

  /** Names the scenario to print if the property fails from here on; it may still grow. */
  shows(scenario: Scenario): void {
    this.#scenario = scenario;
  }

  get scenario(): Scenario | undefined {
    return this.#scenario;
  }
}

/** `PROPERTY_SEED=random` or a number chooses other cases than the usual ones; `PROPERTY_RUNS=10` ten times as many. */
const SEED = process.env.PROPERTY_SEED ?? '20251101';
const FACTOR = Number(process.env.PROPERTY_RUNS ?? 1);
/** A failure is not shrunk for longer than this. */
const MOST_MILLISECONDS = 40_000;

/**
 * Runs a property on random values. A failure is shrunk, and the error tells the scenario of the smallest
 * counterexample as one line of JSON, the format of `vtd run`.
 *
 * @param runs - how many values are tried
 * @param property - throws where it does not hold
 * @throws Error if it does not hold
 */
export function checkProperty<T>(
  arbitrary: fc.Arbitrary<T>,
  runs: number,
  property: (value: T, attempt: Attempt) => void,
): void {
  const seed = SEED === 'random' ? undefined : Number(SEED);
  const result = fc.check(
    fc.property(arbitrary, (value) => property(value, new Attempt())),
    {
      numRuns: Math.ceil(runs * FACTOR),
      interruptAfterTimeLimit: MOST_MILLISECONDS * FACTOR,
      ...(seed === undefined ? {} : { seed }),
    },
  );
  if (!result.failed) return;
  if (result.counterexample === null) throw new Error(fc.defaultReportMessage(result));
  throw new Error(failureText(result, property), { cause: result.errorInstance });
}

function failureText<T>(
  { counterexample, seed, numRuns, numShrinks, counterexamplePath }: fc.RunDetailsFailureProperty<[T]>,
  property: (value: T, attempt: Attempt) => void,
): string {
  const [value] = counterexample;
  const attempt = new Attempt();
  let reason = 'it fails only at times: something is not deterministic';
  try {
    property(value, attempt);
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  const { scenario } = attempt;
  return [
    reason,
    `found by value ${numRuns} of seed ${seed}, shrunk ${numShrinks} times (path ${counterexamplePath})`,
    scenario === undefined
      ? `counterexample: ${fc.stringify(value)}`
      : `the counterexample as a scenario file, for \`vtd run\`:\n${scenarioText(scenario)}`,
  ].join('\n');
}
