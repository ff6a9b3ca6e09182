import { COMMAND_REGISTERS } from './command-registers.js';
import { FAULT_REGISTERS } from './fault-registers.js';
import { MTRR_REGISTERS } from './mtrr-registers.js';
import { PERFORMANCE_REGISTERS } from './performance-registers.js';
import { INVALIDATION_QUEUE_REGISTERS, PAGE_REQUEST_REGISTERS } from './queue-registers.js';
import type { RegisterRow } from './register-row.js';
import { REMAPPING_REGISTERS } from './remapping-registers.js';

/** Every register of the architecture (§11.4); which of them a unit has, its capabilities say. */
export const REGISTERS: readonly RegisterRow[] = [
  ...REMAPPING_REGISTERS,
  ...FAULT_REGISTERS,
  ...INVALIDATION_QUEUE_REGISTERS,
  ...PAGE_REQUEST_REGISTERS,
  ...MTRR_REGISTERS,
  ...PERFORMANCE_REGISTERS,
  ...COMMAND_REGISTERS,
];
