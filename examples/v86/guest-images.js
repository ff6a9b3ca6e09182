// What the guest boots from, made on this machine. For Node only.
import { createHash } from 'node:crypto';
import { ext4, initramfs, kernel, seabios } from '../../scripts/linux/guest-files.mjs';
import { PROMPT } from './prompt.js';

const INIT = `
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t ext4 /dev/sda /mnt
stty rows "\${LINES:-24}" cols "\${COLUMNS:-80}"
export PS1='${PROMPT}' TERM=linux HOME=/mnt
cd /mnt
cat README
while :; do setsid cttyhack sh; done
`;

const README = `
  This disk's DMA is remapped, and so is that of the console /dev/hvc0. Some to do:
    md5sum -c sums          read the disk (again: echo 3 > /proc/sys/vm/drop_caches)
    cp noise copy; sync     write to it
    echo hello > /dev/hvc0  send by the virtio console
    dmesg | grep DMAR       what the driver said

`;

const DISK_MEBIBYTES = 24;
const NOISE_WORDS = 2 ** 21;

/** Bytes that look random, the same in each run. */
function noise() {
  const words = new Uint32Array(NOISE_WORDS);
  let state = 1;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    words[i] = state ^ (state >>> 15);
  }
  return new Uint8Array(words.buffer);
}

/**
 * The images, by the names of v86's options.
 *
 * @returns {Record<import('./machine.js').ImageName, Uint8Array>}
 * @throws Error that says what is missing, and what to do
 */
export function guestImages() {
  const bzimage = kernel();
  const { bios, vgaBios } = seabios();
  const text = new TextEncoder();
  const file = noise();
  const sums = `${createHash('md5').update(file).digest('hex')}  noise\n`;
  const files = { README: text.encode(README), noise: file, sums: text.encode(sums) };
  return { bios, vga_bios: vgaBios, bzimage, initrd: initramfs(INIT), hda: ext4(files, DISK_MEBIBYTES) };
}
