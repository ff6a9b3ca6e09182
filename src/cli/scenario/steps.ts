import { ATS_STEPS } from './ats-steps.js';
import { DEVICE_STEPS } from './device-steps.js';
import { type Fields, isFields, ScenarioError, shown } from './fields.js';
import type { Machine } from './machine.js';
import { MEMORY_STEPS } from './memory-steps.js';
import { REGISTER_STEPS } from './register-steps.js';

/** What a step answers, without its events. */
export type StepResult = Readonly<Record<string, unknown>>;

/** Performs one kind of step. */
export type StepTable = Readonly<Record<string, (machine: Machine, step: Fields) => StepResult>>;

const STEPS: StepTable = {
  ...MEMORY_STEPS,
  ...REGISTER_STEPS,
  ...DEVICE_STEPS,
  ...ATS_STEPS,
};

/**
 * Performs a step and tells what happened meanwhile.
 *
 * @throws ScenarioError if the step is malformed
 */
export function runStep(machine: Machine, step: unknown): StepResult {
  if (!isFields(step)) throw new ScenarioError(`the step is ${shown(step)}: give an object`);
  const { op } = step;
  if (typeof op !== 'string' || !Object.hasOwn(STEPS, op))
    throw new ScenarioError(`op is ${shown(op)}: no step is called that`);
  const result = (STEPS[op] as StepTable[string])(machine, step);
  const ev = machine.takeEvents();
  return ev.length > 0 ? { ...result, ev } : result;
}
