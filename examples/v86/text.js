// Numbers as people read them.

/** @param {number | bigint} value */
export const hex = (value) => `0x${value.toString(16)}`;

/** @param {number} value */
export const count = (value) => Math.round(value).toLocaleString('en');

/**
 * A source-id as bus:device.function.
 *
 * @param {number} sourceId
 */
export function bdf(sourceId) {
  const two = (/** @type {number} */ value) => value.toString(16).padStart(2, '0');
  return `${two(sourceId >> 8)}:${two((sourceId >> 3) & 31)}.${sourceId & 7}`;
}

/** @param {number} bytes */
export function size(bytes) {
  return bytes < 2 ** 20 ? `${count(bytes / 2 ** 10)} KiB` : `${count(bytes / 2 ** 20)} MiB`;
}
