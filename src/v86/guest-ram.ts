import type { GuestMemory } from '../memory/guest-memory.js';
import type { V86Cpu } from './emulator.js';

/**
 * v86's RAM as ranges of guest memory. It is read by a view, since v86's own `mem8` makes one for each access; code that
 * v86 compiled from bytes that are written is dropped.
 */
export class GuestRam {
  readonly #cpu: V86Cpu;
  readonly #memory: GuestMemory;
  #buffer: ArrayBuffer | undefined = undefined;

  constructor(cpu: V86Cpu, memory: GuestMemory) {
    this.#cpu = cpu;
    this.#memory = memory;
    this.refresh();
  }

  /** Attaches the RAM again if v86's memory has grown since, which detached the view. */
  refresh(): void {
    const { wasm_memory, mem8 } = this.#cpu;
    if (wasm_memory.buffer === this.#buffer) return;
    this.#buffer = wasm_memory.buffer;
    this.#memory.attach(0, new Uint8Array(wasm_memory.buffer, mem8.byteOffset, mem8.length), {
      written: (address, length) => this.#cpu.jit_dirty_cache(address, address + length),
    });
  }
}
