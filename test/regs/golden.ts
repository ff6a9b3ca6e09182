import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const GOLDEN = new URL('../../../shared/oracle/golden/', import.meta.url);

/** Whether the transcripts of real QEMU stand beside the project. */
export const hasGolden = existsSync(new URL('hand.scenarios.ndjson.gz', GOLDEN));
if (!hasGolden) console.warn('SKIPPED: no QEMU transcripts beside the project (../shared/oracle/golden)');

/** One hand-made scenario and what QEMU answered. */
export interface Transcript {
  readonly name: string;
  readonly options: Record<string, unknown>;
  readonly qemu: '7.2' | '11.1';
  readonly error?: string;
  readonly results?: { readonly regs?: Record<string, string> }[];
}

/** The hand-made scenarios whose names begin with `prefix`, as each QEMU version answered. */
export function transcripts(prefix: string): Transcript[] {
  if (!hasGolden) return [];
  const scenarios = lines('hand.scenarios.ndjson.gz') as { name: string; options: Record<string, unknown> }[];
  return (['7.2', '11.1'] as const).flatMap((qemu) => {
    const answers = lines(`hand.qemu-${qemu === '7.2' ? '7.2.22' : '11.1.3'}.ndjson.gz`) as Omit<
      Transcript,
      'options'
    >[];
    return scenarios
      .map(({ name, options }, index) => ({ ...(answers[index] as Transcript), name, options, qemu }))
      .filter(({ name }) => name.startsWith(prefix));
  });
}

function lines(name: string): unknown[] {
  const text = gunzipSync(readFileSync(new URL(name, GOLDEN))).toString('utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
