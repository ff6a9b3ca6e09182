import { GuestMemory, IntelIommu, type IntelIommuOptions } from '../../src/index.js';
import { TableBuilder } from '../support/table-builder.js';

export const TE = 0x8000_0000;
export const SRTP = 0x4000_0000;
const QIE = 0x0400_0000;
export const DOMAIN = 3;

/** Two devices in one domain: IOVA 0x1000 is the page 0x200000. */
export const DEVICES = [0x0010, 0x0018] as const;

/** A unit that translates, its tables, and what it has sent. */
export function startedUnit(options: Partial<IntelIommuOptions> = {}) {
  const memory = GuestMemory.ram(8 * 1024 * 1024);
  const tables = new TableBuilder(memory, 0x100);
  const top = tables.page();
  for (const device of DEVICES) tables.context(device, { table: top, levels: 3, domainId: DOMAIN });
  tables.map(top, 3, 0x1000, 0x20_0000);
  const unit = new IntelIommu({ memory, preset: 'everything', ...options });
  const messages: string[] = [];
  unit.on('message', ({ source, address, data }) => messages.push(`${source} ${address.toString(16)} ${data}`));
  unit.write64(0x20, BigInt(tables.root) << 12n);
  unit.write32(0x18, SRTP);
  unit.write32(0x18, TE);
  return { unit, memory, tables, top, messages };
}

/** The same devices in scalable mode, by PASID entries with second stages (PGTT 2), PASID 0 standing for none. */
export function startedScalableUnit(options: Partial<IntelIommuOptions> = {}) {
  const { unit, tables, top } = startedUnit(options);
  const [root, contexts, directory, entries] = Array.from({ length: 4 }, () => tables.page() * 4096);
  tables.setWord(root, BigInt(contexts) | 1n);
  for (const device of DEVICES) tables.setWord(contexts + device * 32, BigInt(directory) | 1n);
  tables.setWord(directory, BigInt(entries) | 1n);
  tables.setWord(entries, (BigInt(top) << 12n) | (2n << 6n) | (1n << 2n) | 1n);
  tables.setWord(entries + 8, BigInt(DOMAIN));
  unit.write64(0x20, BigInt(root) | (1n << 10n));
  unit.write32(0x18, (TE | SRTP) >>> 0);
  return { unit, tables, top, entries };
}

/** Unmasks an event: its vector, address and control registers follow each other. */
export function unmask(unit: IntelIommu, control: number, vector: number): void {
  unit.write32(control + 4, vector);
  unit.write32(control + 8, 0xfee0_1000);
  unit.write32(control, 0);
}

/** An invalidation queue of 256-bit or 128-bit descriptors at 0x300000. */
export class Queue {
  readonly #unit: IntelIommu;
  readonly #memory: GuestMemory;
  readonly #bytes: number;
  #tail = 0;
  static readonly base = 0x30_0000;

  constructor(unit: IntelIommu, memory: GuestMemory, wide = false) {
    this.#unit = unit;
    this.#memory = memory;
    this.#bytes = wide ? 32 : 16;
    unit.write32(0x88, 0);
    unit.write64(0x90, BigInt(Queue.base) | (wide ? 0x800n : 0n));
    unit.write32(0x18, (unit.read32(0x1c) & TE) | QIE);
  }

  /** Writes a descriptor given as 64-bit words behind the others. */
  put(...words: bigint[]): this {
    for (let word = 0; word < this.#bytes / 8; word++) {
      const value = words[word] ?? 0n;
      this.#memory.write32(Queue.base + this.#tail + word * 8, Number(value & 0xffff_ffffn));
      this.#memory.write32(Queue.base + this.#tail + word * 8 + 4, Number(value >> 32n));
    }
    this.#tail = (this.#tail + this.#bytes) % 4096;
    return this;
  }

  submit(): void {
    this.#unit.write32(0x88, this.#tail);
  }
}
