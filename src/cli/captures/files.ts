import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseNumber } from '../args.js';
import { InputError } from '../io.js';

/** No file of a capture is larger: what is, was not meant. */
const MOST_BYTES = 2 ** 27;
const MOST_LINES = 2 ** 21;

/** Reads a whole file. @throws InputError if there is none, or it is too large to be meant */
export function readBytes(directory: string, name: string): Buffer {
  const path = join(directory, name);
  try {
    const status = statSync(path);
    if (!status.isFile()) throw new InputError(`${path} is no file`);
    if (status.size > MOST_BYTES)
      throw new InputError(`${path} has ${status.size} bytes: at most ${MOST_BYTES} are read`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InputError(code === 'ENOENT' || code === 'ENOTDIR' ? `${path}: no such file` : `${path}: ${message}`);
  }
}

/** Reads a gzip file. @throws InputError if it is cut off, damaged, or holds more than `most` bytes */
export function readGzip(directory: string, name: string, most: number): Buffer {
  const packed = readBytes(directory, name);
  try {
    return gunzipSync(packed, { maxOutputLength: Math.max(most, 1) });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what =
      code === 'ERR_BUFFER_TOO_LARGE' ? `it holds more than ${most} bytes` : `cut off or damaged (${message})`;
    throw new InputError(`${join(directory, name)}: ${what}`);
  }
}

/** Reads the lines of a gzip file of JSON lines. @throws InputError as {@link readGzip}, or if a line is no JSON */
export function readJsonLines(directory: string, name: string): Json[] {
  const path = join(directory, name);
  const lines = readGzip(directory, name, MOST_BYTES).toString('utf8').split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  if (lines.length > MOST_LINES)
    throw new InputError(`${path} has ${lines.length} lines: at most ${MOST_LINES} are read`);
  return lines.map((line, index) => parse(line, `${path}, line ${index + 1}`));
}

/** Reads a JSON file. @throws InputError if there is none, or it is no JSON */
export function readJson(directory: string, name: string): Json {
  return parse(readBytes(directory, name).toString('utf8'), join(directory, name));
}

function parse(text: string, place: string): Json {
  try {
    return new Json(JSON.parse(text), () => place);
  } catch (error) {
    throw new InputError(`${place}: no JSON (${(error as Error).message})`);
  }
}

/** A value of a JSON file that somebody else wrote. Each step down checks what it finds, and says where it stands. */
export class Json {
  readonly #value: unknown;
  readonly #place: () => string;

  /** @param place - where the value stands, for messages */
  constructor(value: unknown, place: () => string) {
    this.#value = value;
    this.#place = place;
  }

  get isPresent(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  /** A member of an object or an element of an array; it may be missing, which the next step tells. */
  get(key: string | number): Json {
    const found = typeof this.#value === 'object' && this.#value !== null && Object.hasOwn(this.#value, key);
    const value = found ? (this.#value as Record<string | number, unknown>)[key] : undefined;
    return new Json(value, () => `${this.#place()}: ${key}`);
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.wrong('a text');
    return this.#value;
  }

  /** A whole number from 0 to `most`. */
  whole(most: number): number {
    if (typeof this.#value !== 'number' || !Number.isInteger(this.#value) || this.#value < 0 || this.#value > most) {
      throw this.wrong(`a whole number from 0 to ${most}`);
    }
    return this.#value;
  }

  /** A number of up to 64 bits, which captures write as text. */
  number64(most = 2n ** 64n - 1n): bigint {
    const value = typeof this.#value === 'string' ? parseNumber(this.#value) : undefined;
    if (value === undefined || value > most)
      throw this.wrong(`a text such as "0x1000", at most 0x${most.toString(16)}`);
    return value;
  }

  list(): Json[] {
    if (!Array.isArray(this.#value)) throw this.wrong('a list');
    return this.#value.map((_, index) => this.get(index));
  }

  members(): [name: string, value: Json][] {
    if (typeof this.#value !== 'object' || this.#value === null || Array.isArray(this.#value)) {
      throw this.wrong('an object');
    }
    return Object.keys(this.#value).map((name) => [name, this.get(name)]);
  }

  /** The error that the value is not what was to be expected. */
  wrong(expected: string): InputError {
    const found = this.#value === undefined ? 'is missing' : `is ${(JSON.stringify(this.#value) ?? '').slice(0, 40)}`;
    return new InputError(`${this.#place()} ${found}: it should be ${expected}`);
  }
}
