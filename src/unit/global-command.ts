import type { FaultLog } from '../faults/fault-log.js';
import type { InterruptState } from '../interrupts/interrupt-state.js';
import type { InvalidationQueue } from '../invalidation/queue.js';
import type { Capabilities } from '../regs/capabilities.js';
import type { RegisterFile } from '../regs/register-file.js';
import type { RemappingState } from '../walk/translator.js';

const GCMD = 0x18;
export const GSTS = 0x1c;
const RTADDR = 0x20;
const IRTA = 0xb8;

/** Bits of GCMD and GSTS alike. */
export const TE = 1 << 31;
const SRTP = 1 << 30;
export const QIE = 1 << 26;
export const IRE = 1 << 25;
const SIRTP = 1 << 24;
const CFI = 1 << 23;
/** Bit of IRTA: extended interrupt mode. */
const EIME = 1 << 11;

/** In RTADDR: the second stage goes by IR and IW. */
const SSIRWE = 1 << 7;

/** What the unit has to do when a command took effect. */
export interface CommandEffects {
  /** All translation caches are dropped. */
  dropAll(): void;
  /** Translation was switched, or goes by another root table: what requesters see may be another. */
  remappingChanged(): void;
  /** All entries of the interrupt-entry cache are dropped. */
  dropInterruptEntries(): void;
  /** Interrupts are remapped by another table, or not any more. */
  interruptTableChanged(): void;
  /** Interrupt remapping was switched: 0xFEEx_xxxx may be memory to requesters that are not translated. */
  interruptRangeChanged(): void;
  queueEnabled(): void;
}

/** The global command and status registers (§11.4.4). */
export class GlobalCommand {
  readonly #registers: RegisterFile;
  readonly #capabilities: Capabilities;
  readonly #state: RemappingState;
  readonly #interrupts: InterruptState;
  readonly #queue: InvalidationQueue;
  readonly #faults: FaultLog;
  readonly #effects: CommandEffects;
  /** Level bits that exist. */
  readonly #levels: number;

  constructor(
    registers: RegisterFile,
    capabilities: Capabilities,
    state: RemappingState,
    interrupts: InterruptState,
    queue: InvalidationQueue,
    faults: FaultLog,
    effects: CommandEffects,
  ) {
    this.#registers = registers;
    this.#capabilities = capabilities;
    this.#state = state;
    this.#interrupts = interrupts;
    this.#queue = queue;
    this.#faults = faults;
    this.#effects = effects;
    this.#levels = TE | (capabilities.has('ECAP.QI') ? QIE : 0) | (capabilities.has('ECAP.IR') ? IRE | CFI : 0);
    registers.onWrite(GCMD, (value, byteMask) => this.#command(value, byteMask));
  }

  /**
   * Several changes in one write are left open (§11.4.4.1): pointers are latched before anything is switched on, so
   * that no request meets the old tables.
   */
  #command(value: number, byteMask: number): void {
    if ((value & SRTP) !== 0) this.#setRootPointer();
    if ((value & SIRTP) !== 0 && this.#capabilities.has('ECAP.IR')) this.#setInterruptTable();
    const status = this.#registers.get(GSTS);
    // a write of single bytes leaves the levels in the others as they are
    const changed = (status ^ value) & byteMask & this.#levels;
    if ((changed & TE) !== 0) this.#switchTranslation((value & TE) !== 0);
    if ((changed & QIE) !== 0) this.#switchQueue((value & QIE) !== 0);
    if ((changed & IRE) !== 0) this.#switchInterruptRemapping((value & IRE) !== 0);
    if ((changed & CFI) !== 0) {
      this.#interrupts.compatibility = (value & CFI) !== 0;
      this.#status(CFI, value);
    }
    if (!this.#state.translation && !this.#state.interruptRemapping) this.#faults.restart();
  }

  /** SRTP latches RTADDR (§11.4.5, §6.6). */
  #setRootPointer(): void {
    const low = this.#registers.get(RTADDR);
    const high = this.#registers.get(RTADDR + 4) >>> 0;
    this.#state.rootTable = high * 0x10_0000 + (low >>> 12);
    this.#state.mode = (low >> 10) & 3;
    this.#state.ioRights = (low & SSIRWE) !== 0;
    if (this.#capabilities.has('CAP.ESRTPS')) this.#effects.dropAll();
    this.#status(SRTP, SRTP);
    this.#effects.remappingChanged();
  }

  #switchTranslation(on: boolean): void {
    this.#state.translation = on;
    // switching off drops all caches of a unit that has scalable mode (§11.4.4.1)
    if (!on && this.#capabilities.has('ECAP.SMTS')) this.#effects.dropAll();
    this.#status(TE, on ? TE : 0);
    this.#effects.remappingChanged();
  }

  /** SIRTP latches IRTA (§11.4.10, §6.7). */
  #setInterruptTable(): void {
    const low = this.#registers.get(IRTA);
    const high = this.#registers.get(IRTA + 4) >>> 0;
    this.#interrupts.table = high * 0x10_0000 + (low >>> 12);
    this.#interrupts.extended = (low & EIME) !== 0;
    this.#interrupts.entries = 2 << (low & 0xf);
    if (this.#capabilities.has('CAP.ESIRTPS')) this.#effects.dropInterruptEntries();
    this.#status(SIRTP, SIRTP);
    this.#effects.interruptTableChanged();
  }

  #switchInterruptRemapping(on: boolean): void {
    this.#state.interruptRemapping = on;
    this.#status(IRE, on ? IRE : 0);
    if (!on) {
      if (this.#capabilities.has('CAP.ESIRTPS')) this.#effects.dropInterruptEntries();
      this.#effects.interruptTableChanged();
    }
    this.#effects.interruptRangeChanged();
  }

  #switchQueue(on: boolean): void {
    this.#queue.enable(on);
    this.#status(QIE, on ? QIE : 0);
    if (on) this.#effects.queueEnabled();
  }

  #status(bits: number, value: number): void {
    this.#registers.set(GSTS, (this.#registers.get(GSTS) & ~bits) | (value & bits));
  }
}
