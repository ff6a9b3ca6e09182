import { pasid, ridPasid, wordOf } from '../scalable-tables.js';
import type { ScalableRow } from './row.js';
import {
  context,
  EPTR,
  HPTE,
  PRE,
  translated,
  ttm,
  withoutDeviceTlb,
  withoutHpt,
  withoutScalableMode,
  withPasid,
} from './spoil.js';

/** faults.md §3 and §4: mode, root entry, context entry. */
export const requesterRows: readonly ScalableRow[] = [
  { condition: 'RTA.1.1', about: 'abort-DMA mode without ADMS', caps: { 'ECAP.ADMS': 0 }, rtaddr: ttm(3n) },
  { condition: 'RTA.1.2', about: 'mode 2', rtaddr: ttm(2n) },
  { condition: 'RTA.1.3', about: 'scalable mode without SMTS', caps: withoutScalableMode() },
  { condition: 'RTA.1.4', about: 'SSIRWE in legacy mode', rtaddr: 1n << 7n },
  { condition: 'RTA.2', about: 'PASID in legacy mode', rtaddr: 0n, request: withPasid },
  { condition: 'RTA.4', about: 'abort-DMA mode', rtaddr: ttm(3n) },
  { condition: 'RTA.4', about: 'abort-DMA mode, translated', rtaddr: ttm(3n), request: translated },
  {
    condition: 'RTA.5',
    about: 'execute request, major 8',
    caps: { 'VER.MAJOR': 8 },
    request: { ...withPasid, execute: true },
  },

  // faults.md §4: root entry
  { condition: 'SRT.1', about: 'root entry unreadable', spoil: (tables) => tables.fail(wordOf.root) },
  { condition: 'SRT.1', about: 'its other half unreadable', spoil: (tables) => tables.fail(wordOf.root + 8n) },
  { condition: 'SRT.2', about: 'LP=0', spoil: (tables) => tables.clear(wordOf.root, 1n) },
  { condition: 'SRT.2', about: 'UP=0', request: { sourceId: 0x0193 } },
  { condition: 'SRT.3', about: 'bit 1', spoil: (tables) => tables.or(wordOf.root, 2n) },
  { condition: 'SRT.3', about: 'bit 11', spoil: (tables) => tables.or(wordOf.root, 1n << 11n) },
  { condition: 'SRT.3', about: 'LCTP ≥ HAW', spoil: (tables) => tables.or(wordOf.root, 1n << 46n) },
  {
    condition: 'SRT.3',
    about: 'UCTP ≥ HAW',
    spoil: (tables) => tables.set(wordOf.root + 8n, (1n << 63n) | 1n),
    request: { sourceId: 0x0193 },
  },

  // context entry
  { condition: 'SCT.1', about: 'context entry unreadable', spoil: (tables) => tables.fail(wordOf.context) },
  { condition: 'SCT.1', about: 'its last word unreadable', spoil: (tables) => tables.fail(wordOf.context + 24n) },
  { condition: 'SCT.2', about: 'P=0', spoil: (tables) => tables.clear(wordOf.context, 1n) },
  { condition: 'SCT.3', about: 'bit 7', spoil: context(1n << 7n) },
  { condition: 'SCT.3', about: 'bit 8', spoil: context(1n << 8n) },
  { condition: 'SCT.3', about: 'DTE without DT', caps: withoutDeviceTlb() },
  {
    condition: 'SCT.3',
    about: 'PASIDE without PASID',
    caps: { 'ECAP.PASID': 0, 'ECAP.PTRS': 0 },
  },
  { condition: 'SCT.3', about: 'PRE without PRS', caps: { 'ECAP.PRS': 0 }, spoil: context(PRE) },
  { condition: 'SCT.3', about: 'HPTE without HPTS', caps: withoutHpt(), spoil: context(HPTE) },
  { condition: 'SCT.3', about: 'EPTR without PTRS', caps: { 'ECAP.PTRS': 0 }, spoil: context(EPTR) },
  { condition: 'SCT.3', about: 'PASIDDIRPTR ≥ HAW', spoil: context(1n << 46n) },
  { condition: 'SCT.3', about: 'RID_PASID without RPS', caps: { 'ECAP.RPS': 0 } },
  {
    condition: 'SCT.3',
    about: 'RID_PRIV without RPRIVS',
    caps: { 'ECAP.RPRIVS': 0 },
    spoil: (tables) => tables.or(wordOf.context + 8n, 1n << 20n),
  },
  { condition: 'SCT.3', about: 'bit 85', spoil: (tables) => tables.or(wordOf.context + 8n, 1n << 21n) },
  { condition: 'SCT.3', about: 'bit 255', spoil: (tables) => tables.or(wordOf.context + 24n, 1n << 63n) },
  {
    condition: 'SCT.4.1',
    about: 'PRE=1, DTE=0',
    spoil: (tables) => tables.clear(wordOf.context, 1n << 2n).or(wordOf.context, PRE),
  },
  {
    condition: 'SCT.4.2',
    about: 'RID_PASID beyond PDTS',
    spoil: (tables) => tables.set(wordOf.context + 8n, 1n << 13n),
  },
  {
    condition: 'SCT.4.3',
    about: 'EPTR=1, PASIDE=0',
    spoil: (tables) => tables.clear(wordOf.context, 1n << 3n).or(wordOf.context, EPTR),
  },
  {
    condition: 'SCT.5',
    about: 'translated, DTE=0',
    spoil: (tables) => tables.clear(wordOf.context, 1n << 2n),
    request: translated,
  },
  {
    condition: 'SCT.6',
    about: 'PASID, PASIDE=0',
    spoil: (tables) => tables.clear(wordOf.context, 1n << 3n),
    request: withPasid,
  },
  { condition: 'SCT.7', about: 'PASID beyond PDTS', request: { pasid: 0x2000 } },
  { condition: 'SCT.9', about: 'PASID is RID_PASID', request: { pasid: ridPasid } },
  {
    condition: 'SCT.9',
    about: 'PASID 0 without RPS',
    caps: { 'ECAP.RPS': 0 },
    spoil: (tables) => tables.set(wordOf.context + 8n, 0n),
    request: { pasid: 0 },
  },
  { condition: 'SCT.10', about: 'translated with PASID, EPTR=0', request: { ...translated, pasid } },
];
