import type { Driver } from '../driver.js';

const IQT = 0x88;
const IQA = 0x90;
const QIE = 2 ** 26;
/** Descriptors of 256 bits. */
const DW = 0x800n;

/** How a driver invalidates in scalable mode, where there is only the queue. */
export interface QueueStyle {
  /** The unit leaves invalidations pending until it is stepped. */
  readonly pending: boolean;
  /** Ask by an interrupt, too, when all is done. */
  readonly interrupt: boolean;
}

/** Sends invalidations through the queue, a wait behind them (§6.5.2). */
export class QueueInvalidator {
  readonly #driver: Driver;
  readonly #style: QueueStyle;
  readonly #queue: number;
  readonly #status: number;
  #tail = 0;
  #waits = 0;

  constructor(driver: Driver, style: QueueStyle) {
    this.#driver = driver;
    this.#style = style;
    this.#queue = driver.tables.page();
    this.#status = driver.tables.page() * 4096;
  }

  enable(): void {
    this.#tail = 0;
    this.#driver.write64(IQT, 0n);
    this.#driver.write64(IQA, (BigInt(this.#queue) << 12n) | DW);
    this.#driver.globalCommand(QIE, true);
  }

  contextGlobal(): void {
    this.#submit(1n | (1n << 4n), 0n);
  }

  /** @param functionMask - how many of the low bits of the function number count for nothing, 0 to 3 */
  contextDevice(sourceId: number, functionMask: number): void {
    this.#submit(1n | (3n << 4n) | (BigInt(sourceId) << 32n) | (BigInt(functionMask) << 48n), 0n);
  }

  iotlbGlobal(): void {
    this.#submit(2n | (1n << 4n) | 0xc0n, 0n);
  }

  iotlbDomain(domainId: number): void {
    this.#submit(2n | (2n << 4n) | 0xc0n | (BigInt(domainId) << 16n), 0n);
  }

  /** 2^`mask` pages from an address that is a multiple of that. */
  iotlbPages(domainId: number, address: bigint, mask: number): void {
    this.#submit(2n | (3n << 4n) | 0xc0n | (BigInt(domainId) << 16n), address | BigInt(mask));
  }

  pasidIotlb(domainId: number, pasid: number): void {
    this.#submit(6n | (2n << 4n) | (BigInt(domainId) << 16n) | (BigInt(pasid) << 32n), 0n);
  }

  pasidIotlbPages(domainId: number, pasid: number, address: bigint, mask: number): void {
    const ids = (BigInt(domainId) << 16n) | (BigInt(pasid) << 32n);
    this.#submit(6n | (3n << 4n) | ids, address | BigInt(mask));
  }

  pasidCacheGlobal(): void {
    this.#submit(7n | (3n << 4n), 0n);
  }

  pasidCacheDomain(domainId: number): void {
    this.#submit(7n | (BigInt(domainId) << 16n), 0n);
  }

  pasidCache(domainId: number, pasid: number): void {
    this.#submit(7n | (1n << 4n) | (BigInt(domainId) << 16n) | (BigInt(pasid) << 32n), 0n);
  }

  /** Waits until everything is done. */
  finish(): void {
    const data = BigInt(++this.#waits) << 32n;
    this.#submit(data | (this.#style.interrupt ? 0x30n : 0x20n) | 5n, BigInt(this.#status));
    this.#driver.write64(IQT, BigInt(this.#tail));
    if (this.#style.pending) this.#driver.command({ op: 'step' });
  }

  #submit(low: bigint, high: bigint): void {
    const at = this.#queue * 4096 + this.#tail;
    [low, high, 0n, 0n].forEach((word, index) => {
      this.#driver.tables.setWord(at + 8 * index, word);
    });
    this.#tail = (this.#tail + 32) % 4096;
  }
}
