import { parseArguments, REQUEST_OPTIONS, requestOption } from '../args.js';
import { loadModelled } from '../captures/load.js';
import { bdf, hex, size } from '../format.js';
import type { Io } from '../io.js';

export const usage = `vtd translate CAPTURE --device BDF|--sid N --iova X [--write|--atomic|--zlr]
          [--pasid N [--privileged]] [--json]

Translates an address of a device in a captured state. \`vtd explain\` tells each step of the same.

  --device BDF  the requester, as bus:device.function
  --sid N       the requester, as its 16-bit source-id
  --iova X      the address
  --write       a write; --atomic: an AtomicOp; --zlr: a zero-length read; else a read
  --pasid N     the request carries a PASID; --privileged: it is a supervisor request
  --json        {"ok":true,"address","pageSize","perm"} or {"ok":false,"reason","condition","about"}
`;

const VERBS = { read: 'reads', write: 'writes', atomic: 'does an AtomicOp at', 'zero-length-read': 'reads 0 bytes at' };

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['CAPTURE'], { ...REQUEST_OPTIONS, '--json': 'flag' });
  const { sourceId, iova, access, pasid, privileged } = requestOption(options);
  const { unit } = loadModelled(options.positionals[0]);
  const answer = unit.region(sourceId, pasid).translate(iova, access, { privileged });
  if (options.has('--json')) {
    const line = answer.ok
      ? { ok: true, address: hex(answer.address), pageSize: answer.pageSize, perm: answer.rights }
      : {
          ok: false,
          reason: answer.fault.reason ?? null,
          condition: answer.fault.condition,
          about: answer.fault.about,
        };
    io.stdout.write(`${JSON.stringify(line)}\n`);
    return 0;
  }
  const prefix = pasid === undefined ? '' : `, with PASID ${hex(pasid)}${privileged ? ', privileged' : ''}`;
  const request = `${bdf(sourceId)} ${VERBS[access]} ${hex(iova)}${prefix}`;
  if (answer.ok) {
    io.stdout.write(`${request} -> ${hex(answer.address)}, a page of ${size(answer.pageSize)}, ${answer.rights}\n`);
  } else {
    const { condition, reason, about, section, remedy } = answer.fault;
    const code = reason === undefined ? 'not recorded' : `reason ${hex(reason)}`;
    io.stdout.write(`${request} -> ${condition}, ${code}: ${about} (${section})\n  ${remedy}\n`);
  }
  return 0;
}
