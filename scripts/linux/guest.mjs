// A Linux guest in v86, with a disk and a virtio console, whose shell takes commands over the serial line.
import { createRequire } from 'node:module';
import { V86 } from 'v86';
import { initramfs, kernel, seabios } from './guest-files.mjs';

const WASM = createRequire(import.meta.url).resolve('v86/build/v86.wasm');

/** Runs each line that comes on the console, and says how it ended. */
const INIT = `
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
stty -echo
echo "@@ up"
while read -r line; do eval "$line"; echo "@@ $?"; done
`;

/** IOVAs are just under 4 GiB: with this little memory none of them is the address of memory. */
const MEMORY_BYTES = 256 * 2 ** 20;

/** Most time from power-on to the first process, and for a command. */
const BOOT_SECONDS = 60;
const COMMAND_SECONDS = 30;

const image = (/** @type {Uint8Array} */ data) => ({ buffer: new Uint8Array(data).buffer });

export class LinuxGuest {
  /** The disk as it is now: what the guest writes, stands here. */
  disk;
  emulator;
  /** What the guest has printed on its serial console. */
  console = '';
  #seen = 0;
  #printed = () => {};

  /**
   * @param {string} kernelOptions - of the kernel's command line
   * @param {Uint8Array} disk - an ext4 image, which is copied
   */
  constructor(kernelOptions, disk) {
    const { bios, vgaBios } = seabios();
    const hda = image(disk);
    this.disk = new Uint8Array(hda.buffer);
    this.emulator = new V86({
      wasm_path: WASM,
      acpi: true,
      autostart: false,
      memory_size: MEMORY_BYTES,
      vga_memory_size: 2 ** 21,
      bios: image(bios),
      vga_bios: image(vgaBios),
      bzimage: image(kernel()),
      initrd: image(initramfs(INIT)),
      // a busy host loses ticks of the guest's timer, which Linux would take for a broken one
      cmdline: `console=ttyS0 no_timer_check rdinit=/init ${kernelOptions}`,
      hda,
      virtio_console: { type: 'none' },
      // v86 knows `none`; its types do not
      net_device: /** @type {object} */ ({ type: 'none' }),
      disable_speaker: true,
    });
    this.emulator.add_listener('serial0-output-byte', (byte) => {
      this.console += String.fromCharCode(byte);
      this.#printed();
    });
  }

  /** Waits until the machine is put together. Nothing runs then. */
  async loaded() {
    await new Promise((resolve) => this.emulator.add_listener('emulator-loaded', () => resolve(undefined)));
  }

  /** Boots until the first process runs. */
  async boot() {
    this.emulator.run();
    await this.expect(/@@ up/, BOOT_SECONDS);
  }

  /** The guest's memory as it is now: a view. */
  get ram() {
    return this.emulator.read_memory(0, MEMORY_BYTES);
  }

  /**
   * Waits for output after that which was last waited for.
   *
   * @param {RegExp} pattern
   * @param {number} [seconds]
   * @returns {Promise<RegExpExecArray>}
   * @throws Error with the console's tail if it does not come in time
   */
  expect(pattern, seconds = COMMAND_SECONDS) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#printed = () => {};
        reject(new Error(`no ${pattern} within ${seconds} s; the guest's console ends:\n${this.console.slice(-3000)}`));
      }, seconds * 1000);
      this.#printed = () => {
        const match = pattern.exec(this.console.slice(this.#seen));
        if (match === null) return;
        this.#seen += match.index + match[0].length;
        this.#printed = () => {};
        clearTimeout(timer);
        resolve(match);
      };
      this.#printed();
    });
  }

  /**
   * Runs a command of the guest's shell.
   *
   * @param {string} command
   * @returns {Promise<string>} what it printed
   * @throws Error if it fails, or takes too long
   */
  async run(command) {
    const from = this.#seen;
    this.emulator.serial0_send(`${command}\n`);
    const [end, status] = await this.expect(/@@ (\d+)\r\n/);
    const output = this.console
      .slice(from, this.#seen - end.length)
      .replaceAll('\r', '')
      .trim();
    if (status !== '0') throw new Error(`${command}: exit status ${status}\n${output}`);
    return output;
  }

  /** Ends the machine. */
  async close() {
    await this.emulator.destroy();
  }
}
