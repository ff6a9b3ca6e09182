export { type AttachedV86, type AttachV86Options, attachV86 } from './attach.js';
export type { V86Device } from './devices.js';
export type { V86Emulator } from './emulator.js';
