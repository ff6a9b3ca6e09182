// The machine: a PC of v86 with a disk, a virtio console, and a remapping unit before both. Runs in Node and in browsers.
import { attachV86 } from 'intel-iommu/v86';
import { V86 } from 'v86';

/** @typedef {'bios' | 'vga_bios' | 'bzimage' | 'initrd' | 'hda'} ImageName */
/** @typedef {Record<ImageName, { buffer: ArrayBuffer } | { url: string }>} Images */
/** @typedef {{ emulator: V86 } & import('intel-iommu/v86').AttachedV86} Machine */

/** IOVAs are just under 4 GiB: with this little memory none of them is the address of memory. */
const MEMORY_BYTES = 256 * 2 ** 20;

/** Where Linux has its own code. */
const KERNEL_CODE = 0x100_0000;

/**
 * v86 keeps the time of its host, so while a busy host lets it wait, ticks are lost: Linux is not to take that for a
 * broken timer, and panic.
 */
const TIMER = 'no_timer_check';

const GSTS = 0x1c;
const TES = 0x8000_0000;

/**
 * Makes the machine, and puts a unit into it. It does not run yet. The kernel hands the console's size, words that it
 * does not know, to the first process.
 *
 * @param {object} options
 * @param {Images} options.images
 * @param {string} options.wasm - path or address of v86's `build/v86.wasm`
 * @param {{ rows: number, columns: number }} options.console - its size in characters
 * @returns {Promise<Machine>}
 */
export async function makeMachine({ images, wasm, console: { rows, columns } }) {
  const emulator = new V86({
    ...images,
    wasm_path: wasm,
    acpi: true,
    autostart: false,
    memory_size: MEMORY_BYTES,
    vga_memory_size: 2 ** 21,
    cmdline: `console=ttyS0 rdinit=/init intel_iommu=on ${TIMER} LINES=${rows} COLUMNS=${columns}`,
    virtio_console: { type: 'none' },
    net_device: /** @type {object} */ ({ type: 'none' }),
    disable_speaker: true,
    disable_keyboard: true,
    disable_mouse: true,
  });
  await new Promise((resolve) => emulator.add_listener('emulator-loaded', () => resolve(undefined)));
  return { emulator, ...attachV86(emulator) };
}

/**
 * Whether the guest has switched remapping on.
 *
 * @param {Machine} machine
 */
export function isRemapping({ unit }) {
  return (unit.read32(GSTS) & TES) !== 0;
}

/**
 * What a malicious or faulty disk controller can try: it writes over the kernel's code, which no driver told it to do.
 *
 * @param {Machine} machine
 * @returns {string} what came of it
 */
export function attack(machine) {
  if (!isRemapping(machine)) return 'remapping is off still: the write would destroy the kernel';
  const [disk] = machine.devices;
  if (disk === undefined) return 'the machine has no disk';
  const done = disk.region.write(KERNEL_CODE, new TextEncoder().encode('overwritten!'));
  return `${disk.name} wrote ${done} of 12 bytes to 0x${KERNEL_CODE.toString(16)}, where the kernel's code is`;
}
