import type { ExplainRequest, Explanation } from '../../inspect/explanation.js';
import type { InterruptExplanation } from '../../inspect/interrupt-explanation.js';
import {
  type Arguments,
  INTERRUPT_OPTIONS,
  interruptOption,
  parseArguments,
  REQUEST_OPTIONS,
  requestOption,
} from '../args.js';
import { loadModelled } from '../captures/load.js';
import { hex } from '../format.js';
import { InputError, type Io } from '../io.js';

export const usage = `vtd explain CAPTURE --device BDF|--sid N --iova X [--write|--atomic|--zlr]
          [--pasid N [--privileged]] [--json]
vtd explain CAPTURE --device BDF|--sid N --iova X --translation [--no-write]
          [--pasid N [--privileged]] [--json]
vtd explain CAPTURE --device BDF|--sid N --msi X [--data N] [--json]

Tells step by step what happens to a request of a device in a captured state: each register and table entry that it
meets, what the entry holds, the check that fails and where the specification has it, and what to change.

  --device BDF  the requester, as bus:device.function
  --sid N       the requester, as its 16-bit source-id
  --iova X      the address
  --write       a write; --atomic: an AtomicOp; --zlr: a zero-length read; else a read
  --pasid N     the request carries a PASID; --privileged: it is a supervisor request
  --translation not a DMA request, but a device's request for a translation (ATS)
  --no-write    which does not want to write (NW)
  --msi X       not a DMA request, but an interrupt request to this address
  --data N      the dword that it writes there, else 0
  --json        as of vtd translate, and {"steps","stale","text"}; 64-bit values are hex strings. Of a translation
                request {"ok","completion",...,"steps","stale","text"}. Of an interrupt
                request {"ok","answer" or "reason","condition","about",...,"steps","stale","text"}
`;

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['CAPTURE'], {
    ...REQUEST_OPTIONS,
    ...INTERRUPT_OPTIONS,
    ...TRANSLATION_OPTIONS,
    '--json': 'flag',
  });
  const [place] = options.positionals;
  const interrupt = interruptOption(options);
  if (interrupt === undefined) {
    const explanation = loadModelled(place).unit.explain(explainOption(options));
    print(io, options.has('--json'), explanation.text, dmaLine(explanation));
    return 0;
  }
  const superfluous = ([...ACCESS_OPTIONS, '--iova', '--pasid', '--translation', '--no-write'] as const).find((each) =>
    options.has(each),
  );
  if (superfluous !== undefined) throw new InputError(`--msi and ${superfluous} are given: it is one kind of request`);
  const explanation = loadModelled(place).unit.explainInterrupt(interrupt);
  print(io, options.has('--json'), explanation.text, interruptLine(explanation));
  return 0;
}

const TRANSLATION_OPTIONS = { '--translation': 'flag', '--no-write': 'flag' } as const;
const ACCESS_OPTIONS = ['--write', '--atomic', '--zlr'] as const;

/** The DMA request or translation request that the options describe. */
function explainOption(options: Arguments): ExplainRequest {
  const { access, ...request } = requestOption(options);
  const noWrite = options.has('--no-write');
  if (!options.has('--translation')) {
    if (noWrite) throw new InputError('--no-write belongs to a translation request: give --translation');
    return { ...request, access };
  }
  const given = ACCESS_OPTIONS.find((each) => options.has(each));
  if (given !== undefined) throw new InputError(`--translation and ${given} are given: it is one kind of request`);
  return { ...request, kind: 'translation', noWrite };
}

function print(io: Io, json: boolean, text: string, line: object): void {
  const hexed = (_: string, value: unknown) => (typeof value === 'bigint' ? hex(value) : value);
  io.stdout.write(`${json ? JSON.stringify(line, hexed) : text}\n`);
}

function dmaLine({ ok, result, completion, fault, steps, stale, text }: Explanation): object {
  const answer =
    result === undefined
      ? { completion, ...fault, reason: fault?.reason ?? null }
      : { address: result.address, pageSize: result.pageSize, perm: result.rights, snoop: result.snoop };
  return { ok, ...answer, steps, stale, text };
}

function interruptLine({ ok, answer, fault, steps, stale, text }: InterruptExplanation): object {
  return { ok, ...(answer === undefined ? fault : { answer }), steps, stale, text };
}
