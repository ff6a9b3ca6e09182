import type { Capabilities } from '../regs/capabilities.js';
import type { RegisterFile } from '../regs/register-file.js';
import type { RemappingState } from '../walk/translator.js';
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
  readonly #address: number;
  readonly #iotlb: number;

  /** @param requested - called when software has begun a request; the owner calls {@link step} for it */
  constructor(
    registers: RegisterFile,
    capabilities: Capabilities,
    state: RemappingState,
    effects: InvalidationEffects,
    queueEnabled: () => boolean,
    requested: () => void,
  ) {
    this.#registers = registers;
    this.#capabilities = capabilities;
    this.#state = state;
    this.#effects = effects;
    this.#queueEnabled = queueEnabled;
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

  /** Requests that the architecture calls incorrect do nothing and report granularity 0 (§11.4.6). */
  get #refused(): boolean {
    return this.#state.mode !== 0 || this.#capabilities.get('VER.MAJOR') >= 6 || this.#queueEnabled();
  }

  #contextCommand(): void {
    const low = this.#registers.get(CCMD);
    const high = this.#registers.get(CCMD + 4);
    const requested = (high >> 29) & 3;
    const performed = this.#refused ? 0 : requested;
    if (performed !== 0) invalidateContexts(this.#effects, performed, low & 0xffff, (low >>> 16) | ((high & 3) << 16));
    this.#effects.complete();
    this.#registers.set(CCMD + 4, (high & ~(PENDING | (3 << 27))) | (performed << 27));
  }

  #iotlbCommand(): void {
    const high = this.#registers.get(this.#iotlb + 4);
    const lo = this.#registers.get(this.#address);
    const performed = this.#iotlbGranularity((high >> 28) & 3, lo & 0x3f);
    if (performed !== 0) {
      invalidateIotlb(this.#effects, performed, high & 0xffff, this.#registers.get(this.#address + 4), lo);
    }
    this.#effects.complete();
    this.#registers.set(this.#iotlb + 4, (high & ~(PENDING | (3 << 25))) | (performed << 25));
  }

  #iotlbGranularity(requested: number, mask: number): number {
    if (this.#refused || requested !== 3) return this.#refused ? 0 : requested;
    // without page-selective invalidation the whole domain goes, and the answer says so
    if (!this.#capabilities.has('CAP.PSI')) return 2;
    return mask > this.#capabilities.get('CAP.MAMV') ? 0 : 3;
  }
}
