import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { runScenario } from '../../src/cli/scenario/transcript.js';

/** Versions of QEMU that transcripts are from; the model has the capabilities of the same. */
export const VERSIONS = { '7.2': '7.2.22', '11.1': '11.1.3' } as const;
export type Version = keyof typeof VERSIONS;

export type Result = Readonly<Record<string, unknown>>;
export type Step = Readonly<Record<string, string | number>> & { readonly op: string };

export interface Scenario {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

/** What QEMU answered. */
export type Answer = { readonly results: readonly Result[] } | { readonly error: string };

/** A recorded scenario with QEMU's answers by its full version. */
export interface Recording {
  readonly scenario: Scenario;
  readonly qemu: Readonly<Record<string, Answer>>;
}

/**
 * Scenarios with what QEMU answered when they were run on it over its qtest protocol. The files are input for `vtd run` as they are.
 */
export function recordings(set: 'hand' | 'random'): Recording[] {
  const file = readFileSync(new URL(`data/${set}.ndjson.gz`, import.meta.url));
  return gunzipSync(file)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/**
 * What the model answers, with the capabilities of a version of QEMU; as JSON has it. QEMU sets accessed and dirty flags
 * without a capability to snoop walks, so they count as snooped.
 */
export function modelAnswer(scenario: Scenario, version: Version, cache = 'default'): Answer {
  const transcript = runScenario(scenario, { preset: `qemu-${version}`, cache, coherent: true });
  return JSON.parse(JSON.stringify(transcript));
}

/**
 * The values of a step's result by their places, e.g. `frcd[1]` or `regs.0x2c`. Left out are the records beyond QEMU's
 * one, and events, the view from inside, but for what became of an MSI.
 */
export function valuesOf(result: Result): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(result)) {
    if (name === 'ev' && !Object.hasOwn(result, 'rejected')) {
      for (const [what, ...told] of value as readonly (readonly unknown[])[]) {
        if (what === 'msi') values.set('msi', told.join(' '));
      }
    }
    if (name === 'ev' || name === 'all') continue;
    if (Array.isArray(value)) value.forEach((each, index) => values.set(`${name}[${index}]`, String(each)));
    else if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value)) values.set(`${name}.${key}`, String(each));
    } else values.set(name, String(value));
  }
  return values;
}
