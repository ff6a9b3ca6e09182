// A terminal whose last line is ours: the guest's console scrolls above it.

const ESC = 0x1b;
const TAB = 0x09;
const CR = 0x0d;

/** Final bytes of control sequences that move the cursor. */
const MOVES = 'ABCDEFGHadef`';

/**
 * Knows when something else may be written between the bytes of a console: not inside of a character or a control
 * sequence (ECMA-48), and not when a line may be full, since saving and restoring the cursor loses that the next
 * character belongs to the next line.
 */
class ConsoleState {
  #columns;
  /** @type {'ground' | 'escape' | 'control' | 'string'} */
  #state = 'ground';
  /** Bytes that the character in UTF-8 still lacks. */
  #missing = 0;
  /** The cursor is not further to the right; at the number of columns the line may be full. */
  #column = 0;

  /** @param {number} columns */
  constructor(columns) {
    this.#columns = columns;
  }

  get isPause() {
    return this.#state === 'ground' && this.#missing === 0 && this.#column < this.#columns;
  }

  /** @param {number} byte */
  take(byte) {
    const character = String.fromCharCode(byte);
    if (byte === ESC) this.#state = 'escape';
    else if (this.#state === 'ground') this.#takeCharacter(byte);
    else if (this.#state === 'escape') {
      if (character === '[') this.#state = 'control';
      else if ('PX]^_'.includes(character)) this.#state = 'string';
      // an intermediate byte is followed by a final one
      else if (byte >= 0x30) this.#state = 'ground';
      if (character === '8') this.#column = this.#columns;
    } else if (this.#state === 'control' ? byte >= 0x40 : byte === 0x07) {
      if (this.#state === 'control' && MOVES.includes(character)) this.#column = this.#columns - 1;
      this.#state = 'ground';
    }
  }

  /** @param {number} byte */
  #takeCharacter(byte) {
    if (byte === CR) this.#column = 0;
    else if (byte === TAB) this.#column = Math.max(this.#column, this.#columns - 1);
    else if (byte >= 0xc0) {
      this.#missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
      // it may be a wide one
      this.#column += 2;
    } else if (byte >= 0x80) this.#missing = Math.max(this.#missing - 1, 0);
    else if (byte >= 0x20) this.#column++;
  }
}

/**
 * The line is drawn with the terminal's saved cursor, so a guest that saves its own for long finds another one.
 */
export class StatusLine {
  #stream;
  #state;
  #text = '';
  #shown = false;

  /** @param {import('node:tty').WriteStream} stream */
  constructor(stream) {
    this.#stream = stream;
    this.#state = new ConsoleState(stream.columns);
    // room for the line, wherever the cursor is
    if (stream.isTTY) stream.write('\n\x1b[A');
    this.#draw();
    stream.on('resize', () => this.#draw());
  }

  /** Rows and columns that are left to the guest. */
  get size() {
    const { isTTY, rows = 24, columns = 80 } = this.#stream;
    return { rows: isTTY ? rows - 1 : rows, columns };
  }

  /**
   * Writes what the guest wrote.
   *
   * @param {Uint8Array} bytes
   */
  write(bytes) {
    for (const byte of bytes) this.#state.take(byte);
    this.#stream.write(bytes);
  }

  /**
   * Writes lines of our own, on lines of their own.
   *
   * @param {string} text
   */
  print(text) {
    const lines = this.#stream.isTTY ? text.replaceAll('\n', '\r\n') : text;
    this.#stream.write(`\r\n${lines}\r\n`);
  }

  /** @param {string} text */
  show(text) {
    this.#text = text;
    this.#draw();
  }

  /** Gives the terminal back as it was. */
  close() {
    if (this.#shown) this.#stream.write(`\x1b[0m\x1b7\x1b[r\x1b[${this.#stream.rows};1H\x1b[2K\x1b8`);
    this.#shown = false;
  }

  /** Sets the scrolling region each time: the guest may have changed it. */
  #draw() {
    const { isTTY, rows, columns } = this.#stream;
    if (!isTTY || !this.#state.isPause) return;
    this.#shown = true;
    const line = this.#text.slice(0, columns).padEnd(columns);
    this.#stream.write(`\x1b7\x1b[1;${rows - 1}r\x1b[${rows};1H\x1b[0;7m${line}\x1b8`);
  }
}
