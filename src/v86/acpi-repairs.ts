import type { V86Cpu } from './emulator.js';

/** PCI hotplug of SeaBIOS's DSDT, and the GPE status of v86's power management: ports. */
const HOTPLUG = { first: 0xae00, last: 0xae0f };
const GPE_STATUS = 0xafe0;
const GPE_STATUS_BYTES = 2;

/**
 * Two repairs without which a guest with ACPI loses its disks while it boots. SeaBIOS's DSDT reads the hotplug ports,
 * where all ones, as v86 answers, mean that every device is to be ejected. And GPE status bits are cleared by writing
 * ones to them; v86 stores what is written, so that an event looks pending that never was.
 */
export function repairAcpi({ io, devices }: V86Cpu): void {
  const nothing = () => 0;
  for (let port = HOTPLUG.first; port <= HOTPLUG.last; port++) {
    io.register_read(port, io.ports[port]?.device, nothing, nothing, nothing);
  }
  for (let byte = 0; byte < GPE_STATUS_BYTES; byte++) {
    // the device is also `this` of the read handler, which stays
    io.register_write(GPE_STATUS + byte, io.ports[GPE_STATUS + byte]?.device, (value) => {
      devices.acpi.gpe[byte]! &= ~value;
    });
  }
}
