import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { InputError } from '../io.js';

/** Most bytes of text that are unpacked: a string holds no more. */
const MOST_TEXT_BYTES = 2 ** 29 - 25;

/**
 * The text of a file, or of standard input for `-`; either may be gzipped.
 *
 * @throws InputError if it cannot be read or unpacked
 */
export async function readText(file: string): Promise<string> {
  const bytes = file === '-' ? await readStandardInput() : readFile(file);
  const text = bytes[0] === 0x1f && bytes[1] === 0x8b ? unpack(file, bytes) : bytes;
  if (text.length > MOST_TEXT_BYTES) throw new InputError(`${file} has more than ${MOST_TEXT_BYTES} bytes of text`);
  return text.toString('utf8');
}

/**
 * The JSON values of a text: one value, the elements of one array, or one value a line.
 *
 * @throws InputError if the text is none of these; nothing has been handed out then
 */
export function jsonRecords(file: string, text: string): Iterable<unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    return jsonLines(file, text);
  }
}

function jsonLines(file: string, text: string): Iterable<unknown> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new InputError(`${file} is empty`);
  // all are looked at before the first is run, and parsed again then: values take many times the room of their text
  for (const [index, line] of lines.entries()) {
    try {
      JSON.parse(line);
    } catch (error) {
      throw new InputError(
        `${file} is not JSON: record ${index + 1}: ${(error as Error).message.replace(/\s+/g, ' ')}`,
      );
    }
  }
  return parseEach(lines);
}

function* parseEach(lines: readonly string[]): Generator<unknown> {
  for (const line of lines) yield JSON.parse(line);
}

async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new InputError(
      `${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
    );
  }
}

function unpack(file: string, bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_TEXT_BYTES });
  } catch (error) {
    throw new InputError(`${file} cannot be unpacked: ${(error as Error).message}`);
  }
}
