import { GuestMemory, type MemoryHandler } from '../../src/index.js';
import { hex, type Step } from './scenario.js';

/**
 * Memory as a guest's driver sees it while it prepares its tables: what it writes is kept, and told as `memwrite`
 * commands when it asks for them. Outside of RAM writes go nowhere.
 */
export class GuestImage implements MemoryHandler {
  readonly #ranges: readonly (readonly [base: number, end: number])[];
  readonly #words = new Map<number, number>();
  readonly #dirty = new Set<number>();

  constructor(ram: readonly (readonly [first: string, bytes: string])[]) {
    this.#ranges = ram.map(([first, bytes]) => [Number(first), Number(first) + Number(bytes)]);
  }

  /** A port onto the image, for a table builder. */
  memory(): GuestMemory {
    return new GuestMemory().attachHandler(0, 2 ** 52, this);
  }

  readWord(address: number): number | undefined {
    return this.#isRam(address) ? (this.#words.get(address) ?? 0) : undefined;
  }

  writeWord(address: number, value: number): boolean {
    if (!this.#isRam(address)) return false;
    if ((this.#words.get(address) ?? 0) !== value) {
      this.#words.set(address, value);
      this.#dirty.add(address);
    }
    return true;
  }

  /** The addresses of 64-bit words that are not 0, in ascending order. */
  get entries(): number[] {
    const addresses = new Set<number>();
    for (const [address, value] of this.#words) if (value !== 0) addresses.add(address - (address % 8));
    return [...addresses].sort((a, b) => a - b);
  }

  /** What was written since the last call, as few commands as possible. */
  takeWrites(): Step[] {
    const addresses = [...this.#dirty].sort((a, b) => a - b);
    this.#dirty.clear();
    const steps: Step[] = [];
    for (let from = 0; from < addresses.length; ) {
      let to = from + 1;
      while (addresses[to] === addresses[to - 1] + 4) to++;
      const words = Int32Array.from(addresses.slice(from, to), (address) => this.#words.get(address) ?? 0);
      steps.push({ op: 'memwrite', addr: hex(addresses[from]), hex: Buffer.from(words.buffer).toString('hex') });
      from = to;
    }
    return steps;
  }

  #isRam(address: number): boolean {
    return this.#ranges.some(([base, end]) => address >= base && address < end);
  }
}
