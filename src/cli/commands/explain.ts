import type { Explanation } from '../../inspect/explanation.js';
import { parseArguments, REQUEST_OPTIONS, requestOption } from '../args.js';
import { loadModelled } from '../captures/load.js';
import { hex } from '../format.js';
import type { Io } from '../io.js';

export const usage = `vtd explain CAPTURE --device BDF|--sid N --iova X [--write|--atomic|--zlr]
          [--pasid N [--privileged]] [--json]

Tells step by step what happens to a request of a device in a captured state: each register and table entry that it
meets, what the entry holds, the check that fails and where the specification has it, and what to change.

  --device BDF  the requester, as bus:device.function
  --sid N       the requester, as its 16-bit source-id
  --iova X      the address
  --write       a write; --atomic: an AtomicOp; --zlr: a zero-length read; else a read
  --pasid N     the request carries a PASID; --privileged: it is a supervisor request
  --json        as of vtd translate, and {"steps","stale","text"}; 64-bit values are hex strings
`;

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['CAPTURE'], { ...REQUEST_OPTIONS, '--json': 'flag' });
  const request = requestOption(options);
  const explanation = loadModelled(options.positionals[0]).unit.explain(request);
  io.stdout.write(`${options.has('--json') ? json(explanation) : explanation.text}\n`);
  return 0;
}

function json({ ok, result, fault, steps, stale, text }: Explanation): string {
  const answer =
    result === undefined
      ? { ...fault, reason: fault?.reason ?? null }
      : { address: result.address, pageSize: result.pageSize, perm: result.rights, snoop: result.snoop };
  const line = { ok, ...answer, steps, stale, text };
  return JSON.stringify(line, (_, value) => (typeof value === 'bigint' ? hex(value) : value));
}
