import { GuestMemory } from '../memory/guest-memory.js';
import { IntelIommu } from '../unit/intel-iommu.js';
import type { IntelIommuOptions } from '../unit/options.js';
import { repairAcpi } from './acpi-repairs.js';
import { routeDevices, type V86Device } from './devices.js';
import { dmarTable } from './dmar-table.js';
import { checkedCpu, type V86Emulator } from './emulator.js';
import { GuestRam } from './guest-ram.js';
import { LocalApic } from './local-apic.js';
import { mapRegisters } from './register-window.js';
import { keepState } from './saved-state.js';

/** How a unit is attached: a unit of your own, or the options of one that is made. */
export type AttachV86Options = { readonly base?: number } & (
  | ({ readonly unit?: undefined } & Omit<IntelIommuOptions, 'memory'>)
  | { readonly unit: IntelIommu }
);

/** A unit in a v86 machine. */
export interface AttachedV86 {
  readonly unit: IntelIommu;
  /** The devices whose DMA goes through the unit. */
  readonly devices: readonly V86Device[];
}

const DMAR = 'acpi/DMAR';

/**
 * Puts a unit into a v86 machine: its registers, a DMAR table by which the guest finds it, the DMA of the IDE, virtio and
 * ISA devices through its regions, its messages into the local APIC, its state in v86's own `save_state()` and
 * `restore_state()`.
 *
 * Attach on v86's event `emulator-loaded`, before `run()`. The machine needs the option `acpi: true`, SeaBIOS, and no
 * `initial_state` (call `restore_state()` after attaching). v86's processor has no CLFLUSH, by which drivers write tables
 * back for a unit that does not snoop, so a unit that is made here reports ECAP.C=1; give a unit of your own the same.
 *
 * @param emulator - v86's class `V86`, of its release build
 * @param options - of the unit that is made, as those of `IntelIommu`; or `unit`, whose memory gets v86's RAM at 0.
 * `base`: address of its registers, default 0xfed90000
 * @returns the unit, and the devices with their regions
 * @throws TypeError if the emulator lacks something, which the message names; RangeError if `base` is not usable
 *
 * @example
 * const emulator = new V86({ acpi: true, autostart: false, bios, vga_bios, bzimage, initrd, cmdline: 'intel_iommu=on' });
 * emulator.add_listener('emulator-loaded', () => {
 *   const { unit } = attachV86(emulator);
 *   unit.on('fault', (fault) => console.log(fault.about));
 *   emulator.run();
 * });
 */
export function attachV86(emulator: V86Emulator, options: AttachV86Options = {}): AttachedV86 {
  const cpu = checkedCpu(emulator);
  if (cpu.option_roms.some(({ name }) => name === DMAR)) {
    throw new TypeError('the emulator has a DMAR table already: attach one unit to an emulator, once');
  }
  const { base = 0xfed9_0000, ...rest } = options;
  const unit = rest.unit ?? newUnit(rest);
  const ram = new GuestRam(cpu, unit.memory);
  const touched = () => ram.refresh();
  mapRegisters(cpu, unit.registers, base, touched);
  cpu.option_roms.push({ name: DMAR, data: dmarTable(unit, base) });
  repairAcpi(cpu);
  const devices = routeDevices(cpu, (sourceId) => unit.region(sourceId), touched);

  const apic = new LocalApic(cpu);
  unit.on('message', ({ data }) => apic.send(data));
  unit.on('interrupt', ({ data }) => apic.send(data));
  const loop = cpu.main_loop;
  cpu.main_loop = () => {
    const wait = apic.around(loop);
    // whoever uses a region outside of the processor's loop finds the memory as it is now
    ram.refresh();
    return wait;
  };

  const { reboot_internal } = cpu;
  cpu.reboot_internal = () => {
    unit.reset({ warm: true });
    reboot_internal.call(cpu);
  };
  keepState(cpu, unit, touched);
  return { unit, devices };
}

function newUnit(options: Omit<IntelIommuOptions, 'memory'>): IntelIommu {
  const capabilities = { 'ECAP.C': 1, ...options.capabilities };
  return new IntelIommu({ ...options, capabilities, memory: new GuestMemory() });
}
