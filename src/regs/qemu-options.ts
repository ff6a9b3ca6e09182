import { encodeCapabilities } from './capabilities.js';
import { nearNames } from './near-names.js';

/** The QEMU versions whose `intel-iommu` device is known. */
export type QemuVersion = '7.2' | '11.1';

type Value = boolean | number;

/** A property of QEMU's device. */
interface QemuOption {
  readonly name: string;
  /** Its default, by version; a version without the property has none. */
  readonly defaults: Partial<Record<QemuVersion, Value>>;
  /** What it may be, where it is not on or off. */
  readonly numbers?: readonly number[];
  /** Other names, of other versions; a leading `x-` does not matter. */
  readonly aliases?: readonly string[];
}

function both(name: string, value: Value): QemuOption {
  return { name, defaults: { '7.2': value, '11.1': value } };
}

const UP_TO_20 = Array.from({ length: 21 }, (_, bits) => bits);

/** The properties that bear on registers. `auto` is what an emulated CPU gets: interrupt remapping, but no EIM. */
const OPTIONS: readonly QemuOption[] = [
  { name: 'aw-bits', defaults: { '7.2': 39, '11.1': 48 }, numbers: [39, 48] },
  both('caching-mode', false),
  both('device-iotlb', false),
  both('dma-drain', true),
  both('dma-translation', true),
  both('eim', false),
  both('intremap', true),
  both('scalable-mode', false),
  both('snoop-control', false),
  { name: 'pt', defaults: { '7.2': true } },
  { name: 'pasid-mode', defaults: { '7.2': false } },
  { name: 'fsts', defaults: { '11.1': false }, aliases: ['flts'] },
  { name: 'fs1gp', defaults: { '11.1': true } },
  { name: 'pasid-bits', defaults: { '11.1': 0 }, numbers: UP_TO_20 },
  { name: 'stale-tm', defaults: { '11.1': false } },
  { name: 'svm', defaults: { '11.1': false } },
];

/** What QEMU refuses: an option that is set without another one that it needs. */
const REQUIREMENTS: readonly (readonly [option: string, needs: string, value: Value])[] = [
  ['eim', 'intremap', true],
  ['scalable-mode', 'dma-drain', true],
  ['fsts', 'scalable-mode', true],
  ['fsts', 'aw-bits', 48],
  ['pasid-mode', 'scalable-mode', true],
  ['pasid-mode', 'device-iotlb', false],
  ['pasid-bits', 'scalable-mode', true],
  ['svm', 'device-iotlb', true],
  ['svm', 'fsts', true],
  ['svm', 'dma-translation', true],
];

/**
 * The capability registers of QEMU's `intel-iommu` device, as its options make them.
 *
 * @param version - which QEMU; defaults differ, and so do the options that there are
 * @param options - by QEMU's names, of either version; booleans may be `'on'` or `'off'`, numbers may be strings
 * @returns registers, and the host address width, which is `aw-bits`; what of them is not modelled, `makeCapabilities`
 * refuses
 * @throws RangeError if the version does not have an option, a value is not allowed, or QEMU refuses the combination
 *
 * @example
 * makeCapabilities(qemuCapabilities('11.1', { 'aw-bits': 48, 'caching-mode': 'on' }));
 */
export function qemuCapabilities(
  version: QemuVersion,
  options: Readonly<Record<string, unknown>> = {},
): { version: number; cap: bigint; ecap: bigint; haw: number } {
  const chosen = choose(version, options);
  const on = (name: string) => Number(chosen.get(name) ?? false);
  const width = on('aw-bits');
  const pasidBits = on('pasid-bits');
  const secondStage = on('scalable-mode') & ~on('fsts');
  return {
    haw: width,
    ...encodeCapabilities({
      'VER.MAJOR': 1,
      'CAP.ND': 6,
      'CAP.CM': on('caching-mode'),
      'CAP.SAGAW': on('dma-translation') ? (width === 48 ? 0b110 : 0b010) : 0,
      'CAP.MGAW': width - 1,
      'CAP.FRO': 0x22,
      'CAP.SSLPS': 3,
      'CAP.PSI': 1,
      'CAP.MAMV': 18,
      'CAP.DWD': on('dma-drain'),
      'CAP.DRD': on('dma-drain'),
      'CAP.FS1GP': on('fsts') & on('fs1gp'),
      'CAP.ESRTPS': version === '11.1' ? 1 : 0,
      'ECAP.QI': 1,
      'ECAP.DT': on('device-iotlb'),
      'ECAP.IR': on('intremap'),
      'ECAP.EIM': on('eim'),
      'ECAP.PT': version === '11.1' ? 1 : on('pt'),
      'ECAP.SC': on('snoop-control'),
      'ECAP.IRO': 0xf,
      'ECAP.MHMV': on('intremap') ? 15 : 0,
      'ECAP.PRS': on('svm'),
      'ECAP.SRS': secondStage,
      'ECAP.NWFS': on('svm'),
      'ECAP.PSS': Math.max(pasidBits - 1, 0),
      'ECAP.PASID': on('pasid-mode') | Number(pasidBits > 0),
      'ECAP.PDS': on('svm'),
      'ECAP.SMTS': on('scalable-mode'),
      'ECAP.SSTS': secondStage,
      'ECAP.FSTS': on('fsts'),
    }),
  };
}

function choose(version: QemuVersion, options: Readonly<Record<string, unknown>>): Map<string, Value> {
  const chosen = new Map<string, Value>();
  for (const { name, defaults } of OPTIONS) {
    const value = defaults[version];
    if (value !== undefined) chosen.set(name, value);
  }
  for (const [name, given] of Object.entries(options)) {
    const option = find(name);
    const value = parse(option, name, given);
    if (chosen.has(option.name)) chosen.set(option.name, value);
    // a version that lacks what is off elsewhere by default behaves as if it were off
    else if (value !== false || Object.values(option.defaults).includes(true)) {
      throw new RangeError(
        `QEMU ${version} has no option ${name}: QEMU ${Object.keys(option.defaults).join(', ')} has`,
      );
    }
  }
  if (chosen.get('stale-tm') === true) {
    throw new RangeError(
      'stale-tm=on is not modelled: bit 62 of a second-stage entry is reserved since revision 3.2 (§9.8)',
    );
  }
  if (chosen.get('svm') === true && chosen.get('pasid-bits') === 0) {
    throw new RangeError('svm=on needs pasid-bits of 1 or more, but pasid-bits=0');
  }
  for (const [name, needed, value] of REQUIREMENTS) {
    const set = chosen.get(name);
    const other = chosen.get(needed);
    if (set && other !== value) {
      throw new RangeError(`${show(name, set)} needs ${show(needed, value)}, but ${show(needed, other as Value)}`);
    }
  }
  return chosen;
}

function find(name: string): QemuOption {
  const plain = name.replace(/^x-/, '');
  const option = OPTIONS.find((each) => each.name === plain || each.aliases?.includes(plain));
  if (option !== undefined) return option;
  const names = OPTIONS.map((each) => each.name);
  const near = nearNames(plain, names);
  throw new RangeError(
    `${name} is not an option of QEMU's intel-iommu: choose ${(near.length ? near : names).join(', ')}`,
  );
}

function parse(option: QemuOption, name: string, given: unknown): Value {
  if (option.numbers !== undefined) {
    const value = typeof given === 'string' ? Number(given) : given;
    if (option.numbers.includes(value as number)) return value as number;
    const [first, last] = [option.numbers[0], option.numbers[option.numbers.length - 1]];
    throw new RangeError(
      `${name} is ${String(given)}: QEMU allows ${option.numbers.length > 2 ? `${first} to ${last}` : `${first} or ${last}`}`,
    );
  }
  if (typeof given === 'boolean') return given;
  if (given === 'on' || given === 'off') return given === 'on';
  const automatic = option.name === 'intremap' || option.name === 'eim';
  if (given === 'auto' && automatic) return option.name === 'intremap';
  throw new RangeError(
    `${name} is ${String(given)}: give true, false, 'on'${automatic ? ", 'off' or 'auto'" : " or 'off'"}`,
  );
}

function show(name: string, value: Value): string {
  return `${name}=${typeof value === 'boolean' ? (value ? 'on' : 'off') : value}`;
}
