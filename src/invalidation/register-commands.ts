import type { Capabilities } from '../regs/capabilities.js';
import type { RegisterFile } from '../regs/register-file.js';
import { MODE, type RemappingState } from '../walk/translator.js';
import type { InvalidationEffects } from './effects.js';
import { invalidateContexts, invalidateIotlb } from './queue.js';

const CCMD = 0x28;
/** ICC and IVT: the request is pending. In the high half of their registers, like all that follows. */
const PENDING = 1 << 31;

/** The invalidation registers, CCMD and IVA with IOTLB_REG (§6.5.1, §11.4.6): legacy mode, up to major version 5. */
export class RegisterInvalidation {
  readonly #registers: RegisterFile;
  readonly #capabilities: Capabilities;
  readonly #state: RemappingState;
  readonly #effects: InvalidationEffects;
  readonly #queueEnabled: () => boolean;
  readonly #obliging: boolean;
  readonly #address: number;
  readonly #iotlb: number;

  /**
   * @param obliging - what a request of scalable mode names is dropped although the request is refused
   * @param requested - called when software has begun a request; the owner calls {@link step} for it
   */
  constructor(
    registers: RegisterFile,
    capabilities: Capabilities,
    state: RemappingState,
    effects: InvalidationEffects,
    queueEnabled: () => boolean,
    obliging: boolean,
    requested: () => void,
  ) {
    this.#registers = registers;
    this.#capabilities = capabilities;
    this.#state = state;
    this.#effects = effects;
    this.#queueEnabled = queueEnabled;
    this.#obliging = obliging;
    this.#address = registers.offsetOf('IVA');
    this.#iotlb = registers.offsetOf('IOTLB_REG');
    for (const register of [CCMD, this.#iotlb]) {
      // the byte with the command bit starts the request, in whatever access it comes (§11.4.6.1)
      registers.onWrite(register + 4, (value) => {
        if (value < 0) requested();
      });
    }
  }

  get ready(): boolean {
    return this.#isPending(CCMD) || this.#isPending(this.#iotlb);
  }

  /** Performs a pending request; the context-cache's comes first (§6.5.1). Call it only when {@link ready}. */
  step(): void {
    if (this.#isPending(CCMD)) this.#contextCommand();
    else this.#iotlbCommand();
  }

  #isPending(register: number): boolean {
    return (this.#registers.get(register + 4) & PENDING) !== 0;
  }

  /** Requests that the architecture calls incorrect report granularity 0 (§11.4.6). */
  get #refused(): boolean {
    return this.#state.mode !== MODE.LEGACY || this.#ignored;
  }

  /** They need not do anything; what hardware does all the same in another mode it may, since it may drop what it likes. */
  get #ignored(): boolean {
    if (this.#capabilities.get('VER.MAJOR') >= 6 || this.#queueEnabled()) return true;
    return this.#state.mode !== MODE.LEGACY && !this.#obliging;
  }

  #contextCommand(): void {
    const low = this.#registers.get(CCMD);
    const high = this.#registers.get(CCMD + 4);
    const requested = (high >> 29) & 3;
    const done = this.#ignored ? 0 : requested;
    if (done !== 0) invalidateContexts(this.#effects, done, low & 0xffff, (low >>> 16) | ((high & 3) << 16));
    // no register names PASID entries, so they go with every context command
    if (done !== 0 && this.#state.mode !== MODE.LEGACY) this.#effects.pasidGlobal();
    this.#effects.complete();
    const performed = this.#refused ? 0 : done;
    this.#registers.set(CCMD + 4, (high & ~(PENDING | (3 << 27))) | (performed << 27));
  }

  #iotlbCommand(): void {
    const high = this.#registers.get(this.#iotlb + 4);
    const lo = this.#registers.get(this.#address);
    const done = this.#ignored ? 0 : this.#iotlbGranularity((high >> 28) & 3, lo & 0x3f);
    if (done !== 0) invalidateIotlb(this.#effects, done, high & 0xffff, this.#registers.get(this.#address + 4), lo);
    this.#effects.complete();
    const performed = this.#refused ? 0 : done;
    this.#registers.set(this.#iotlb + 4, (high & ~(PENDING | (3 << 25))) | (performed << 25));
  }

  #iotlbGranularity(requested: number, mask: number): number {
    if (requested !== 3) return requested;
    // without page-selective invalidation the whole domain goes, and the answer says so
    if (!this.#capabilities.has('CAP.PSI')) return 2;
    return mask > this.#capabilities.get('CAP.MAMV') ? 0 : 3;
  }
}
