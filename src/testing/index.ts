export { ModelDevice, type ModelDeviceOptions, type TransferOptions } from './model-device.js';
export type { PageGroup } from './page-groups.js';
export type { Transfer, TransferFailure, TranslatedRequest } from './transfer.js';
export type { CachedTranslation, Requests } from './translation-cache.js';
