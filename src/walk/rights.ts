/**
 * What a translation grants, as bits. A request asks for a set of them: it is permitted when it asks for nothing that
 * the translation lacks.
 */
export const READ = 1;
export const WRITE = 2;
/** A zero-length read; with CAP.ZLR a page that may only be written grants it too (§3.14). */
export const ZERO_LENGTH_READ = 4;

/** The kinds of access of a DMA request. An AtomicOp reads and writes. */
export type Access = 'read' | 'write' | 'atomic' | 'zero-length-read';

/** The rights that each kind of access asks for, for the faces that take numbers. */
export const ACCESS = {
  read: READ,
  write: WRITE,
  atomic: READ | WRITE,
  zeroLengthRead: ZERO_LENGTH_READ,
} as const;

const BITS: Readonly<Record<Access, number>> = {
  read: READ,
  write: WRITE,
  atomic: READ | WRITE,
  'zero-length-read': ZERO_LENGTH_READ,
};

/**
 * The rights that an access asks for.
 *
 * @throws TypeError if `access` is none of the four
 */
export function accessBits(access: Access): number {
  const bits = BITS[access];
  if (bits === undefined) throw new TypeError(`access ${String(access)}: it must be one of ${Object.keys(BITS)}`);
  return bits;
}

/** The access that asks for these rights. */
export function accessOf(bits: number): Access {
  if (bits === READ) return 'read';
  if (bits === WRITE) return 'write';
  return bits === ZERO_LENGTH_READ ? 'zero-length-read' : 'atomic';
}

/** Rights as people write them: `r`, `w`, `rw`, or nothing. */
export function rightsText(rights: number): 'r' | 'w' | 'rw' | '' {
  const text = (['', 'r', 'w', 'rw'] as const)[rights & 3];
  return text ?? '';
}
