import type { Buffer } from 'buffer/index.js';

/** Reads what a `StateWriter` wrote. Bytes that it cannot have written throw a RangeError that says where and why. */
export class StateReader {
  readonly #buffer: Buffer;
  readonly #where: string;
  #at = 0;

  /** @param where - which part of the state these bytes are, for messages */
  constructor(bytes: Buffer, where: string) {
    this.#buffer = bytes;
    this.#where = where;
  }

  /** A 32-bit word, signed. */
  word(): number {
    return this.#buffer.readInt32LE(this.#claim(4));
  }

  words(count: number): Int32Array {
    const at = this.#claim(count * 4);
    const words = new Int32Array(count);
    new Uint8Array(words.buffer).set(this.#buffer.slice(at, at + count * 4));
    return words;
  }

  /** A word that holds a whole number from `least` to `most`. */
  whole(what: string, least: number, most: number): number {
    return this.#within(what, this.word() >>> 0, least, most);
  }

  /** A whole number of two words from `least` to `most`. */
  wide(what: string, least: number, most: number): number {
    const low = this.word() >>> 0;
    return this.#within(what, (this.word() >>> 0) * 2 ** 32 + low, least, most);
  }

  flag(what: string): boolean {
    return this.whole(what, 0, 1) === 1;
  }

  text(): string {
    const length = this.whole('length of a text', 0, this.left);
    const at = this.#claim(length);
    return this.#buffer.toString('latin1', at, at + length);
  }

  /** The reader of the section that begins here, which must be that of `name`. */
  section(name: string): StateReader {
    const found = this.text();
    if (found !== name) throw this.refusal(`section '${found}' stands where '${name}' should`);
    const length = this.whole(`length of section '${name}'`, 0, this.left);
    const at = this.#claim(length);
    return new StateReader(this.#buffer.slice(at, at + length), `section '${name}'`);
  }

  /** Bytes that have not been read yet. */
  get left(): number {
    return this.#buffer.length - this.#at;
  }

  /** @throws RangeError if something is left */
  end(): void {
    if (this.left > 0) throw this.refusal(`it has ${this.left} bytes too many`);
  }

  /** The error that tells why the bytes cannot be taken, and what to do. */
  refusal(reason: string, remedy = 'give the bytes that saveState() answered'): RangeError {
    return new RangeError(`the saved state cannot be restored: ${this.#where}: ${reason}; ${remedy}`);
  }

  #within(what: string, value: number, least: number, most: number): number {
    if (value >= least && value <= most) return value;
    throw this.refusal(`${what} is ${value}, not ${least} to ${most}`);
  }

  #claim(bytes: number): number {
    if (bytes > this.left) throw this.refusal('it ends too early');
    const at = this.#at;
    this.#at += bytes;
    return at;
  }
}
