/** A number as people meet it: `0x1f`. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** A page's size: `4 KiB`, `2 MiB`, `1 GiB`. */
export function sizeText(bytes: number): string {
  const step = bytes >= 2 ** 30 ? 3 : bytes >= 2 ** 20 ? 2 : 1;
  return `${bytes / 2 ** (10 * step)} ${['KiB', 'MiB', 'GiB'][step - 1]}`;
}

/** A requester id as PCI tools write it: `00:1f.2`. */
export function sourceIdText(sourceId: number): string {
  const twoDigits = (value: number) => value.toString(16).padStart(2, '0');
  return `${twoDigits(sourceId >> 8)}:${twoDigits((sourceId >> 3) & 31)}.${sourceId & 7}`;
}

/** The words of a long entry up to the last one that is not 0: most of them are. */
export function usedWords(words: readonly bigint[]): readonly bigint[] {
  return words.slice(0, Math.max(1, ...words.map((word, at) => (word === 0n ? 0 : at + 1))));
}
