import type { Driver } from './driver.js';

const CCMD = 0x28;
const IQT = 0x88;
const IQA = 0x90;
const QIE = 2 ** 26;
/** Where the worlds' units have them: ECAP.IRO is 0xf. */
const IVA = 0xf0;
const IOTLB_REG = 0xf8;

const GLOBAL = 1n;
const DOMAIN = 2n;
const SELECTIVE = 3n;

/** How a driver invalidates. */
export interface InvalidationStyle {
  /** By the queue, or by registers. */
  readonly queue: boolean;
  /** Descriptors of 256 bits, which need ECAP.ADMS here. */
  readonly wide: boolean;
  /** The unit leaves invalidations pending until it is stepped. */
  readonly pending: boolean;
  /** Ask by an interrupt, too, when all is done. */
  readonly interrupt: boolean;
}

/** Sends invalidations as a driver does: registers one by one, or descriptors with a wait behind them (§6.5). */
export class Invalidator {
  readonly #driver: Driver;
  readonly #style: InvalidationStyle;
  readonly #queue: number;
  readonly #status: number;
  #tail = 0;
  #waits = 0;

  constructor(driver: Driver, style: InvalidationStyle) {
    this.#driver = driver;
    this.#style = style;
    this.#queue = driver.tables.page();
    this.#status = driver.tables.page() * 4096;
  }

  /** Switches the queue on, where the style has one. */
  enable(): void {
    if (!this.#style.queue) return;
    this.#tail = 0;
    this.#driver.write64(IQT, 0n);
    this.#driver.write64(IQA, (BigInt(this.#queue) << 12n) | (this.#style.wide ? 0x800n : 0n));
    this.#driver.globalCommand(QIE, true);
  }

  contextGlobal(): void {
    this.#context(GLOBAL, 0, 0, 0);
  }

  contextDomain(domainId: number): void {
    this.#context(DOMAIN, domainId, 0, 0);
  }

  /** @param functionMask - how many of the low bits of the function number count for nothing, 0 to 3 */
  contextDevice(domainId: number, sourceId: number, functionMask = 0): void {
    this.#context(SELECTIVE, domainId, sourceId, functionMask);
  }

  iotlbGlobal(): void {
    this.#iotlb(GLOBAL, 0, 0n, 0);
  }

  iotlbDomain(domainId: number): void {
    this.#iotlb(DOMAIN, domainId, 0n, 0);
  }

  /** 2^`mask` pages from an address that is a multiple of that. */
  iotlbPages(domainId: number, address: bigint, mask: number): void {
    this.#iotlb(SELECTIVE, domainId, address, mask);
  }

  /** Waits until everything is done. */
  finish(): void {
    const { queue, pending, interrupt } = this.#style;
    if (queue) {
      const data = BigInt(++this.#waits) << 32n;
      this.#submit(data | (interrupt ? 0x30n : 0x20n) | 5n, BigInt(this.#status));
      this.#driver.write64(IQT, BigInt(this.#tail));
    }
    if (pending) this.#driver.command({ op: 'step' });
  }

  #context(granularity: bigint, domainId: number, sourceId: number, functionMask: number): void {
    const ids = (BigInt(sourceId) << 16n) | BigInt(domainId);
    if (this.#style.queue) {
      const mask = BigInt(functionMask) << 48n;
      this.#submit(1n | (granularity << 4n) | (ids << 16n) | mask, 0n);
      return;
    }
    this.#driver.write64(CCMD, (1n << 63n) | (granularity << 61n) | (BigInt(functionMask) << 32n) | ids);
    this.#poll();
  }

  #iotlb(granularity: bigint, domainId: number, address: bigint, mask: number): void {
    const place = address | BigInt(mask);
    const id = BigInt(domainId);
    if (this.#style.queue) {
      this.#submit(2n | (granularity << 4n) | 0xc0n | (id << 16n), place);
      return;
    }
    if (granularity === SELECTIVE) this.#driver.write64(IVA, place);
    this.#driver.write64(IOTLB_REG, (1n << 63n) | (granularity << 60n) | (3n << 48n) | (id << 32n));
    this.#poll();
  }

  /** A driver polls until a register command is done; only then it may write the next one. */
  #poll(): void {
    if (this.#style.pending) this.#driver.command({ op: 'step' });
  }

  #submit(low: bigint, high: bigint): void {
    const { tables } = this.#driver;
    const at = this.#queue * 4096 + this.#tail;
    tables.setWord(at, low);
    tables.setWord(at + 8, high);
    this.#tail = (this.#tail + (this.#style.wide ? 32 : 16)) % 4096;
  }
}
