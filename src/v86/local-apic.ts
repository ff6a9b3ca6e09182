import type { V86Cpu } from './emulator.js';

/** 32-bit words of v86's local APIC, and where its registers for 256 vectors begin. */
const WORDS = 46;
const IRR = 16;
const TMR = 32;

const LOWEST_PRIORITY = 1;

/**
 * Brings messages to the local APIC of v86, which has no entry for them: sets the vector in the IRR, as v86 itself does
 * for a message of its I/O APIC. The processor may take an interrupt only between its instructions, so what is sent
 * while it runs (by a register write, or by DMA that a port write starts) waits until its loop has returned.
 */
export class LocalApic {
  readonly #cpu: V86Cpu;
  #waiting: number[] = [];
  #running = false;

  constructor(cpu: V86Cpu) {
    this.#cpu = cpu;
  }

  /**
   * Runs the processor's loop, then delivers what was sent meanwhile.
   *
   * @param loop - answers after how many milliseconds the processor wants to go on
   * @returns the same, or 0 if it has an interrupt to take
   */
  around(loop: () => number): number {
    this.#running = true;
    let wait: number;
    try {
      wait = loop();
    } finally {
      this.#running = false;
    }
    return this.deliver() ? 0 : wait;
  }

  /** A message with this data. v86 has one processor, and routes every message to it. */
  send(data: number): void {
    this.#waiting.push(data);
    if (!this.#running) this.deliver();
  }

  /** @returns whether anything waited */
  private deliver(): boolean {
    if (this.#waiting.length === 0) return false;
    const messages = this.#waiting;
    this.#waiting = [];
    const apic = new Uint32Array(this.#cpu.wasm_memory.buffer, this.#cpu.get_apic_addr(), WORDS);
    for (const data of messages) {
      const vector = data & 0xff;
      // v86's processor knows no NMI, SMI or INIT; vectors below 16 are illegal
      if (((data >> 8) & 7) > LOWEST_PRIORITY || vector < 16) continue;
      const bit = 1 << (vector & 31);
      apic[IRR + (vector >> 5)]! |= bit;
      apic[TMR + (vector >> 5)]! &= ~bit;
    }
    this.#cpu.handle_irqs();
    return true;
  }
}
