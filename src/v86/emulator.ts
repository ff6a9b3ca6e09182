/**
 * What of v86 this entry point works with. v86's own types name only its public face; these are the parts behind it, by
 * the names that its release build keeps.
 */

/** v86's class `V86`, as far as its own types tell of it. */
export interface V86Emulator {
  is_running(): boolean;
}

type Read = (address: number) => number;
type Write = (address: number, value: number) => void;

/** A port's entry: handlers are called with `device` as `this`. */
interface V86Port {
  readonly device: object | undefined;
}

interface V86Io {
  readonly ports: readonly V86Port[];
  mmap_register(address: number, length: number, read8: Read, write8: Write, read32: Read, write32: Write): void;
  register_read(port: number, device: object | undefined, read8: () => number, read16?: Read, read32?: Read): void;
  register_write(port: number, device: object | undefined, write8: (value: number) => void): void;
}

/** Something that does DMA by calling its `cpu`. */
interface V86Master {
  cpu: V86Cpu;
}

interface V86IdeChannel {
  readonly master: V86Master;
  readonly slave: V86Master;
}

interface V86Ide {
  readonly pci_id: number;
  readonly primary?: V86IdeChannel;
  readonly secondary?: V86IdeChannel;
}

/** A virtio device; the feature words are 32 bits each. */
export interface V86Virtio extends V86Master {
  readonly pci_id: number;
  readonly device_feature: Uint32Array;
  readonly driver_feature: Uint32Array;
  readonly queues: readonly V86Master[];
}

/** The devices that can be virtio ones, by v86's names. */
export const VIRTIO_DEVICES = ['virtio_console', 'virtio_net', 'virtio_balloon', 'virtio_9p'] as const;

interface V86Devices extends Partial<Record<(typeof VIRTIO_DEVICES)[number], { readonly virtio: V86Virtio }>> {
  readonly pci: { readonly isa_bridge: { readonly pci_id: number } };
  readonly acpi: { readonly gpe: Uint8Array };
  readonly dma: V86Master;
  readonly ide: V86Ide;
}

/** A file that v86 hands to the BIOS by fw_cfg. */
interface V86File {
  readonly name: string;
  readonly data: Uint8Array;
}

/** v86's processor, and the board around it. Addresses are physical and may come signed. */
export interface V86Cpu {
  readonly io: V86Io;
  readonly devices: V86Devices;
  readonly option_roms: V86File[];
  /** Everything of the machine stands in this memory. It may grow, which detaches the views of it. */
  readonly wasm_memory: { readonly buffer: ArrayBuffer };
  /** Guest memory; a proxy that makes a view of `wasm_memory` for each access. */
  readonly mem8: Pick<Uint8Array, 'byteOffset' | 'length' | 'subarray'>;
  readonly instruction_counter: Uint32Array;
  readonly memory_map_read8: readonly (Read | undefined)[];
  readonly memory_map_read32: readonly (Read | undefined)[];
  readonly memory_map_write8: readonly (Write | undefined)[];
  readonly memory_map_write32: readonly (Write | undefined)[];
  /** Runs the processor for a while; answers after how many milliseconds it wants to go on. */
  main_loop(): number;
  reboot_internal(): void;
  get_state(): unknown[];
  set_state(state: unknown[]): void;
  get_apic_addr(): number;
  handle_irqs(): void;
  /** Drops code that was compiled from the bytes of `[first, end)`. */
  jit_dirty_cache(first: number, end: number): void;
  read8(address: number): number;
  read16(address: number): number;
  read32s(address: number): number;
  write8(address: number, value: number): void;
  write16(address: number, value: number): void;
  write32(address: number, value: number): void;
  read_blob(address: number, length: number): Uint8Array;
  write_blob(bytes: Uint8Array, address: number): void;
  zero_memory(address: number, length: number): void;
}

const OBJECTS = [
  'io.ports',
  'devices.pci.isa_bridge',
  'devices.dma.cpu',
  'devices.ide.primary.master.cpu',
  'devices.ide.secondary.master.cpu',
  'option_roms',
  'wasm_memory.buffer',
  'mem8',
  'instruction_counter',
  'memory_map_read8',
  'memory_map_read32',
  'memory_map_write8',
  'memory_map_write32',
];

const NUMBERS = ['devices.ide.pci_id', 'devices.pci.isa_bridge.pci_id', 'mem8.byteOffset', 'mem8.length'];

const FUNCTIONS = [
  'io.mmap_register',
  'io.register_read',
  'io.register_write',
  'main_loop',
  'reboot_internal',
  'get_state',
  'set_state',
  'get_apic_addr',
  'handle_irqs',
  'jit_dirty_cache',
  'read8',
  'read16',
  'read32s',
  'write8',
  'write16',
  'write32',
  'read_blob',
  'write_blob',
  'zero_memory',
];

const VIRTIO_OBJECTS = ['virtio.queues', 'virtio.device_feature', 'virtio.driver_feature'];

/**
 * The processor of an emulator that is loaded and has not run yet.
 *
 * @throws TypeError that names what is missing in the emulator, or what to do first
 */
export function checkedCpu(emulator: V86Emulator): V86Cpu {
  const cpu = at(emulator, 'v86.cpu');
  if (at(cpu, 'devices.ide') === undefined) {
    throw new TypeError(
      "the emulator is not loaded: attach on its event 'emulator-loaded', to v86's class V86 of its release build",
    );
  }
  if (at(cpu, 'devices.acpi.gpe') === undefined) {
    throw new TypeError('the emulator has no ACPI, by which a guest finds the unit: give V86 the option `acpi: true`');
  }
  const devices = VIRTIO_DEVICES.filter((name) => at(cpu, `devices.${name}`) !== undefined);
  const missing = [
    ...lacking(cpu, OBJECTS, 'object'),
    ...lacking(cpu, NUMBERS, 'number'),
    ...lacking(cpu, FUNCTIONS, 'function'),
    ...devices.flatMap((name) =>
      lacking(
        cpu,
        VIRTIO_OBJECTS.map((part) => `devices.${name}.${part}`),
        'object',
      ),
    ),
  ];
  if (missing.length > 0) {
    throw new TypeError(
      `this version of v86 lacks ${missing.map((name) => `cpu.${name}`).join(', ')}: take the release build of v86 0.5.462`,
    );
  }
  const checked = cpu as V86Cpu;
  if (checked.instruction_counter[0] !== 0) {
    throw new TypeError('the emulator has run already: attach before run(), or the BIOS does not see the DMAR table');
  }
  return checked;
}

function lacking(cpu: unknown, names: readonly string[], type: string): string[] {
  return names.filter((name) => typeof at(cpu, name) !== type || at(cpu, name) === null);
}

/** What stands at a path of property names. */
function at(root: unknown, path: string): unknown {
  let value = root;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[name];
  return value;
}
