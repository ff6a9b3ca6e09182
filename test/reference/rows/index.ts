import { firstStageRows } from './first-stage.js';
import { generalRows } from './general.js';
import { hostPermissionRows } from './host-permission.js';
import { pasidRows } from './pasid-entry.js';
import { requesterRows } from './requester.js';
import type { ScalableRow } from './row.js';
import { secondStageRows } from './second-stage.js';

/** A way, or several, to meet each condition that a read, write or AtomicOp can meet in scalable mode. */
export const scalableRows: readonly ScalableRow[] = [
  ...requesterRows,
  ...pasidRows,
  ...firstStageRows,
  ...secondStageRows,
  ...generalRows,
  ...hostPermissionRows,
];
