import {
  type CapabilityValues,
  GuestMemory,
  type IntelIommuOptions,
  presets,
  qemuCapabilities,
  SparseMemory,
} from '../../index.js';
import { defaultRam } from './default-ram.js';
import { isFields, shown } from './fields.js';

/** What the command line says for scenarios that do not say it themselves. */
export interface RunDefaults {
  /** A preset's name; those of QEMU also decide which version QEMU's option names are taken for. */
  readonly preset?: string;
  readonly cache?: string;
  readonly coherent?: boolean;
}

/** Options that a scenario's `options` may hold beside QEMU's names. */
const OWN_OPTIONS = ['preset', 'caps', 'haw', 'cache', 'pending', 'ram', 'coherent'] as const;
type OwnOption = (typeof OWN_OPTIONS)[number];

/**
 * Most entries that one replay looks at: as many as the default RAM holds. Tables that point to themselves end there.
 */
const REPLAY_LIMIT = 2 ** 21;

/**
 * What a scenario's `options` ask for.
 *
 * @throws TypeError or RangeError, with a message that says what is wrong
 */
export function unitOptions(given: unknown, defaults: RunDefaults): IntelIommuOptions {
  if (given !== undefined && !isFields(given)) throw new TypeError(`options is ${shown(given)}: give an object`);
  const entries = Object.entries(given ?? {});
  const own = Object.fromEntries(entries.filter(([name]) => isOwn(name))) as Partial<Record<OwnOption, unknown>>;
  const qemu = Object.fromEntries(entries.filter(([name]) => !isOwn(name)));
  return {
    memory: memoryOf(own.ram),
    preset: baseCapabilities(own.preset, qemu, defaults.preset),
    capabilities: own.caps === undefined ? undefined : (object('caps', own.caps) as IntelIommuOptions['capabilities']),
    hostAddressWidth: (own.haw ?? (isHardware(own.preset) ? WIDEST : undefined)) as number | undefined,
    caches: cachesOf(own.cache ?? defaults.cache ?? 'default'),
    pending: boolean('pending', own.pending),
    coherentWalks: boolean('coherent', own.coherent ?? defaults.coherent),
    replayLimit: REPLAY_LIMIT,
  };
}

/** Presets other than QEMU's have no address width of the machine around them: the widest is taken. */
function isHardware(preset: unknown): boolean {
  return typeof preset === 'string' && !preset.startsWith('qemu-');
}

const WIDEST = 52;

function isOwn(name: string): name is OwnOption {
  return (OWN_OPTIONS as readonly string[]).includes(name);
}

/** The preset, or the registers that QEMU's options give. */
function baseCapabilities(
  preset: unknown,
  qemu: Readonly<Record<string, unknown>>,
  preferred: string | undefined,
): IntelIommuOptions['preset'] | CapabilityValues {
  const names = Object.keys(qemu);
  const chosen = preset ?? preferred ?? 'qemu-11.1';
  if (typeof chosen !== 'string' || !Object.hasOwn(presets, chosen)) {
    throw new RangeError(`preset is ${shown(chosen)}: choose one of ${Object.keys(presets).join(', ')}`);
  }
  const version = /^qemu-(7\.2|11\.1)$/.exec(chosen)?.[1] as '7.2' | '11.1' | undefined;
  if (preset === undefined && version !== undefined) return qemuCapabilities(version, qemu);
  if (names.length > 0) {
    throw new RangeError(
      `${names.join(', ')} is for QEMU's unit, and preset ${chosen} stands in its place: give one of both`,
    );
  }
  return chosen as IntelIommuOptions['preset'];
}

function cachesOf(policy: unknown): IntelIommuOptions['caches'] {
  if (policy !== 'none' && policy !== 'default' && policy !== 'hold') {
    throw new RangeError(`cache is ${shown(policy)}: choose none, default or hold`);
  }
  return policy;
}

function memoryOf(ram: unknown): GuestMemory {
  if (ram === undefined) return defaultRam();
  if (!Array.isArray(ram)) throw new TypeError(`ram is ${shown(ram)}: give a list of ["0xfirst", "0xbytes"]`);
  const memory = new GuestMemory();
  for (const range of ram) {
    const [base, length] = Array.isArray(range) && range.length === 2 ? range.map(address) : [];
    if (base === undefined || length === undefined) {
      throw new TypeError(`ram holds ${shown(range)}: give ["0xfirst", "0xbytes"]`);
    }
    memory.attachHandler(base, length, new SparseMemory());
  }
  return memory;
}

function address(value: unknown): number | undefined {
  const isHex = typeof value === 'string' && /^0x[0-9a-f]{1,16}$/i.test(value);
  return isHex || typeof value === 'number' ? Number(value) : undefined;
}

function boolean(name: string, value: unknown = false): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} is ${shown(value)}: give true or false`);
  return value;
}

function object(name: string, value: unknown): object {
  if (!isFields(value)) throw new TypeError(`${name} is ${shown(value)}: give an object`);
  return value;
}
