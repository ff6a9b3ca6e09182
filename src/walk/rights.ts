/**
 * What a translation grants, as bits. A request asks for a set of them: it is permitted when it asks for nothing that
 * the translation lacks.
 */
export const READ = 1;
export const WRITE = 2;
/** A zero-length read; with CAP.ZLR a page that may only be written grants it too (§3.14). */
export const ZERO_LENGTH_READ = 4;
/** How far the same bits for privileged requests stand to the left. */
export const PRIVILEGED_SHIFT = 3;
/** The request wants to execute what it reads: refused since revision 4.1, whatever is mapped. */
export const EXECUTE = 64;

/** The kinds of access of a DMA request. An AtomicOp reads and writes. */
export type Access = 'read' | 'write' | 'atomic' | 'zero-length-read';

/**
 * The rights that each kind of access asks for, for the faces that take numbers. Those of privileged requests, which only
 * requests with PASID can be (§3.1), are other bits: a page may grant them for itself.
 */
export const ACCESS = {
  read: READ,
  write: WRITE,
  atomic: READ | WRITE,
  zeroLengthRead: ZERO_LENGTH_READ,
  privilegedRead: READ << PRIVILEGED_SHIFT,
  privilegedWrite: WRITE << PRIVILEGED_SHIFT,
  privilegedAtomic: (READ | WRITE) << PRIVILEGED_SHIFT,
  privilegedZeroLengthRead: ZERO_LENGTH_READ << PRIVILEGED_SHIFT,
} as const;

const BITS: Readonly<Record<Access, number>> = {
  read: READ,
  write: WRITE,
  atomic: READ | WRITE,
  'zero-length-read': ZERO_LENGTH_READ,
};

/** What a request is beside its address and its kind. */
export interface RequestAttributes {
  /** The address comes from a device-TLB; default false. */
  readonly translated?: boolean;
  /** PR of the PASID prefix: a supervisor request. Only requests with PASID have it. */
  readonly privileged?: boolean;
  /** ER of the PASID prefix: refused since revision 4.1. Only requests with PASID have it. */
  readonly execute?: boolean;
}

/**
 * The rights that an access asks for.
 *
 * @throws TypeError if `access` is none of the four
 */
export function accessBits(access: Access, { privileged = false, execute = false }: RequestAttributes = {}): number {
  const bits = BITS[access];
  if (bits === undefined) throw new TypeError(`access ${String(access)}: it must be one of ${Object.keys(BITS)}`);
  return (privileged ? bits << PRIVILEGED_SHIFT : bits) | (execute ? EXECUTE : 0);
}

/** Whether a request asks for the rights of privileged ones. */
export function isPrivileged(bits: number): boolean {
  return (bits & ((READ | WRITE | ZERO_LENGTH_READ) << PRIVILEGED_SHIFT)) !== 0;
}

/** What a request wants to do, without its privilege. */
export function kindBits(bits: number): number {
  return (bits | (bits >> PRIVILEGED_SHIFT)) & (READ | WRITE | ZERO_LENGTH_READ);
}

/** The access that asks for these rights. */
export function accessOf(bits: number): Access {
  const kind = kindBits(bits);
  if (kind === READ) return 'read';
  if (kind === WRITE) return 'write';
  return kind === ZERO_LENGTH_READ ? 'zero-length-read' : 'atomic';
}

/** Rights as people write them: `r`, `w`, `rw`, or nothing. */
export function rightsText(rights: number): 'r' | 'w' | 'rw' | '' {
  const text = (['', 'r', 'w', 'rw'] as const)[rights & 3];
  return text ?? '';
}
