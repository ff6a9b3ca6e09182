import type { EventInterrupt } from '../interrupts/event-message.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { RegisterFile } from '../regs/register-file.js';

const PQH = 0xc0;
const PQT = 0xc8;
const PQA = 0xd0;
const PRS = 0xdc;
const PPR = 1 << 0;
const PRO = 1 << 1;

const DESCRIPTOR_BYTES = 32;

/** The page request queue in memory, its registers and its event (§7.4.1, §7.5). All its state stands in registers. */
export class PageRequestQueue {
  readonly #registers: RegisterFile;
  readonly #memory: GuestMemory;
  readonly #event: EventInterrupt;

  constructor(registers: RegisterFile, memory: GuestMemory, event: EventInterrupt) {
    this.#registers = registers;
    this.#memory = memory;
    this.#event = event;
    registers.onWrite(PRS, () => {
      if ((registers.get(PRS) & (PPR | PRO)) === 0) event.settle();
    });
  }

  /**
   * Whether a descriptor can be added. If not, there has been an overflow: from then on nothing is added until software
   * clears PRO. A queue that lies outside of memory is always full, or its requests would be lost.
   */
  claim(): boolean {
    const registers = this.#registers;
    if ((registers.get(PRS) & PRO) !== 0) return false;
    const next = (this.#tail + DESCRIPTOR_BYTES) % this.#bytes;
    if (next !== registers.get(PQH) && this.#memory.decodes(Math.floor(this.#address / 4096))) return true;
    this.#set(PRO);
    return false;
  }

  /** Adds a descriptor of eight 32-bit words. Call it only after {@link claim}. */
  add(words: readonly number[]): void {
    const address = this.#address;
    words.forEach((word, index) => {
      this.#memory.write32(address + index * 4, word);
    });
    this.#registers.set(PQT, (this.#tail + DESCRIPTOR_BYTES) % this.#bytes);
    this.#set(PPR);
  }

  get #bytes(): number {
    return 4096 << (this.#registers.get(PQA) & 7);
  }

  /** Software may leave a tail beyond the end. */
  get #tail(): number {
    return this.#registers.get(PQT) % this.#bytes;
  }

  get #address(): number {
    const base = (this.#registers.get(PQA + 4) >>> 0) * 0x10_0000 + (this.#registers.get(PQA) >>> 12);
    return base * 4096 + this.#tail;
  }

  /** Only the first condition since software cleared them all is told (§7.5). */
  #set(bit: number): void {
    const status = this.#registers.get(PRS);
    this.#registers.set(PRS, status | bit);
    if ((status & (PPR | PRO)) === 0) this.#event.raise();
  }
}
