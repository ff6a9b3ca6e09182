/** A number as the project writes addresses and masks. */
export function hex(value: number | bigint, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** A source-id as bus:device.function. */
export function bdf(sourceId: number): string {
  const two = (value: number) => value.toString(16).padStart(2, '0');
  return `${two(sourceId >> 8)}:${two((sourceId >> 3) & 31)}.${sourceId & 7}`;
}

/** A count, with separators between thousands. */
export function count(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A number of things: `1 page`, `2 pages`. */
export function several(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? '' : 's'}`;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** A number of bytes in the largest unit that leaves at least 1, with at most two decimals. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${Number(value.toFixed(2))} ${UNITS[unit]}`;
}

/** Text from a file, made harmless for a terminal: one line, no control characters. */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, ' ').trim();
}
