import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { differencesOf, explanation, show } from '../golden/difference.js';
import { modelAnswer, type Result, type Scenario, type Version } from '../golden/transcripts.js';
import { LIVE_DIVERGENCES } from './divergences.js';

const QEMU = 'qemu-system-x86_64';

/** The runner for QEMU and the generator of scenarios, which are not part of the project. */
const ORACLE = new URL('../../../shared/oracle/', import.meta.url);

/** How long scenarios are run, and how many there must have been at least. */
const SECONDS = 45;
const LEAST = 20;
/** Recorded scenarios have seeds below. */
const FIRST_SEED = 70_000;

interface Oracle {
  run(scenario: Scenario): Promise<{ readonly results: readonly Result[] }>;
  close(): Promise<void>;
}

/** Why there is nothing to compare with; `undefined` if there is. */
function obstacle(): string | undefined {
  if (!existsSync(ORACLE)) return 'the oracle is not there (../shared/oracle)';
  if (versionOf() === undefined) return `no ${QEMU} 7.2 or 11.1 is installed`;
  return undefined;
}

function versionOf(): Version | undefined {
  const { stdout } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  return /version (7\.2|11\.1)\./.exec(stdout ?? '')?.[1] as Version | undefined;
}

const missing = obstacle();
if (missing !== undefined) console.warn(`\n*** NOT COMPARED WITH A LIVE QEMU: ${missing} ***\n`);

/** Kinds of scenarios; first stages are for versions that have them. */
const MODES = [
  { mode: 'legacy', versions: ['7.2', '11.1'] },
  { mode: 'scalable-ss', versions: ['7.2', '11.1'] },
  { mode: 'scalable-fs', versions: ['11.1'] },
];

test.skipIf(missing !== undefined)('random scenarios give what QEMU gives', { timeout: 120_000 }, async () => {
  const version = versionOf() as Version;
  const modes = MODES.filter(({ versions }) => versions.includes(version)).map(({ mode }) => mode);
  const { OraclePool } = await import(new URL('qtest.mjs', ORACLE).href);
  const { generate } = await import(new URL('gen.mjs', ORACLE).href);
  const pool: Oracle = new OraclePool();
  const unexplained: string[] = [];
  const used = new Map<string, number>();
  let count = 0;
  let parted = 0;
  try {
    for (const end = Date.now() + SECONDS * 1000; Date.now() < end; count++) {
      const scenario: Scenario = generate({
        seed: FIRST_SEED + count,
        mode: modes[(count >> 1) % modes.length],
        stale: count % 2 === 1,
      });
      const { results } = await pool.run(scenario);
      const ours = modelAnswer(scenario, version);
      if ('error' in ours) throw new Error(`${scenario.name}: ${JSON.stringify(ours)}`);
      for (const difference of differencesOf(scenario, version, ours.results, results)) {
        const rows = explanation(difference, LIVE_DIVERGENCES);
        for (const { name } of rows ?? []) used.set(name, (used.get(name) ?? 0) + 1);
        if (rows === undefined) unexplained.push(show(difference));
        if (rows?.some(({ parts }) => parts)) {
          parted++;
          break;
        }
      }
    }
  } finally {
    await pool.close();
  }
  console.log(`${count} scenarios on QEMU ${version}, ${parted} compared in part; differences by row:`, used);
  expect(unexplained).toEqual([]);
  expect(count).toBeGreaterThanOrEqual(LEAST);
});
