/**
 * Cuts a range into blocks whose size is a power of two and whose address is a multiple of it, as few as possible: the
 * form that back ends which take an address and a mask want for unmapping.
 *
 * @param iova - first address, a multiple of 4096
 * @param length - bytes, a multiple of 4096; together at most 2^64
 * @returns blocks in ascending order
 * @throws RangeError if the range is not made of whole pages
 *
 * @example
 * alignedBlocks(0x3000, 0x5000); // [{ iova: 0x3000, length: 0x1000 }, { iova: 0x4000, length: 0x4000 }]
 */
export function alignedBlocks(iova: number, length: number): { iova: number; length: number }[] {
  if (iova < 0 || length < 0 || iova % 4096 !== 0 || length % 4096 !== 0 || iova + length > 2 ** 64) {
    throw new RangeError(`${length} bytes from ${iova}: both must be multiples of 4096 that end at 2^64 at most`);
  }
  const blocks: { iova: number; length: number }[] = [];
  for (let at = iova, left = length; left > 0; ) {
    let size = alignment(at);
    while (size > left) size /= 2;
    blocks.push({ iova: at, length: size });
    at += size;
    left -= size;
  }
  return blocks;
}

/** The largest power of two, up to 2^64, that divides a multiple of 4096. */
function alignment(address: number): number {
  let size = 4096;
  while (size < 2 ** 64 && address % (size * 2) === 0) size *= 2;
  return size;
}
