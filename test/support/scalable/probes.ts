import { ACCESSES, type Probe } from '../probe.js';
import { pageBytes } from '../world-places.js';
import { type Stage, stageIova } from './stages.js';
import { type ScalableDevice, type ScalableWorld, spaceOf, stagesOf } from './world.js';

/** Addresses where something may change in the input of a stage. */
function stageEdges(stage: Stage): bigint[] {
  const addresses = new Set<bigint>();
  const around = (address: bigint) => {
    for (const each of [address - 1n, address]) if (each >= 0n && each < 2n ** 64n) addresses.add(each);
  };
  for (const each of stage.spec.pages) {
    const first = stageIova(stage, each);
    const size = pageBytes(each.level);
    for (let index = 0n; index <= BigInt(each.count); index++) around(first + index * size);
    addresses.add(first + size / 2n + 5n);
  }
  around(1n << BigInt(stage.bits));
  around(1n << BigInt(stage.bits - 1));
  around(2n ** 64n - (1n << BigInt(stage.bits - 1)));
  return [...addresses];
}

/** Where a device may ask by one of its PASIDs. */
export function placesFor(world: ScalableWorld, device: ScalableDevice, pasid: number | undefined): bigint[] {
  const which = device.spec.spaces.find((each) => each.pasid === pasid)?.space ?? device.spec.ridSpace;
  const { first, second } = stagesOf(world, spaceOf(world, which).space);
  const places = new Set<bigint>([0n, 0x80_0000n, 0x80_3008n, 0x80_5000n, 0x81_0000n, 0x200_0000n, 2n ** 64n - 1n]);
  // the second last: beyond the smallest host permission table
  for (const each of [0xfee0_0000n, 0xfef0_0000n, 1n << 49n, 1n << BigInt(world.spec.caps.haw)]) {
    places.add(each - 1n).add(each);
  }
  const stage = first ?? second;
  if (stage !== undefined) for (const each of stageEdges(stage)) places.add(each);
  return [...places];
}

/** A requester that no table knows of. */
const STRANGER = 0x01f0;

/** Requests of all devices, of all kinds, at the places where something may change. */
export function scalableProbes(world: ScalableWorld): Probe[] {
  const probes: Probe[] = [];
  let turn = 0;
  for (const device of world.devices) {
    const { sourceId: dev, pasids, ridPasid } = device;
    for (const pasid of [undefined, ...(world.spec.caps.pasid ? pasids : pasids.slice(0, 1))]) {
      for (const iova of placesFor(world, device, pasid)) {
        // the next request at the same place is of another kind
        const access = ACCESSES[(turn + (turn >> 2)) % 4];
        const more = pasid === undefined ? {} : { pasid };
        const privileged = pasid !== undefined && turn % 4 === 1 ? { privileged: true } : {};
        probes.push({ dev, iova, access, ...more, ...privileged });
        if (turn % (device.spec.hostPermissions ? 2 : 7) === 1) {
          probes.push({ dev, iova, access, ...more, translated: true });
        }
        if (turn % 31 === 5) probes.push({ dev, iova, access: 'read', ...more, execute: true });
        turn++;
      }
    }
    for (const pasid of [ridPasid, 7, 0xf_fffe]) probes.push({ dev, iova: 0x1000n, access: 'read', pasid });
  }
  probes.push({ dev: STRANGER, iova: 0x1000n, access: 'read' }, { dev: STRANGER, iova: 0n, access: 'write', pasid: 1 });
  return probes;
}
