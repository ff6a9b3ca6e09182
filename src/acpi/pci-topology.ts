import { checkedNumber } from './byte-fields.js';
import type { CompleteDmar, DeviceScope } from './dmar.js';

/** A function of a PCI device. */
export interface PciFunction {
  /** PCI segment, 0 to 65535; default 0. */
  readonly segment?: number;
  /** 0 to 255. */
  readonly bus: number;
  /** 0 to 31. */
  readonly device: number;
  /** 0 to 7. */
  readonly function: number;
}

/** A PCI-PCI bridge: what is behind it, and what it makes of the requester-ids of its requests. */
export interface PciBridge extends PciFunction {
  /** The bus directly behind it, greater than its own. */
  readonly secondaryBus: number;
  /** A root or switch port passes requester-ids on; the other two may put another one in their place (§3.12). */
  readonly kind: 'port' | 'pcie-to-pci' | 'pci';
}

/** A bridge as the topology keeps it. */
export interface PlacedBridge {
  /** The bridge's own requester-id. */
  readonly sourceId: number;
  readonly bus: number;
  readonly secondaryBus: number;
  readonly kind: PciBridge['kind'];
}

/** The 16-bit requester-id of a function. */
export function requesterId({ bus, device, function: fn }: PciFunction): number {
  return (bus << 8) | (device << 3) | fn;
}

/** A function whose numbers are in range, with its segment. @throws TypeError or RangeError if they are not */
export function checkedFunction(given: PciFunction, place: string): Required<PciFunction> {
  return {
    segment: checkedNumber(given.segment ?? 0, 0, 0xffff, `${place}.segment`),
    bus: checkedNumber(given.bus, 0, 0xff, `${place}.bus`),
    device: checkedNumber(given.device, 0, 31, `${place}.device`),
    function: checkedNumber(given.function, 0, 7, `${place}.function`),
  };
}

/** The bridges of a machine, by what leads to them and by what they lead to. */
export class PciTopology {
  readonly #byId = new Map<number, PlacedBridge>();
  readonly #bySecondary = new Map<number, PlacedBridge>();

  /** @throws TypeError or RangeError if a number is out of range, or two bridges lead to one bus */
  constructor(bridges: readonly PciBridge[]) {
    bridges.forEach((bridge, index) => {
      const place = `bridges[${index}]`;
      const { segment, ...own } = checkedFunction(bridge, place);
      // buses are numbered from the root on: so a way up ends
      const secondaryBus = checkedNumber(bridge.secondaryBus, own.bus + 1, 0xff, `${place}.secondaryBus`);
      const { kind } = bridge;
      if (!['port', 'pcie-to-pci', 'pci'].includes(kind)) {
        throw new TypeError(`${place}.kind is ${String(kind)}: there are port, pcie-to-pci, pci`);
      }
      if (this.#bySecondary.has(key(segment, secondaryBus))) {
        throw new RangeError(
          `${place}.secondaryBus is ${secondaryBus}, to which another bridge leads: give each its own`,
        );
      }
      const placed = { sourceId: requesterId(own), bus: own.bus, secondaryBus, kind };
      this.#byId.set(key(segment, placed.sourceId), placed);
      this.#bySecondary.set(key(segment, secondaryBus), placed);
    });
  }

  /** The bridges between a bus and its root bus, the nearest first. */
  above(segment: number, bus: number): PlacedBridge[] {
    const bridges: PlacedBridge[] = [];
    for (let at = this.#bySecondary.get(key(segment, bus)); at; at = this.#bySecondary.get(key(segment, at.bus))) {
      bridges.push(at);
    }
    return bridges;
  }

  /** The requester-id that a device scope names; `undefined` if its path leads through a bridge that is not known. */
  resolve(segment: number, { startBus, path }: CompleteDmar<DeviceScope>): number | undefined {
    let bus = startBus;
    let sourceId: number | undefined;
    for (const [index, step] of path.entries()) {
      if (step.device > 31 || step.function > 7) return undefined;
      if (index > 0) {
        const bridge = this.#byId.get(key(segment, sourceId as number));
        if (bridge === undefined) return undefined;
        bus = bridge.secondaryBus;
      }
      sourceId = requesterId({ bus, ...step });
    }
    return sourceId;
  }
}

function key(segment: number, id: number): number {
  return segment * 0x1_0000 + id;
}
