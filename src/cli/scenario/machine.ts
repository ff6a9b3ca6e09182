import {
  IntelIommu,
  type IntelIommuOptions,
  type IommuMemoryRegion,
  type RequestAttributes,
  rightsText,
} from '../../index.js';
import { type Fields, flag, hex, ScenarioError, shown, whole } from './fields.js';

/** Source-ids of the requesters that scenarios call by letters. */
const DEVICES: Readonly<Record<string, number>> = {
  a: 0x0010,
  b: 0x0098,
  c: 0x0020,
  d: 0x0021,
  e: 0x0100,
  f: 0x0200,
  g: 0x0038,
};

/** Most bytes that a step may move: as many as the default machine has addresses for. */
const MOST_STEP_BYTES = 2 ** 24;
/** What a whole scenario may move, and tell of, so that no scenario stops those behind it. */
const MOST_BYTES = 2 ** 27;
const MOST_EVENTS = 2 ** 17;

/** Bits of the first word of a wait descriptor (§6.5.2.9). */
const IF = 0x10;
const SW = 0x20;

/** Response codes as page group response descriptors have them (§7.6.1). */
const RESPONSE_CODES = { success: 0, 'invalid-request': 1, 'response-failure': 15 } as const;

/** An event as transcripts tell it: its name, then its values. */
export type TranscriptEvent = readonly [name: string, ...values: unknown[]];

/** The machine that a scenario runs on: a unit, memory, and what happened since it was last asked. */
export class Machine {
  readonly unit: IntelIommu;
  #events: TranscriptEvent[] = [];
  #eventCount = 0;
  #bytes = 0;
  /** What ends the silence of devices that do not complete invalidations. */
  readonly #silent = new Map<number, () => void>();

  /** @throws TypeError or RangeError if the options are wrong */
  constructor(options: IntelIommuOptions) {
    this.unit = new IntelIommu(options);
    this.#listen();
  }

  /** The region of a step's requester. */
  region(step: Fields): IommuMemoryRegion {
    const { sourceId, pasid } = requesterOf(step);
    return this.unit.region(sourceId, pasid);
  }

  /** From now on a device completes invalidations at once, or never. */
  setDeviceTlb(sourceId: number, completes: boolean): void {
    this.#silent.get(sourceId)?.();
    this.#silent.delete(sourceId);
    if (completes) return;
    const port = { invalidate: () => undefined, pageGroupResponse: () => undefined };
    this.#silent.set(sourceId, this.unit.attachDevice(sourceId, port));
  }

  /** A step's number of bytes; all that the scenario moves is bounded. */
  bytes(step: Fields, name: string, least: number): number {
    const count = whole(step, name, least, MOST_STEP_BYTES);
    this.#bytes += count;
    if (this.#bytes > MOST_BYTES) throw new ScenarioError(`the scenario moves more than ${MOST_BYTES} bytes`);
    return count;
  }

  /** What happened since the last call. */
  takeEvents(): readonly TranscriptEvent[] {
    const events = this.#events;
    this.#events = [];
    if (this.#eventCount > MOST_EVENTS) throw new ScenarioError(`the scenario has more than ${MOST_EVENTS} events`);
    return events;
  }

  #tell(...event: TranscriptEvent): void {
    if (++this.#eventCount <= MOST_EVENTS) this.#events.push(event);
  }

  #listen(): void {
    const { unit } = this;
    unit.on('fault', ({ sourceId, reason, address, access, outcome }) => {
      if (outcome === 'disabled') this.#tell('fault-disabled');
      else if (reason !== undefined) {
        const direction = access === 'write' || access === 'atomic' ? 'write' : 'read';
        this.#tell('fault', hex(sourceId), hex(reason), hex(address), direction);
      }
    });
    unit.on('message', ({ address, upperAddress, data }) => {
      this.#tell('irq', hex((BigInt(upperAddress) << 32n) | BigInt(address)), hex(data));
    });
    unit.on('interrupt', ({ cause, request, address, upperAddress, data }) => {
      // of a notification the event of what was posted tells
      if (cause === 'notification') return;
      const remapped = hex((BigInt(upperAddress) << 32n) | BigInt(address));
      this.#tell('msi', hex(request.address), hex(request.data), remapped, hex(data));
    });
    unit.on('deviceTlbInvalidation', ({ sourceId, pasid, address, size }) => {
      this.#tell('devtlb-inv', sourceId, pasid ?? null, hex(address), hex(size));
    });
    unit.on('pageGroupResponse', ({ sourceId, pasid, group, code }) => {
      this.#tell('prg-response', sourceId, pasid ?? null, group, RESPONSE_CODES[code]);
    });
    unit.on('posted', ({ descriptor, vector, notified }) => this.#tell('posted', hex(descriptor), vector, notified));
    unit.on('map', ({ sourceId, iova, length, address, rights }) => {
      this.#tell('map', sourceId, hex(iova), hex(length), hex(address), rightsText(rights));
    });
    unit.on('unmap', ({ sourceId, iova, length }) => this.#tell('unmap', sourceId, hex(iova), hex(length)));
    unit.on('descriptor', (name, words) => {
      if (name !== 'wait') return;
      const [flags, data, low, high] = Array.from(words, (word) => word >>> 0) as [number, number, number, number];
      if ((flags & SW) !== 0) this.#tell('wait-sw', hex((BigInt(high) << 32n) | BigInt(low)), hex(data));
      if ((flags & IF) !== 0) this.#tell('wait-irq');
    });
  }
}

/** What a request is besides; only one with PASID is privileged, or executes. */
export function attributesOf(step: Fields): Pick<RequestAttributes, 'privileged' | 'execute'> {
  const [privileged, execute] = [flag(step, 'priv'), flag(step, 'exec')];
  return step.pasid === undefined ? {} : { privileged, execute };
}

/** The requester that a step names. */
export function requesterOf(step: Fields): { sourceId: number; pasid: number | undefined } {
  const pasid = step.pasid === undefined ? undefined : whole(step, 'pasid', 0, 0xf_ffff);
  const { dev } = step;
  if (typeof dev === 'string' && Object.hasOwn(DEVICES, dev)) return { sourceId: DEVICES[dev] as number, pasid };
  if (typeof dev === 'number' && Number.isInteger(dev) && dev >= 0 && dev <= 0xffff) return { sourceId: dev, pasid };
  throw new ScenarioError(`dev is ${shown(dev)}: give a name from a to g, or a source-id from 0 to 65535`);
}
