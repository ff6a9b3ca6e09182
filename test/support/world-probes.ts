import { addressBits } from './driver.js';
import { ACCESSES, type Probe } from './probe.js';
import type { World } from './world.js';
import { iovaAt, pageBytes } from './world-places.js';

/** Addresses where something may change: the edges of all that was mapped, of the widths, of the interrupt range. */
export function edges({ spec, trees }: World): bigint[] {
  const addresses = new Set<bigint>();
  const around = (address: bigint) => {
    for (const each of [address - 1n, address]) if (each >= 0n && each < 2n ** 64n) addresses.add(each);
  };
  spec.trees.forEach(({ pages }, tree) => {
    const bits = addressBits(spec.caps, trees[tree].levels);
    for (const { iova, level, count } of pages) {
      const first = iovaAt(iova, level, bits);
      for (let index = 0n; index <= BigInt(count); index++) around(first + index * pageBytes(level));
      addresses.add(first + pageBytes(level) / 2n + 5n);
    }
    around(1n << BigInt(bits));
  });
  for (const each of [0n, 0xfee0_0000n, 0xfef0_0000n, 2n ** 52n, 2n ** 63n, 2n ** 64n]) around(each);
  around(2n ** BigInt(spec.caps.haw));
  return [...addresses];
}

/** A requester that no table knows of. */
const STRANGER = 0x0100 + 0xf0;

/** Requests of all devices, of all kinds, at the places where something may change. */
export function probesOf(world: World): Probe[] {
  const probes: Probe[] = [];
  const devices = [...world.devices.map((each) => each.sourceId), STRANGER];
  const addresses = edges(world);
  devices.forEach((dev, which) => {
    addresses.forEach((iova, index) => {
      if (dev === STRANGER && index % 6 !== 0) return;
      // the next device asks for another kind of access at the same place
      const probe = { dev, iova, access: ACCESSES[(index + which + (index >> 2)) % 4] };
      probes.push(probe);
      if (index % 5 === which) probes.push({ ...probe, translated: true });
      if (index % 11 === which) probes.push({ ...probe, pasid: 5 });
    });
    probes.push({ dev, iova: 0x1000n, access: 'read', translated: true, pasid: 5 });
  });
  return probes;
}
