// What a Linux guest of v86 boots from: SeaBIOS, the kernel, an initial file system, a disk.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE, debianPackage, run } from './debian.mjs';

/** The kernel that `scripts/linux/build-kernel.mjs` builds. */
export const BUILT_KERNEL = join(CACHE, 'bzImage');

/** @returns {{ bios: Uint8Array, vgaBios: Uint8Array }} SeaBIOS and its VGA BIOS */
export function seabios() {
  const folder = join(debianPackage('seabios'), 'usr', 'share', 'seabios');
  return {
    bios: readFileSync(join(folder, 'bios-256k.bin')),
    vgaBios: readFileSync(join(folder, 'vgabios-stdvga.bin')),
  };
}

/**
 * @returns {Uint8Array} Linux, as a bzImage
 * @throws Error that says how to get one, if there is none
 */
export function kernel() {
  const given = process.env.INTEL_IOMMU_KERNEL;
  const path = given ?? BUILT_KERNEL;
  if (existsSync(path)) return readFileSync(path);
  throw new Error(
    given === undefined
      ? 'no kernel for the guest: set INTEL_IOMMU_KERNEL to a bzImage, or build one: npm run build:linux-kernel'
      : `INTEL_IOMMU_KERNEL names ${given}, where there is nothing`,
  );
}

/**
 * An initial file system: Debian's static busybox for i386, and a script that is the first process.
 *
 * @param {string} init - the script; commands of busybox are found by their names
 * @returns {Uint8Array} a cpio archive
 */
export function initramfs(init) {
  const busybox = readFileSync(join(debianPackage('busybox-static:i386'), 'bin', 'busybox'));
  const folders = ['bin', 'dev', 'proc', 'sys', 'mnt'].map((name) => ({
    name,
    mode: 0o040755,
    data: new Uint8Array(),
  }));
  return cpio([
    ...folders,
    { name: 'bin/busybox', mode: 0o100755, data: busybox },
    {
      name: 'init',
      mode: 0o100755,
      data: new TextEncoder().encode(`#!/bin/busybox sh\n/bin/busybox --install -s /bin\n${init}`),
    },
  ]);
}

/**
 * An archive in the format `newc`.
 *
 * @param {readonly { name: string, mode: number, data: Uint8Array }[]} files
 * @returns {Uint8Array}
 */
function cpio(files) {
  /** @type {Uint8Array[]} */
  const parts = [];
  const pad = (/** @type {number} */ length) => new Uint8Array((4 - (length % 4)) % 4);
  [...files, { name: 'TRAILER!!!', mode: 0, data: new Uint8Array() }].forEach(({ name, mode, data }, index) => {
    // inode, mode, uid, gid, links, mtime, size, device and special device (major, minor each), name's length, checksum
    const fields = [index + 1, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const digits = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
    const header = new TextEncoder().encode(`070701${digits}${name}\0`);
    parts.push(header, pad(header.length), data, pad(data.length));
  });
  return Buffer.concat(parts);
}

/**
 * An ext4 file system.
 *
 * @param {Readonly<Record<string, Uint8Array>>} files
 * @param {number} mebibytes - size of the image
 * @returns {Uint8Array}
 */
export function ext4(files, mebibytes) {
  return inFolder((folder) => {
    const root = join(folder, 'root');
    mkdirSync(root);
    for (const [name, data] of Object.entries(files)) writeFileSync(join(root, name), data);
    const image = join(folder, 'image');
    run('/sbin/mke2fs', ['-q', '-t', 'ext4', '-d', root, image, `${mebibytes}M`]);
    return readFileSync(image);
  });
}

/**
 * A file of an ext4 image, read from outside. The file system is checked too.
 *
 * @param {Uint8Array} image - not mounted any more
 * @param {string} name
 * @returns {Uint8Array}
 * @throws Error if the file system has errors
 */
export function ext4File(image, name) {
  return inFolder((folder) => {
    const path = join(folder, 'image');
    const file = join(folder, 'file');
    writeFileSync(path, image);
    run('/sbin/e2fsck', ['-f', '-n', path]);
    run('/sbin/debugfs', ['-R', `dump ${name} ${file}`, path]);
    return readFileSync(file);
  });
}

/**
 * @template T
 * @param {(folder: string) => T} work
 * @returns {T}
 */
function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'intel-iommu-guest-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
