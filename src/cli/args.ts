import type { InterruptRequest } from '../interrupts/request.js';
import { InputError } from './io.js';

/** The options of a command: whether a value follows. */
export type OptionKinds = Readonly<Record<`--${string}`, 'flag' | 'value'>>;

/** A command line, taken apart. */
export interface Arguments {
  readonly positionals: readonly string[];
  has(option: `--${string}`): boolean;
  value(option: `--${string}`): string | undefined;
}

/**
 * Takes a command line apart: `--name value`, `--name=value`, flags, and everything behind `--` as it is.
 *
 * @param positionals - the names of the arguments that are no options; those in brackets may be left out
 * @throws InputError if an option is unknown, given twice or has no value, or arguments are missing or too many
 */
export function parseArguments(args: readonly string[], positionals: readonly string[], kinds: OptionKinds): Arguments {
  const found: string[] = [];
  const options = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === '--') {
      found.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith('--')) {
      if (arg.startsWith('-') && arg !== '-') throw new InputError(`unknown option ${arg}`);
      found.push(arg);
      continue;
    }
    const [name, inline] = split(arg);
    const kind = Object.hasOwn(kinds, name) ? kinds[name as keyof OptionKinds] : undefined;
    if (kind === undefined) throw new InputError(`unknown option ${name}`);
    if (options.has(name)) throw new InputError(`${name} is given twice`);
    if (kind === 'flag' && inline !== undefined) throw new InputError(`${name} takes no value`);
    const value = kind === 'flag' ? '' : (inline ?? args[++at]);
    if (value === undefined || (kind === 'value' && value.startsWith('--')))
      throw new InputError(`${name} needs a value`);
    options.set(name, value);
  }
  const missing = positionals[found.length];
  if (missing !== undefined && !missing.startsWith('[')) throw new InputError(`${missing} is missing`);
  if (found.length > positionals.length) throw new InputError(`one argument too many: ${found[positionals.length]}`);
  return { positionals: found, has: (option) => options.has(option), value: (option) => options.get(option) };
}

function split(arg: string): [name: string, value: string | undefined] {
  const at = arg.indexOf('=');
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

/** A whole number as people and captures write it, decimal or hexadecimal with `0x`; `undefined` if it is none. */
export function parseNumber(text: string): bigint | undefined {
  return /^(?:0x[0-9a-f]{1,32}|[0-9]{1,32})$/i.test(text) ? BigInt(text) : undefined;
}

/**
 * The number that an option gives.
 *
 * @throws InputError if it is no whole number from 0 to `most`
 */
function numberOption(args: Arguments, option: `--${string}`, most: bigint): bigint | undefined {
  const text = args.value(option);
  if (text === undefined) return undefined;
  const value = parseNumber(text);
  if (value === undefined || value > most) {
    throw new InputError(`${option} ${text}: give a whole number from 0 to 0x${most.toString(16)}`);
  }
  return value;
}

/** The options that name a requester. */
export const REQUESTER_OPTIONS = { '--sid': 'value', '--device': 'value' } as const;

/**
 * The source-id that `--sid` gives as a number, or `--device` as bus:device.function.
 *
 * @throws InputError if it is none, or both are given
 */
export function requesterOption(args: Arguments): number | undefined {
  const sid = numberOption(args, '--sid', 0xffffn);
  const device = args.value('--device');
  if (device === undefined) return sid === undefined ? undefined : Number(sid);
  if (sid !== undefined) throw new InputError('--sid and --device are given: one is enough');
  const parts = /^(?:[0-9a-f]{4}:)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/i.exec(device);
  if (parts === null) throw new InputError(`--device ${device}: give bus:device.function, such as 00:1f.2`);
  const [bus, slot, fn] = parts.slice(1).map((part) => Number.parseInt(part, 16)) as [number, number, number];
  return (bus << 8) | (slot << 3) | fn;
}

/** The options that name a request, with those that name its requester. */
export const REQUEST_OPTIONS = {
  ...REQUESTER_OPTIONS,
  '--iova': 'value',
  '--pasid': 'value',
  '--write': 'flag',
  '--atomic': 'flag',
  '--zlr': 'flag',
  '--privileged': 'flag',
} as const;

/** The options that name an interrupt request, with those that name its requester. */
export const INTERRUPT_OPTIONS = { ...REQUESTER_OPTIONS, '--msi': 'value', '--data': 'value' } as const;

/** The interrupt request that `--device` or `--sid`, `--msi` and `--data` describe; `undefined` without `--msi`. */
export function interruptOption(args: Arguments): InterruptRequest | undefined {
  const address = numberOption(args, '--msi', 0xffff_ffffn);
  if (address === undefined) {
    if (args.has('--data')) throw new InputError('--data belongs to an interrupt request: give --msi ADDRESS');
    return undefined;
  }
  if (address >> 20n !== 0xfeen) {
    throw new InputError(`--msi 0x${address.toString(16)}: an interrupt request goes to 0xfee00000 to 0xfeefffff`);
  }
  const sourceId = requesterOption(args);
  if (sourceId === undefined) throw new InputError('which requester? give --device BDF or --sid N');
  const data = numberOption(args, '--data', 0xffff_ffffn) ?? 0n;
  return { sourceId, address: Number(address), data: Number(data) };
}

/** A DMA request that the options of a command describe. */
export interface RequestArguments {
  readonly sourceId: number;
  readonly iova: bigint;
  readonly access: 'read' | 'write' | 'atomic' | 'zero-length-read';
  readonly pasid: number | undefined;
  readonly privileged: boolean;
}

/** The PASID that `--pasid` gives. @throws InputError if it is none */
export function pasidOption(args: Arguments): number | undefined {
  const pasid = numberOption(args, '--pasid', 0xf_ffffn);
  return pasid === undefined ? undefined : Number(pasid);
}

/**
 * The request that `--device` or `--sid`, `--iova`, `--pasid`, the kind of access and `--privileged` describe.
 *
 * @throws InputError if something is missing, out of range, or given twice
 */
export function requestOption(args: Arguments): RequestArguments {
  const sourceId = requesterOption(args);
  if (sourceId === undefined) throw new InputError('which requester? give --device BDF or --sid N');
  const iova = numberOption(args, '--iova', 2n ** 64n - 1n);
  if (iova === undefined) throw new InputError('which address? give --iova X');
  const pasid = pasidOption(args);
  const privileged = args.has('--privileged');
  if (privileged && pasid === undefined)
    throw new InputError('only requests with PASID are privileged: give --pasid N');
  const kinds = (['--write', '--atomic', '--zlr'] as const).filter((kind) => args.has(kind));
  if (kinds.length > 1) throw new InputError(`${kinds.join(' and ')} are given: a request is one of them`);
  const access = kinds[0] === undefined ? 'read' : ACCESS_OF[kinds[0]];
  return { sourceId, iova, access, pasid, privileged };
}

const ACCESS_OF = { '--write': 'write', '--atomic': 'atomic', '--zlr': 'zero-length-read' } as const;
