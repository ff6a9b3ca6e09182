import type { RegisterFile } from '../regs/register-file.js';
import { type InterruptMessage, interruptMessage } from './message.js';

/**
 * A message that the unit itself sends to the interrupt controllers; it is never remapped (§5.1.6). It is fixed or of
 * lowest priority, and edge-triggered. Without ECAP.EIM its upper address is 0.
 */
export interface EventMessage extends InterruptMessage {
  /** What the message tells of. */
  readonly source: 'fault' | 'invalidation' | 'page-request';
}

const MASKED = 1 << 31;
const PENDING = 1 << 30;

/**
 * An event's control, data and address registers, which stand one after the other: sends the message when its
 * condition arises, or keeps it pending while software has it masked (§7.3, §11.4.7.2).
 */
export class EventInterrupt {
  readonly #registers: RegisterFile;
  readonly #control: number;
  readonly #source: EventMessage['source'];
  readonly #send: (message: EventMessage) => void;

  /** @param control - offset of the control register (FECTL, IECTL, PECTL) */
  constructor(
    registers: RegisterFile,
    control: number,
    source: EventMessage['source'],
    send: (message: EventMessage) => void,
  ) {
    this.#registers = registers;
    this.#control = control;
    this.#source = source;
    this.#send = send;
    registers.onWrite(control, () => {
      if ((registers.get(control) & PENDING) !== 0) this.#deliver();
    });
  }

  /** The condition arose, and no other of the block was there already. */
  raise(): void {
    this.#registers.set(this.#control, this.#registers.get(this.#control) | PENDING);
    this.#deliver();
  }

  /** Software has seen to all conditions of the block: nothing is left to tell. */
  settle(): void {
    this.#registers.set(this.#control, this.#registers.get(this.#control) & ~PENDING);
  }

  #deliver(): void {
    const registers = this.#registers;
    if ((registers.get(this.#control) & MASKED) !== 0) return;
    this.settle();
    // trigger mode and level are taken as 0, whatever stands there (§11.4.7.3)
    const data = registers.get(this.#control + 4) & 0x1ff;
    const message = interruptMessage(registers.get(this.#control + 8), registers.get(this.#control + 12), data);
    this.#send({ source: this.#source, ...message });
  }
}
