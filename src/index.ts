export { buildDmar } from './acpi/build-dmar.js';
export type {
  Andd,
  Atsr,
  CompleteDmar,
  DeviceScope,
  DmarFlag,
  DmarStructure,
  DmarTable,
  Drhd,
  PathStep,
  Rhsa,
  Rmrr,
  Satc,
  ScopeFlag,
  ScopeType,
  Sidp,
  UnknownStructure,
} from './acpi/dmar.js';
export { type DmarFinding, type DmarPlatform, lintDmar } from './acpi/lint-dmar.js';
export { type DmarRemark, type ParsedDmar, parseDmar } from './acpi/parse-dmar.js';
export type { PciBridge, PciFunction } from './acpi/pci-topology.js';
export { type PlatformDevice, type RequesterMap, type RequesterPlace, requesterMap } from './acpi/requester-map.js';
export type { DevicePort, DeviceTlbInvalidation, InvalidationCompletion } from './ats/device-port.js';
export type { PageGroupResponse, PageRequest, PageRequestOutcome, ResponseCode } from './ats/page-request.js';
export type { TranslationCompletion, TranslationEntry, TranslationRequest } from './ats/translation-request.js';
export { CACHE_POLICIES, type CachePolicy, type CachePolicyName } from './caches/policy.js';
export type { Fault, FaultEvent } from './faults/fault.js';
export type { FaultOutcome } from './faults/fault-log.js';
export type {
  CheckStep,
  EntryStep,
  ExplainedFault,
  ExplainRequest,
  ExplainStep,
  Explanation,
  StaleEntry,
} from './inspect/explanation.js';
export type { InterruptExplanation, StaleInterruptEntry } from './inspect/interrupt-explanation.js';
export type { ReservedBits } from './inspect/reserved-bits.js';
export type { EventMessage } from './interrupts/event-message.js';
export type {
  InterruptAnswer,
  InterruptEvent,
  InterruptRemapping,
  InterruptVerdict,
  PostedEvent,
} from './interrupts/interrupt-remapping.js';
export type { InterruptMessage } from './interrupts/message.js';
export { decodeRedirectionEntry, type RedirectionEntry } from './interrupts/redirection-entry.js';
export type { InterruptRequest } from './interrupts/request.js';
export {
  type AttachOptions,
  GuestMemory,
  type MemoryHandler,
  type MemoryRange,
} from './memory/guest-memory.js';
export { SparseMemory } from './memory/sparse-memory.js';
export { alignedBlocks } from './notifier/aligned-blocks.js';
export type { MapEvent, Notifier, NotifierKinds, NotifierOptions, UnmapEvent } from './notifier/notifier.js';
export { IommuMemoryRegion, type ReplayOptions, type Translation } from './notifier/region.js';
export type { MappingVisitor, ReplaySummary, SkipReason, SkipVisitor } from './notifier/replay.js';
export type { MappedRun } from './notifier/shadow.js';
export type { Capabilities, CapabilityName } from './regs/capabilities.js';
export { type PresetName, presets, qemuCapabilities } from './regs/presets.js';
export type { RegisterFile } from './regs/register-file.js';
export type { DecodedField } from './tables/entry-format.js';
export { IntelIommu, type IommuEvents, type IommuStatistics } from './unit/intel-iommu.js';
export type { CapabilityValues, IntelIommuOptions } from './unit/options.js';
export type { Condition, TranslationAnswer } from './walk/condition.js';
export { CONDITIONS } from './walk/conditions.js';
export type { RequestKind } from './walk/request-kind.js';
export { ACCESS, type Access, type RequestAttributes, rightsText } from './walk/rights.js';
