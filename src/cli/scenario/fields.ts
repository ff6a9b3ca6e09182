/** A scenario, or one step of it, that cannot be run; the message says why. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

/** A step, or another JSON object, whose fields have not been looked at yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a JSON value is an object, not an array or a scalar. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** A JSON value for a message, cut to what fits a line. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

function wrong(fields: Fields, name: string, allowed: string): ScenarioError {
  return new ScenarioError(`${name} is ${shown(own(fields, name))}: give ${allowed}`);
}

/** A whole number of at most 64 bits from a JSON number or a string, `0x` and hex digits or decimal ones. */
function parse(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  if (typeof value !== 'string' || !/^(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.test(value)) return undefined;
  const number = BigInt(value);
  return number < 2n ** 64n ? number : undefined;
}

/**
 * A field of up to 64 bits: an address, an offset or a register's value.
 *
 * @throws ScenarioError if it is none, or missing without a fallback
 */
export function wide(fields: Fields, name: string, fallback?: bigint): bigint {
  const value = own(fields, name);
  if (value === undefined && fallback !== undefined) return fallback;
  const number = parse(value);
  if (number === undefined) throw wrong(fields, name, 'a hex string of up to 64 bits, "0x..."');
  return number;
}

/**
 * A whole number of a range.
 *
 * @throws ScenarioError if it is none of them, or missing without a fallback
 */
export function whole(fields: Fields, name: string, least: number, most: number, fallback?: number): number {
  const value = own(fields, name);
  if (value === undefined && fallback !== undefined) return fallback;
  const number = parse(value);
  if (number === undefined || number < least || number > most) {
    throw wrong(fields, name, `a whole number from ${least} to ${most}`);
  }
  return Number(number);
}

/** A flag; `false` when it is missing. */
export function flag(fields: Fields, name: string): boolean {
  const value = own(fields, name) ?? false;
  if (typeof value !== 'boolean') throw wrong(fields, name, 'true or false');
  return value;
}

/** One of several words or numbers. */
export function oneOf<T extends string | number>(
  fields: Fields,
  name: string,
  choices: readonly T[],
  fallback?: NoInfer<T>,
): T {
  const value = own(fields, name) ?? fallback;
  const chosen = choices.find((choice) => choice === value || String(choice) === value);
  if (chosen === undefined) throw wrong(fields, name, choices.join(' or '));
  return chosen;
}

/** Bytes as hex digits, in memory order. */
export function hexBytes(fields: Fields, name = 'hex'): Uint8Array {
  const text = own(fields, name);
  if (typeof text !== 'string' || text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) {
    throw wrong(fields, name, 'two hex digits a byte');
  }
  return Buffer.from(text, 'hex');
}

/** Bytes as the format writes them. */
export function hexText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** A number as the format writes those of 64 bits. */
export function hex(value: number | bigint): string {
  return `0x${BigInt(value).toString(16)}`;
}
