import type { StatePart } from '../state/state-part.js';
import type { StateReader } from '../state/state-reader.js';
import type { StateWriter } from '../state/state-writer.js';
import type { Capabilities } from './capabilities.js';
import { findRegister, registerBytes } from './placement.js';
import { type RegisterValue, showRegisters } from './register-dump.js';
import { maskRegisters, type RegisterMasks } from './register-masks.js';

/**
 * Called when software has written to a dword, after the bits that it may write were stored.
 *
 * @param value - the dword as written, signed; 0 in the bytes that were not written
 * @param byteMask - ones in the bytes that were written, signed
 */
export type WriteHook = (value: number, byteMask: number) => void;

const PAGE = 4096;
const ALL_BYTES = -1;

/**
 * The registers that a unit's capabilities give it (§11): storage, what software may do to each bit, and hooks by which
 * the unit acts on what software writes. The file only keeps bits; behaviour is the unit's.
 *
 * `read8` to `write64` are software's side. `offset` is in bytes from the register base and of any alignment; only the
 * bytes of an access count, and one that spans dwords is done low dword first (§11.2). Bytes that no register covers,
 * also outside the block, read 0 and drop writes: software may try. An offset or a value that is none throws, since that
 * is the embedder's mistake.
 *
 * `get`, `set`, `setBits` and `clearBits` are the unit's side: aligned dwords inside the block, all bits, no hooks.
 */
export class RegisterFile implements StatePart {
  /** Bytes of the register block: 4 KiB, or the power of two times that which it takes (§11.1). */
  readonly size: number;

  readonly #capabilities: Capabilities;
  readonly #masks: RegisterMasks;
  readonly #words: Int32Array;
  readonly #hooks: (WriteHook | undefined)[];

  constructor(capabilities: Capabilities) {
    let size = PAGE;
    while (size < registerBytes(capabilities)) size *= 2;
    this.size = size;
    this.#capabilities = capabilities;
    this.#masks = maskRegisters(capabilities, size / 4);
    this.#words = this.#masks.reset.slice();
    this.#hooks = new Array(size / 4).fill(undefined);
  }

  /** Software reads a byte, 0 to 255. */
  read8(offset: number): number {
    checkOffset(offset);
    return (this.read(offset - (offset & 3)) >>> (8 * (offset & 3))) & 0xff;
  }

  /** Software reads 16 bits, 0 to 0xffff. */
  read16(offset: number): number {
    return this.read32(offset) & 0xffff;
  }

  /** Software reads 32 bits, 0 to 0xffff_ffff. */
  read32(offset: number): number {
    checkOffset(offset);
    const shift = 8 * (offset & 3);
    const first = offset - (offset & 3);
    if (shift === 0) return this.read(first) >>> 0;
    return ((this.read(first) >>> shift) | (this.read(first + 4) << (32 - shift))) >>> 0;
  }

  /** Software reads 64 bits. */
  read64(offset: number): bigint {
    const low = this.read32(offset);
    return (BigInt(this.read32(offset + 4)) << 32n) | BigInt(low);
  }

  /** Software writes a byte, given as -128 to 255. */
  write8(offset: number, value: number): void {
    checkOffset(offset);
    checkValue(value, -0x80, 0xff);
    const shift = 8 * (offset & 3);
    this.write(offset - (offset & 3), (value & 0xff) << shift, 0xff << shift);
  }

  /** Software writes 16 bits, given as -0x8000 to 0xffff. */
  write16(offset: number, value: number): void {
    checkOffset(offset);
    checkValue(value, -0x8000, 0xffff);
    const shift = 8 * (offset & 3);
    this.write(offset - (offset & 3), (value & 0xffff) << shift, 0xffff << shift);
    if (shift === 24) this.write(offset + 1, (value & 0xffff) >>> 8, 0xff);
  }

  /** Software writes 32 bits, given as signed or unsigned. */
  write32(offset: number, value: number): void {
    checkOffset(offset);
    checkValue(value, -0x8000_0000, 0xffff_ffff);
    const shift = 8 * (offset & 3);
    if (shift === 0) {
      this.write(offset, value | 0, ALL_BYTES);
      return;
    }
    const first = offset - (offset & 3);
    this.write(first, value << shift, ALL_BYTES << shift);
    this.write(first + 4, value >>> (32 - shift), ALL_BYTES >>> (32 - shift));
  }

  /** Software writes 64 bits, given as signed or unsigned; a number must be a safe integer. */
  write64(offset: number, value: bigint | number): void {
    checkOffset(offset);
    if (typeof value === 'bigint') {
      if (value < -(2n ** 63n) || value >= 2n ** 64n) throw new RangeError(`value is ${value}: a register has 64 bits`);
      this.write32(offset, Number(value & 0xffff_ffffn));
      this.write32(offset + 4, Number((value >> 32n) & 0xffff_ffffn));
      return;
    }
    checkValue(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    this.write32(offset, value | 0);
    this.write32(offset + 4, Math.floor(value / 2 ** 32) | 0);
  }

  /** A dword as it is stored, signed: also the bits that software cannot read. */
  get(offset: number): number {
    return this.#words[offset >> 2] as number;
  }

  /** Stores a dword, whatever software may do to it. */
  set(offset: number, value: number): void {
    this.#words[offset >> 2] = value;
  }

  /** Sets bits of a dword. */
  setBits(offset: number, bits: number): void {
    this.set(offset, this.get(offset) | bits);
  }

  /** Clears bits of a dword. */
  clearBits(offset: number, bits: number): void {
    this.set(offset, this.get(offset) & ~bits);
  }

  /**
   * Has `hook` called whenever software writes to a dword, also when nothing in it can be written. Several hooks on one
   * dword are called in the order in which they came.
   *
   * @throws RangeError if there is no such dword
   */
  onWrite(offset: number, hook: WriteHook): void {
    if (!Number.isInteger(offset) || offset < 0 || offset >= this.size || (offset & 3) !== 0) {
      throw new RangeError(`offset is ${offset}: hooks are on dwords, at multiples of 4 below ${this.size}`);
    }
    const earlier = this.#hooks[offset >> 2];
    this.#hooks[offset >> 2] =
      earlier === undefined
        ? hook
        : (value, byteMask) => {
            earlier(value, byteMask);
            hook(value, byteMask);
          };
  }

  /** Sets all registers to their reset values; a warm reset leaves sticky fields alone (§11.3). Calls no hooks. */
  reset(warm: boolean): void {
    const { reset, sticky } = this.#masks;
    for (let word = 0; word < reset.length; word++) {
      const kept = warm ? (sticky[word] as number) : 0;
      this.#words[word] = ((this.#words[word] as number) & kept) | ((reset[word] as number) & ~kept);
    }
  }

  /** @internal */
  save(to: StateWriter): void {
    to.words(this.#words);
  }

  /** @internal calls no hooks */
  load(from: StateReader): () => void {
    const { reset, variable } = this.#masks;
    const words = from.words(reset.length);
    words.forEach((value, word) => {
      const differing = (value ^ (reset[word] as number)) & ~(variable[word] as number);
      if (differing === 0) return;
      throw from.refusal(`bits 0x${(differing >>> 0).toString(16)} at 0x${(4 * word).toString(16)} never change`);
    });
    return () => this.#words.set(words);
  }

  /**
   * Byte offset of a register.
   *
   * @param index - which, where there are several alike
   * @throws RangeError if the architecture or this unit has no such register
   */
  offsetOf(name: string, index = 0): number {
    return findRegister(name, index, this.#capabilities);
  }

  /** All registers that the unit has, in order of their places, as software would read them. Changes nothing. */
  dump(): RegisterValue[] {
    return showRegisters(this, this.#capabilities);
  }

  private read(offset: number): number {
    if (offset >= this.size) return 0;
    const word = offset >>> 2;
    return (this.#words[word] as number) & (this.#masks.readable[word] as number);
  }

  private write(offset: number, value: number, byteMask: number): void {
    if (offset >= this.size) return;
    const word = offset >>> 2;
    const written = (this.#masks.writable[word] as number) & byteMask;
    const cleared = (this.#masks.clearable[word] as number) & value;
    this.#words[word] = (((this.#words[word] as number) & ~written) | (value & written)) & ~cleared;
    this.#hooks[word]?.(value, byteMask);
  }
}

function checkOffset(offset: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return;
  if (typeof offset !== 'number') throw new TypeError(`offset is ${String(offset)}: give a number of bytes`);
  throw new RangeError(`offset is ${offset}: give a whole number of bytes from the register base, 0 or more`);
}

function checkValue(value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  if (typeof value !== 'number') throw new TypeError(`value is ${String(value)}: give a number`);
  throw new RangeError(`value is ${value}: give a whole number from ${least} to ${most}`);
}
