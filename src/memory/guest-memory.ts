import { EventEmitter } from 'eventemitter3';

/** Bytes in a page, the granule of every range of guest memory. */
export const PAGE_BYTES = 4096;

/** Guest addresses have at most 52 bits (§3.4): a JavaScript number holds every one exactly. */
const ADDRESS_LIMIT = 2 ** 52;

/** One `Int32Array` is indexed with 31 bits, so a longer view is attached in pieces of this many bytes. */
const PIECE_BYTES = 2 ** 32;

/**
 * Functions that stand for a range of guest memory that has no `ArrayBuffer` view: device memory, memory in another
 * process, or memory that is made when it is first touched. Each access may fail, as on a bus that nobody answers.
 */
export interface MemoryHandler {
  /**
   * Reads the little-endian 32-bit word at `address`.
   *
   * @param address - host physical address, a multiple of 4 below 2^52
   * @returns the word (signed or unsigned), or `undefined` when the access fails
   */
  readWord(address: number): number | undefined;

  /**
   * Writes the little-endian 32-bit word at `address`.
   *
   * @param address - host physical address, a multiple of 4 below 2^52
   * @param value - the word, as a signed 32-bit number
   * @returns whether the access succeeded
   */
  writeWord(address: number, value: number): boolean;

  /**
   * Replaces words if all of them still are what is expected, in one indivisible step. Without this function they are
   * read and written one by one, which is as good where nothing else can touch the memory meanwhile.
   *
   * @param address - of the first word, a multiple of 4 below 2^52
   * @param expected - what the words were, and `replacement` what they become; as many
   * @returns whether they were replaced, or `undefined` when the access fails
   */
  compareExchange?(address: number, expected: Int32Array, replacement: Int32Array): boolean | undefined;
}

/** How a range of RAM is attached. */
export interface AttachOptions {
  /**
   * Called after each write that the unit or a device makes into the range, so that an emulator can drop code that it
   * compiled from those bytes.
   *
   * @param address - host physical address of the first byte written
   * @param length - number of bytes written
   */
  readonly written?: (address: number, length: number) => void;
}

/** A range of guest memory: `length` bytes from host physical address `base`. */
export interface MemoryRange {
  readonly base: number;
  readonly length: number;
}

interface Range extends MemoryRange {
  /** The base given to `attach`; the pieces of one long view share it. */
  readonly attachedAt: number;
  readonly firstFrame: number;
  readonly frames: number;
  /** The range's words and bytes; empty when a handler stands for it. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly handler?: MemoryHandler;
  readonly written?: AttachOptions['written'];
}

const NO_WORDS = new Int32Array(0);
const NO_BYTES = new Uint8Array(0);

// An entry before and after its flags are set: kept, so that a walk allocates nothing.
const EXPECTED = new Int32Array(2);
const REPLACEMENT = new Int32Array(2);

/**
 * The memory of the machine, as the unit and its devices reach it: ranges of host physical addresses, each backed by a
 * view of an `ArrayBuffer` (fast) or by functions. What no range covers decodes nothing: reads and writes there fail,
 * and a table walk that gets there raises the architecture's read-error code.
 *
 * Emits `ranges` when a range was added or removed.
 *
 * @example
 * const memory = GuestMemory.ram(16 * 1024 * 1024);
 * memory.write32(0x1000, 0x1234_5678);
 *
 * // a machine whose memory is a WebAssembly memory that may grow (which detaches its views)
 * const machine = new GuestMemory().attach(0, new Uint8Array(wasm.buffer));
 * machine.attach(0, new Uint8Array(wasm.buffer)); // again, after it grew
 */
export class GuestMemory extends EventEmitter<{ ranges: [] }> {
  /** Low and high word of the last {@link loadEntry}. */
  lo = 0;
  hi = 0;

  #ranges: Range[] = [];
  #hot: Range | undefined = undefined;
  /**
   * The range that the last access hit: most walks stay in it. A walk takes these into locals. The first page number is
   * given in two 32-bit halves, so that a walk computes with 32-bit integers only.
   *
   * @internal
   */
  hotFirstLo = 0;
  hotFirstHi = 0;
  hotFrames = 0;
  hotWords: Int32Array = NO_WORDS;

  /**
   * RAM that the package allocates.
   *
   * @param length - bytes, a multiple of 4096
   * @param base - host physical address of its first byte, a multiple of 4096
   */
  static ram(length: number, base = 0): GuestMemory {
    checkRange(base, length);
    return new GuestMemory().attach(base, new Uint8Array(length));
  }

  /**
   * Attaches RAM at `base`, in place of the range that was attached there before.
   *
   * @param base - host physical address of the first byte, a multiple of 4096
   * @param ram - the bytes: a buffer, or a view that begins at a multiple of 4 in its buffer; a multiple of 4096 long
   * @throws RangeError if the range is not made of whole pages, ends beyond 2^52 or overlaps another range
   */
  attach(base: number, ram: ArrayBufferLike | ArrayBufferView, options: AttachOptions = {}): this {
    const bytes = ArrayBuffer.isView(ram)
      ? new Uint8Array(ram.buffer, ram.byteOffset, ram.byteLength)
      : new Uint8Array(ram);
    checkRange(base, bytes.length);
    if (bytes.byteOffset % 4 !== 0) {
      throw new RangeError(
        `the view begins at byte ${bytes.byteOffset} of its buffer: it must begin at a multiple of 4`,
      );
    }
    const pieces: Range[] = [];
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      const words = new Int32Array(piece.buffer, piece.byteOffset, piece.length / 4);
      pieces.push({
        ...span(base + at, piece.length),
        attachedAt: base,
        words,
        bytes: piece,
        written: options.written,
      });
    }
    this.replace(base, bytes.length, pieces);
    return this;
  }

  /**
   * Attaches functions that answer for `length` bytes from `base`, in place of the range that was attached there.
   *
   * @param base - host physical address, a multiple of 4096
   * @param length - bytes, a multiple of 4096
   * @throws RangeError as {@link attach} does
   */
  attachHandler(base: number, length: number, handler: MemoryHandler): this {
    checkRange(base, length);
    this.replace(base, length, [
      { ...span(base, length), attachedAt: base, words: NO_WORDS, bytes: NO_BYTES, handler },
    ]);
    return this;
  }

  /**
   * Removes the range that begins at `base`.
   *
   * @throws RangeError if no range begins there
   */
  detach(base: number): this {
    const others = this.#ranges.filter((each) => each.attachedAt !== base);
    if (others.length === this.#ranges.length) {
      throw new RangeError(`no range of guest memory was attached at 0x${base.toString(16)}`);
    }
    this.#ranges = others;
    this.changed();
    return this;
  }

  /** The attached ranges in ascending order, neighbours joined. */
  get ranges(): MemoryRange[] {
    const joined: { base: number; length: number }[] = [];
    for (const { base, length } of this.#ranges) {
      const last = joined[joined.length - 1];
      if (last !== undefined && last.base + last.length === base) last.length += length;
      else joined.push({ base, length });
    }
    return joined;
  }

  /**
   * Reads the 64-bit entry `index` of the table in page `frame` into {@link lo} and {@link hi}.
   *
   * @param frame - page number, an address divided by 4096
   * @param index - entry number in the page, 0 to 511
   * @returns whether the entry could be read
   */
  loadEntry(frame: number, index: number): boolean {
    const range = this.select(frame);
    if (range === undefined) return false;
    if (range.handler === undefined) {
      const at = ((frame - range.firstFrame) << 10) + (index << 1);
      this.lo = range.words[at] as number;
      this.hi = range.words[at + 1] as number;
      return true;
    }
    const address = frame * PAGE_BYTES + index * 8;
    const lo = range.handler.readWord(address);
    const hi = range.handler.readWord(address + 4);
    if (lo === undefined || hi === undefined) return false;
    this.lo = lo | 0;
    this.hi = hi | 0;
    return true;
  }

  /**
   * Sets bits in the low word of the 64-bit entry `index` of the table in page `frame`, as one indivisible step.
   *
   * @param lo - what the entry holds, as {@link loadEntry} gave it; with `hi`
   * @returns whether they were set: not if the entry holds something else by now, or the memory takes no such access
   */
  markEntry(frame: number, index: number, lo: number, hi: number, bits: number): boolean {
    EXPECTED[0] = lo;
    EXPECTED[1] = hi;
    REPLACEMENT[0] = lo | bits;
    REPLACEMENT[1] = hi;
    return this.compareExchange(frame * PAGE_BYTES + index * 8, EXPECTED, REPLACEMENT) === true;
  }

  /**
   * Whether {@link markEntry} would be done. A handler is asked by an exchange that changes nothing.
   *
   * @param lo - what the entry holds, as {@link loadEntry} gave it; with `hi`
   */
  canMarkEntry(frame: number, index: number, lo: number, hi: number): boolean {
    const range = this.select(frame);
    if (range?.handler === undefined) return range !== undefined;
    const address = frame * PAGE_BYTES + index * 8;
    if (range.handler.compareExchange === undefined) return range.handler.writeWord(address, lo);
    EXPECTED[0] = lo;
    EXPECTED[1] = hi;
    return range.handler.compareExchange(address, EXPECTED, EXPECTED) === true;
  }

  /**
   * The words of the page `frame`, for code that looks at a whole table.
   *
   * @param frame - page number
   * @returns the array that holds the page from index {@link pageAt} on; `undefined` where there is no view of it
   */
  page(frame: number): Int32Array | undefined {
    const range = this.select(frame);
    if (range === undefined || range.handler !== undefined) return undefined;
    this.pageAt = (frame - range.firstFrame) << 10;
    return range.words;
  }

  /** Whether anything answers for page `frame`. */
  decodes(frame: number): boolean {
    return this.select(frame) !== undefined;
  }

  /** Where the page of the last {@link page} begins in the array that it returned. */
  pageAt = 0;

  /**
   * Reads the little-endian 32-bit word at `address`.
   *
   * @param address - host physical address, a multiple of 4
   * @returns the word as an unsigned number, or `undefined` where nothing answers
   */
  read32(address: number): number | undefined {
    const range = this.select(Math.floor(address / PAGE_BYTES));
    if (range === undefined) return undefined;
    const value =
      range.handler === undefined ? range.words[(address - range.base) / 4] : range.handler.readWord(address);
    return value === undefined ? undefined : value >>> 0;
  }

  /**
   * Writes the little-endian 32-bit word at `address`.
   *
   * @param address - host physical address, a multiple of 4
   * @returns whether something took the write
   */
  write32(address: number, value: number): boolean {
    const range = this.select(Math.floor(address / PAGE_BYTES));
    if (range === undefined) return false;
    if (range.handler !== undefined) return range.handler.writeWord(address, value | 0);
    range.words[(address - range.base) / 4] = value;
    range.written?.(address, 4);
    return true;
  }

  /**
   * Replaces words if all of them still are what they were read as. Nothing that runs in this thread sees a state
   * between; in memory that is shared with other threads the words that change are exchanged one by one, lowest first,
   * each atomically.
   *
   * @param address - host physical address of the first word, a multiple of 4; the words lie in one page
   * @param expected - the words as they were read, signed, and `replacement` what they become; as many
   * @returns whether they were replaced: not if one of them was another; `undefined` where nothing takes part
   */
  compareExchange(address: number, expected: Int32Array, replacement: Int32Array): boolean | undefined {
    const range = this.select(Math.floor(address / PAGE_BYTES));
    if (range === undefined) return undefined;
    if (range.handler !== undefined) return exchangeByHandler(range.handler, address, expected, replacement);
    const { words } = range;
    const first = (address - range.base) / 4;
    for (let word = 0; word < expected.length; word++) if (words[first + word] !== expected[word]) return false;
    for (let word = 0; word < expected.length; word++) {
      const [old, fresh] = [expected[word] as number, replacement[word] as number];
      if (old !== fresh && Atomics.compareExchange(words, first + word, old, fresh) !== old) return false;
    }
    range.written?.(address, expected.length * 4);
    return true;
  }

  /**
   * Copies bytes out of guest memory into `target`.
   *
   * @param address - host physical address of the first byte
   * @param target - receives the bytes from index `at` on; bytes that nothing answers for become 0
   * @returns the number of bytes that could be read
   */
  read(address: number, target: Uint8Array, at = 0, length = target.length - at): number {
    let done = 0;
    for (let from = address; from < address + length; ) {
      const range = this.select(Math.floor(from / PAGE_BYTES));
      const count = Math.min(address + length, this.pieceEnd(range, from)) - from;
      const to = at + (from - address);
      if (range === undefined) target.fill(0, to, to + count);
      else if (range.handler !== undefined) done += readHandler(range.handler, from, target, to, count);
      else {
        target.set(range.bytes.subarray(from - range.base, from - range.base + count), to);
        done += count;
      }
      from += count;
    }
    return done;
  }

  /**
   * Copies bytes from `source` into guest memory.
   *
   * @param address - host physical address of the first byte
   * @returns the number of bytes that something took
   */
  write(address: number, source: Uint8Array, at = 0, length = source.length - at): number {
    let done = 0;
    for (let to = address; to < address + length; ) {
      const range = this.select(Math.floor(to / PAGE_BYTES));
      const count = Math.min(address + length, this.pieceEnd(range, to)) - to;
      const from = at + (to - address);
      if (range?.handler !== undefined) done += writeHandler(range.handler, to, source, from, count);
      else if (range !== undefined) {
        range.bytes.set(source.subarray(from, from + count), to - range.base);
        range.written?.(to, count);
        done += count;
      }
      to += count;
    }
    return done;
  }

  /** The range that holds page `frame`; it becomes the hot one. */
  private select(frame: number): Range | undefined {
    const hot = this.#hot;
    if (hot !== undefined && frame >= hot.firstFrame && frame < hot.firstFrame + hot.frames) return hot;
    let low = 0;
    let high = this.#ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const range = this.#ranges[middle] as Range;
      if (frame < range.firstFrame) high = middle - 1;
      else if (frame >= range.firstFrame + range.frames) low = middle + 1;
      else {
        this.#hot = range;
        this.hotFirstLo = range.firstFrame | 0;
        this.hotFirstHi = Math.floor(range.firstFrame / 2 ** 32);
        // a range without a view is never hot for a walk
        this.hotFrames = range.handler === undefined ? range.frames : 0;
        this.hotWords = range.words;
        return range;
      }
    }
    return undefined;
  }

  /** Where the run of bytes that begins at `address` and is answered alike ends at the latest. */
  private pieceEnd(range: Range | undefined, address: number): number {
    if (range !== undefined) return range.base + range.length;
    return (Math.floor(address / PAGE_BYTES) + 1) * PAGE_BYTES;
  }

  private replace(base: number, length: number, ranges: Range[]): void {
    const others = this.#ranges.filter((each) => each.attachedAt !== base);
    const inTheWay = others.find((each) => each.base < base + length && base < each.base + each.length);
    if (inTheWay !== undefined) {
      const where = `0x${inTheWay.base.toString(16)}, ${inTheWay.length} bytes`;
      throw new RangeError(`the range overlaps the one at ${where}: detach that first, or choose another base`);
    }
    this.#ranges = [...others, ...ranges].sort((a, b) => a.base - b.base);
    this.changed();
  }

  private changed(): void {
    this.#hot = undefined;
    this.hotFrames = 0;
    this.hotWords = NO_WORDS;
    this.emit('ranges');
  }
}

function span(base: number, length: number) {
  return { base, length, firstFrame: base / PAGE_BYTES, frames: length / PAGE_BYTES };
}

function checkRange(base: number, length: number): void {
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 0 && value % PAGE_BYTES === 0;
  if (!whole(base) || !whole(length) || length === 0 || base + length > ADDRESS_LIMIT) {
    throw new RangeError(
      `guest memory of ${length} bytes at ${base}: both must be multiples of ${PAGE_BYTES}, the length not 0, the end at most 2^52`,
    );
  }
}

function readHandler(handler: MemoryHandler, address: number, target: Uint8Array, at: number, length: number): number {
  let done = 0;
  for (let i = 0; i < length; i++) {
    const from = address + i;
    const word = handler.readWord(from - (from % 4));
    target[at + i] = word === undefined ? 0 : word >>> (8 * (from % 4));
    if (word !== undefined) done++;
  }
  return done;
}

function exchangeByHandler(
  handler: MemoryHandler,
  address: number,
  expected: Int32Array,
  replacement: Int32Array,
): boolean | undefined {
  if (handler.compareExchange !== undefined) return handler.compareExchange(address, expected, replacement);
  for (let word = 0; word < expected.length; word++) {
    const value = handler.readWord(address + 4 * word);
    if (value === undefined) return undefined;
    if ((value | 0) !== expected[word]) return false;
  }
  for (let word = 0; word < expected.length; word++) {
    const fresh = replacement[word] as number;
    if (fresh !== expected[word] && !handler.writeWord(address + 4 * word, fresh)) return undefined;
  }
  return true;
}

function writeHandler(handler: MemoryHandler, address: number, source: Uint8Array, at: number, length: number): number {
  let done = 0;
  for (let i = 0; i < length; ) {
    const to = address + i;
    const lane = to % 4;
    const count = Math.min(4 - lane, length - i);
    let word = count === 4 ? 0 : handler.readWord(to - lane);
    if (word !== undefined) {
      for (let byte = 0; byte < count; byte++) {
        const shift = 8 * (lane + byte);
        word = (word & ~(0xff << shift)) | ((source[at + i + byte] as number) << shift);
      }
      if (handler.writeWord(to - lane, word)) done += count;
    }
    i += count;
  }
  return done;
}
