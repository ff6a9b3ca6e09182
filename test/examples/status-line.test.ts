import type { WriteStream } from 'node:tty';
import headless from '@xterm/headless';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StatusLine } from '../../examples/v86/status-line.js';

const ROWS = 8;
const COLUMNS = 20;
const STATUS = 'translations 7';

/** A terminal, as a stream that a program writes to. */
class Screen {
  readonly isTTY = true;
  readonly columns = COLUMNS;
  readonly rows: number;
  readonly #terminal: headless.Terminal;

  constructor(rows: number) {
    this.rows = rows;
    this.#terminal = new headless.Terminal({ rows, cols: COLUMNS, allowProposedApi: true });
  }

  on(): void {}

  write(data: string | Uint8Array): void {
    this.#terminal.write(data);
  }

  /** What is to be seen in the first rows, and where the cursor is. */
  async shown(rows: number) {
    await new Promise<void>((resolve) => this.#terminal.write('', resolve));
    const { active } = this.#terminal.buffer;
    const line = (row: number) => active.getLine(active.baseY + row)?.translateToString(true);
    return { lines: Array.from({ length: rows }, (_, row) => line(row)), cursor: [active.cursorX, active.cursorY] };
  }
}

/** What guests print: text that wraps, characters of several bytes, control sequences of each kind. */
const PRINTED = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom(
    '\r\n',
    '\n',
    '\b',
    'guest# ',
    'é',
    '漢字',
    '\x1b[2J\x1b[H',
    '\x1b[K',
    '\x1b[J',
    '\x1b[1;31m',
    '\x1b[0m',
  ),
  fc.constantFrom('\x1b[3;5H', '\x1b[A', '\x1b[2D', '\x1b(B', '\x1b]0;title\x07', '\x1b]0;title\x1b\\', '\x1bM'),
);

test('the status line leaves the console as it would be on a terminal with a row less, whenever it is drawn', async () => {
  const pieces = fc.array(PRINTED, { maxLength: 40 }).map((texts) => new TextEncoder().encode(texts.join('')));
  const property = fc.asyncProperty(pieces, fc.array(fc.boolean(), { minLength: 1 }), async (bytes, draws) => {
    const alone = new Screen(ROWS - 1);
    alone.write(bytes);
    const shared = new Screen(ROWS);
    const line = new StatusLine(shared as unknown as WriteStream);
    bytes.forEach((byte, at) => {
      line.write(Uint8Array.of(byte));
      if (draws[at % draws.length]) line.show(STATUS);
    });
    expect(await shared.shown(ROWS - 1)).toEqual(await alone.shown(ROWS - 1));
    line.write(new TextEncoder().encode('\r'));
    line.show(STATUS);
    expect((await shared.shown(ROWS)).lines.at(-1)?.trimEnd()).toBe(STATUS);
    line.close();
    expect((await shared.shown(ROWS)).lines.at(-1)).toBe('');
  });
  await fc.assert(property, { seed: 20251101, numRuns: 300, interruptAfterTimeLimit: 20_000 });
});
