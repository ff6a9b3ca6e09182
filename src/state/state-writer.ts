import { Buffer } from 'buffer/index.js';

const FIRST_BYTES = 8192;

/** Collects the bytes of a saved state: 32-bit words, little-endian, and short texts. */
export class StateWriter {
  #buffer = Buffer.alloc(FIRST_BYTES);
  #length = 0;

  /** A 32-bit word, signed or unsigned; a flag is 0 or 1. */
  word(value: number | boolean): void {
    const at = this.#claim(4);
    this.#buffer.writeInt32LE(Number(value) | 0, at);
  }

  /** Words as they stand in memory: hosts are little-endian, which the memory port relies on, too. */
  words(values: Int32Array): void {
    const at = this.#claim(values.byteLength);
    this.#buffer.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  }

  /** A whole number up to 2^53 - 1: low word, high word. */
  wide(value: number): void {
    this.word(value % 2 ** 32);
    this.word(Math.floor(value / 2 ** 32));
  }

  /** An ASCII text, its length before it. */
  text(text: string): void {
    this.word(text.length);
    const at = this.#claim(text.length);
    this.#buffer.write(text, at, text.length, 'latin1');
  }

  /** A section: its name, the number of its bytes, and what `fill` writes. */
  section(name: string, fill: () => void): void {
    this.text(name);
    const at = this.#claim(4);
    fill();
    this.#buffer.writeInt32LE(this.#length - at - 4, at);
  }

  /** A copy of what was written. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#buffer.subarray(0, this.#length));
  }

  /** Makes room; answers where it begins. */
  #claim(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const longer = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length));
      longer.set(this.#buffer);
      this.#buffer = longer;
    }
    return at;
  }
}
