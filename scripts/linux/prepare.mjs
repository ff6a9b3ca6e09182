// Before tests that boot Linux: what they all need is fetched once, not by each of the processes that they run in.
import { initramfs, seabios } from './guest-files.mjs';

export function setup() {
  seabios();
  initramfs('');
}
