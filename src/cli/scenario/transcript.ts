import { isFields, ScenarioError, shown } from './fields.js';
import { Machine } from './machine.js';
import { type RunDefaults, unitOptions } from './options.js';
import { runStep, type StepResult } from './steps.js';

/** What a scenario gave: a result for each step, or why it could not be run. */
export type Transcript =
  | { readonly name: unknown; readonly model: 'intel-iommu'; readonly results: readonly StepResult[] }
  | { readonly name: unknown; readonly error: 'options' | 'scenario' | 'crash'; readonly message: string };

/**
 * Runs one scenario on a machine of its own.
 *
 * @param record - the scenario as JSON holds it, or an object that has it as its member `scenario`
 */
export function runScenario(record: unknown, defaults: RunDefaults = {}): Transcript {
  const scenario = isFields(record) && Object.hasOwn(record, 'scenario') ? record.scenario : record;
  if (!isFields(scenario)) {
    return { name: null, error: 'scenario', message: `the scenario is ${shown(scenario)}: give an object` };
  }
  const name = scenario.name ?? null;
  const { steps } = scenario;
  if (!Array.isArray(steps)) return { name, error: 'scenario', message: `steps is ${shown(steps)}: give a list` };
  let machine: Machine;
  try {
    machine = new Machine(unitOptions(scenario.options, defaults));
  } catch (error) {
    return { name, error: 'options', message: messageOf(error) };
  }
  const results: StepResult[] = [];
  for (const step of steps) {
    try {
      results.push(runStep(machine, step));
    } catch (error) {
      const kind = error instanceof ScenarioError ? 'scenario' : 'crash';
      return { name, error: kind, message: `step ${results.length}: ${messageOf(error)}` };
    }
  }
  return { name, model: 'intel-iommu', results };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
