import { Bench } from 'tinybench';

/** CPU time of this process in milliseconds: other programs on the machine do not count. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** One thing to measure: `run` does `operations` of them. */
export interface Task {
  readonly name: string;
  readonly operations: number;
  readonly run: () => void;
}

/** Nanoseconds an operation takes: the median of rounds, in each of which all tasks take turns. */
export async function measure(
  tasks: readonly Task[],
  rounds: number,
  milliseconds: number,
): Promise<Map<string, number>> {
  const samples = new Map<string, number[]>(tasks.map((task) => [task.name, []]));
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({ now: cpuTime, time: milliseconds, warmup: round === 0, warmupTime: milliseconds });
    for (const task of tasks) bench.add(task.name, task.run);
    await bench.run();
    for (const task of tasks) {
      const result = bench.getTask(task.name)?.result;
      if (result === undefined || !('latency' in result)) throw new Error(`${task.name} could not be measured`);
      samples.get(task.name)?.push((result.latency.p50 * 1e6) / task.operations);
    }
  }
  return new Map([...samples].map(([name, values]) => [name, median(values)]));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}
