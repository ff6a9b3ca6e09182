/** What the unit's caches may hold, and for how long. Results after the required invalidations never depend on it. */
export interface CachePolicy {
  /** IOTLB entries: 0, or a power of two up to 65536. */
  readonly iotlbEntries: number;
  /** Whether context entries are cached, and PASID entries. */
  readonly contexts: boolean;
  readonly pasids: boolean;
  /** Entries of the interrupt-entry cache: 0, or a power of two up to 65536, which holds every index. */
  readonly interruptEntries: number;
  /** Keep an IOTLB entry until it is invalidated, even when its place is wanted: the IOTLB grows beyond its entries. */
  readonly keepAll: boolean;
  /** With CAP.CM=1, keep also what was found not present or erroneous (§6.1). */
  readonly notPresent: boolean;
}

/**
 * The policies by name: `none` caches nothing, `default` is like hardware, `hold` keeps all that the architecture lets
 * hardware keep for as long as it may, so that an invalidation that software forgot shows.
 */
export const CACHE_POLICIES = {
  none: { iotlbEntries: 0, contexts: false, pasids: false, interruptEntries: 0, keepAll: false, notPresent: false },
  default: {
    iotlbEntries: 16384,
    contexts: true,
    pasids: true,
    interruptEntries: 1024,
    keepAll: false,
    notPresent: false,
  },
  hold: {
    iotlbEntries: 16384,
    contexts: true,
    pasids: true,
    interruptEntries: 65536,
    keepAll: true,
    notPresent: true,
  },
} as const satisfies Readonly<Record<string, CachePolicy>>;

export type CachePolicyName = keyof typeof CACHE_POLICIES;

/**
 * The policy that an option names or spells out; what it leaves out is as in `default`.
 *
 * @throws RangeError if the name is unknown, or a number of entries is not allowed
 */
export function cachePolicy(option: CachePolicyName | Partial<CachePolicy> = 'default'): CachePolicy {
  if (typeof option === 'string') {
    const policy = CACHE_POLICIES[option];
    if (policy !== undefined) return policy;
    throw new RangeError(`caches: '${option}' is unknown: choose one of ${Object.keys(CACHE_POLICIES).join(', ')}`);
  }
  const policy = { ...CACHE_POLICIES.default, ...option };
  checkEntries('iotlbEntries', policy.iotlbEntries);
  checkEntries('interruptEntries', policy.interruptEntries);
  return policy;
}

function checkEntries(name: string, entries: number): void {
  if (!Number.isInteger(entries) || entries < 0 || entries > 65536 || (entries & (entries - 1)) !== 0) {
    throw new RangeError(`caches.${name} is ${entries}: it must be 0 or a power of two up to 65536`);
  }
}
