import { expect } from 'vitest';
import { CONDITIONS, type ExplainRequest, type ExplainStep, type Explanation } from '../../src/index.js';

/** How a condition is met, and what the explanation has to name: the step that fails, and what it says of it. */
export interface ConditionCase<Machine> {
  readonly condition: string;
  readonly given: string;
  readonly arrange: () => Machine;
  readonly request?: Partial<ExplainRequest>;
  readonly step: string;
  readonly verdict: string | RegExp;
}

const nameOf = (step: ExplainStep) => (step.kind === 'check' ? step.name : step.structure);

/** What holds of the explanation of a request that meets a condition. */
export function expectExplained(
  { ok, result, fault, steps, text }: Explanation,
  { condition, step, verdict }: Pick<ConditionCase<unknown>, 'condition' | 'step' | 'verdict'>,
): void {
  const row = CONDITIONS.find(({ name }) => name === condition)!;
  expect(fault).toMatchObject({ condition, reason: row.code, section: row.section, remedy: row.remedy });
  expect(ok).toBe(false);
  expect(result).toBeUndefined();
  const failed = steps.filter(({ passed }) => !passed);
  const told = typeof verdict === 'string' ? verdict : expect.stringMatching(verdict);
  expect(failed.map((each) => [nameOf(each), each.verdict])).toEqual([[step, told]]);
  expect(failed[0].section).toMatch(/^§\d/);
  // the text says all of it
  expect(text).toContain(`^ ${failed[0].verdict} (${failed[0].section})`);
  expect(text).toContain(`${row.about} (${row.section})`);
  expect(text.match(/change: (.*)/)?.[1] ?? '').toBe(row.remedy);
  if (row.code !== undefined) expect(text).toContain(`0x${row.code.toString(16).padStart(2, '0')}`);
}
