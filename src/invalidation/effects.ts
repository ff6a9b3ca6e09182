/** What invalidations do, whichever interface they come through. All addresses are given as two 32-bit halves. */
export interface InvalidationEffects {
  contextGlobal(): void;
  contextDomain(domainId: number): void;
  /** Context entries of a domain-id and the source-ids that `functionMask` lets `sourceId` stand for. */
  contextDevice(domainId: number, sourceId: number, functionMask: number): void;
  pasidGlobal(): void;
  pasidDomain(domainId: number): void;
  /** The PASID entries of one PASID in a domain-id. */
  pasidSelective(domainId: number, pasid: number): void;
  iotlbGlobal(): void;
  iotlbDomain(domainId: number): void;
  /** 2^`mask` pages of a domain-id. */
  iotlbPages(domainId: number, hi: number, lo: number, mask: number): void;
  /** All translations of a PASID in a domain-id. */
  pasidIotlb(domainId: number, pasid: number): void;
  /** 2^`mask` pages of the first stage of a PASID in a domain-id. */
  pasidIotlbPages(domainId: number, pasid: number, hi: number, lo: number, mask: number): void;
  interruptEntriesGlobal(): void;
  /** 2^`mask` entries of the interrupt-remapping table. */
  interruptEntries(index: number, mask: number): void;
  /** Called before software learns that the invalidations are done: whoever shadows the tables catches up now. */
  complete(): void;
}
