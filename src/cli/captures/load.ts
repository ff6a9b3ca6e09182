import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDmar } from '../../acpi/parse-dmar.js';
import type { GuestMemory } from '../../memory/guest-memory.js';
import type { Capabilities } from '../../regs/capabilities.js';
import type { CapabilityName } from '../../regs/capability-rows.js';
import { NOT_MODELLED } from '../../regs/modelled.js';
import { IntelIommu } from '../../unit/intel-iommu.js';
import { clean } from '../format.js';
import { InputError, NotModelledError } from '../io.js';
import { type Json, readBytes, readJson } from './files.js';
import { readMemory } from './memory.js';
import { programState } from './program.js';
import { aboutCapability, RegisterWords, readCapabilities } from './register-words.js';

/** The captures that come with the package. */
const BUNDLED = fileURLToPath(new URL('../../../captures', import.meta.url));

/** A PCI function of the machine that was captured. */
interface CapturedDevice {
  readonly sourceId: number;
  readonly driver: string;
}

/** The state of an IOMMU at one moment of a running guest. */
export interface Capture {
  readonly directory: string;
  readonly name: string;
  /** What ran there: the kernel, the machine, and its options. */
  readonly origin: { readonly note: string; readonly kernel: string; readonly qemu: string; readonly options: string };
  readonly registers: RegisterWords;
  readonly capabilities: Capabilities;
  readonly devices: readonly CapturedDevice[];
  /** Capabilities of the unit that are not modelled yet; then there is no {@link unit}. */
  readonly notModelled: readonly CapabilityName[];
  /**
   * A unit in the captured state, over the captured memory: what was not captured decodes nothing. It caches no pages,
   * and leaves the invalidation queue alone.
   */
  readonly unit: IntelIommu | undefined;
}

/** A capture of a unit that can be modelled. */
export type ModelledCapture = Capture & { readonly unit: IntelIommu };

/**
 * Loads a capture.
 *
 * @param place - its directory, or the name of a bundled one
 * @throws InputError if something of it is missing, damaged or contradictory
 */
export function loadCapture(place: string): Capture {
  const directory = findCapture(place);
  const file = readJson(directory, 'capture.json');
  const registers = readRegisters(file.get('registers'));
  const capabilities = readCapabilities(registers, hostAddressWidth(directory, file));
  const notModelled = NOT_MODELLED.filter((name) => capabilities.has(name));
  const memory = readMemory(directory);
  const origin = {
    note: label(file.get('note')),
    kernel: label(file.get('kernel')),
    qemu: label(file.get('qemu')),
    options: label(file.get('iommuOptions')),
  };
  return {
    directory,
    name: label(file.get('name')) || basename(resolve(directory)),
    origin,
    registers,
    capabilities,
    devices: file.get('devices').list().map(readDevice),
    notModelled,
    unit: notModelled.length > 0 ? undefined : makeUnit(directory, origin, registers, capabilities, memory),
  };
}

/**
 * Loads a capture for a command that needs the unit.
 *
 * @throws InputError as {@link loadCapture}; NotModelledError if the unit cannot be modelled yet
 */
export function loadModelled(place: string): ModelledCapture {
  const capture = loadCapture(place);
  const { unit } = capture;
  if (unit === undefined) throw new NotModelledError(`${capture.name}: ${notModelledText(capture)}`);
  return { ...capture, unit };
}

/** What of a capture's unit is not modelled yet. */
export function notModelledText({ notModelled }: Capture): string {
  return `not modelled yet: ${notModelled.map((name) => `${name} (${aboutCapability(name)})`).join(', ')}`;
}

function findCapture(place: string): string {
  if (existsSync(place)) {
    if (statSync(place).isDirectory()) return place;
    throw new InputError(`${place} is a file: a capture is a directory with a capture.json`);
  }
  const bundled = join(BUNDLED, place);
  if (/^[\w-]+$/.test(place) && existsSync(bundled)) return bundled;
  throw new InputError(`${place}: no such capture`);
}

/** Registers beyond the largest block that CAP and ECAP can lay out are nothing that a capture can hold. */
const MOST_OFFSET = 0x1_0000;

function readRegisters(registers: Json): RegisterWords {
  const units = new Map<number, bigint>();
  for (const [name, value] of registers.members()) {
    const offset = /^0x[0-9a-f]{1,5}$/i.test(name) ? Number(name) : MOST_OFFSET;
    if (offset >= MOST_OFFSET || offset % 8 !== 0) throw value.wrong('under a multiple of 8 such as "0x018"');
    units.set(offset, value.number64());
  }
  for (const name of ['0x000', '0x008', '0x010']) {
    if (!units.has(Number(name)))
      throw registers.get(name).wrong('a text such as "0x1000", VER, CAP and ECAP at least');
  }
  return new RegisterWords(units);
}

function hostAddressWidth(directory: string, file: Json): number {
  const path = join(directory, 'dmar.bin');
  if (existsSync(path)) {
    const parsed = parseDmar(readBytes(directory, 'dmar.bin'));
    const width = parsed.ok ? parsed.table.hostAddressWidth : 0;
    if (width >= 32 && width <= 52) return width;
    throw new InputError(`${path}: no DMAR table with a host address width of 32 to 52 bits`);
  }
  const width = Number(/aw-bits=(\d+)/.exec(file.get('iommuOptions').text())?.[1]);
  if (width >= 32 && width <= 52) return width;
  throw file.get('iommuOptions').wrong('a text with aw-bits=39 or 48, since there is no dmar.bin');
}

function readDevice(device: Json): CapturedDevice {
  return { sourceId: device.get('sid').whole(0xffff), driver: label(device.get('driver')) };
}

/** Longer texts were not meant to be read. */
const MOST_CHARACTERS = 400;

/** A text that people read; it may be missing. */
function label(value: Json): string {
  return value.isPresent ? clean(value.text()).slice(0, MOST_CHARACTERS) : '';
}

/** Of one requester no more entries are looked at: its tables may point to themselves. */
const MOST_ENTRIES = 2 ** 24;

function makeUnit(
  directory: string,
  { qemu }: Capture['origin'],
  registers: RegisterWords,
  { version, cap, ecap, haw }: Capabilities,
  memory: GuestMemory,
): IntelIommu {
  try {
    const unit = new IntelIommu({
      memory,
      preset: { version, cap, ecap, haw },
      // the tables stay as they are; pages are walked each time
      caches: { iotlbEntries: 0 },
      pending: true,
      replayLimit: MOST_ENTRIES,
      // QEMU sets flags without a regard to ECAP.SMPWCS and PWSNP, and its guests know nothing else
      coherentWalks: qemu !== '',
    });
    programState(unit, registers);
    return unit;
  } catch (error) {
    // capabilities that contradict each other
    if (error instanceof RangeError) throw new InputError(`${join(directory, 'capture.json')}: ${error.message}`);
    throw error;
  }
}
