import { createRequire } from 'node:module';
import { V86, type V86Options } from 'v86';
import { initramfs, kernel, seabios } from '../../scripts/linux/guest-files.mjs';
import { type AttachedV86, type AttachV86Options, attachV86 } from '../../src/v86/index.js';

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

const bytes = (data: Uint8Array) => ({ buffer: new Uint8Array(data).buffer });

/** A Linux guest in v86, with a disk and a virtio console, behind a unit. */
export class LinuxGuest {
  readonly emulator: V86;
  /** The disk as it is now: what the guest writes, stands here. */
  readonly disk: Uint8Array;
  /** What the guest has printed on its serial console. */
  console = '';
  #attached: AttachedV86 | undefined;
  #seen = 0;
  #listener = () => {};

  private constructor(options: V86Options, disk: Uint8Array) {
    this.disk = disk;
    this.emulator = new V86(options);
    this.emulator.add_listener('serial0-output-byte', (byte) => {
      this.console += String.fromCharCode(byte);
      this.#listener();
    });
  }

  /**
   * Boots until the first process runs.
   *
   * @param kernelOptions - of the kernel's command line
   * @param disk - an ext4 image, which is copied
   * @param attach - puts a unit into the machine; `undefined`: none
   * @param beforeRun - called with the attached unit when nothing has run yet
   */
  static async boot(
    kernelOptions: string,
    disk: Uint8Array,
    attach: AttachV86Options | undefined,
    beforeRun: (attached: AttachedV86) => void = () => {},
  ): Promise<LinuxGuest> {
    const { bios, vgaBios } = seabios();
    const hda = bytes(disk);
    const guest = new LinuxGuest(
      {
        wasm_path: WASM,
        acpi: true,
        autostart: false,
        memory_size: MEMORY_BYTES,
        vga_memory_size: 2 ** 21,
        bios: bytes(bios),
        vga_bios: bytes(vgaBios),
        bzimage: bytes(kernel()),
        initrd: bytes(initramfs(INIT)),
        cmdline: `console=ttyS0 panic=-1 rdinit=/init ${kernelOptions}`,
        hda,
        virtio_console: { type: 'none' },
        net_device: { type: 'none' } as object,
        disable_speaker: true,
      },
      new Uint8Array(hda.buffer),
    );
    await new Promise<void>((resolve) => guest.emulator.add_listener('emulator-loaded', resolve));
    if (attach !== undefined) {
      guest.#attached = attachV86(guest.emulator, attach);
      beforeRun(guest.#attached);
    }
    guest.emulator.run();
    await guest.expect(/@@ up/, BOOT_SECONDS);
    return guest;
  }

  /** The unit and the devices behind it. */
  get attached(): AttachedV86 {
    if (this.#attached === undefined) throw new Error('this guest has no unit');
    return this.#attached;
  }

  /**
   * Waits for output after that which was last waited for.
   *
   * @throws Error with the console's tail if it does not come in time
   */
  async expect(pattern: RegExp, seconds = COMMAND_SECONDS): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(this.console.slice(this.#seen));
      if (match === null) return;
      this.#seen += match.index + match[0].length;
      resolve(match);
    };
    const timer = setTimeout(() => {
      reject(new Error(`no ${pattern} within ${seconds} s; the guest's console ends:\n${this.console.slice(-3000)}`));
    }, seconds * 1000);
    this.#listener = look;
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#listener = () => {};
    }
  }

  /**
   * Runs a command of the guest's shell.
   *
   * @returns what it printed
   * @throws Error if it fails, or takes too long
   */
  async run(command: string): Promise<string> {
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
  async close(): Promise<void> {
    await this.emulator.destroy();
  }
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
