import type { IntelIommu } from '../../src/index.js';
import { hex } from './scenario.js';
import type { SoupAction } from './soup-actions.js';

/** Everything that a unit gives out: its events in order, as texts, but for those of notifiers. */
export function listen(unit: IntelIommu): string[] {
  const heard: string[] = [];
  unit.on('fault', ({ condition, sourceId, pasid, address, access, outcome }) => {
    heard.push(`fault ${condition} ${sourceId} ${pasid} ${hex(address)} ${access} ${outcome}`);
  });
  unit.on('message', ({ source, address, data }) => heard.push(`message ${source} ${address} ${data}`));
  unit.on('interrupt', ({ request, cause, address, data }) => {
    heard.push(`interrupt ${request.sourceId} ${cause} ${address} ${data}`);
  });
  unit.on('posted', ({ descriptor, vector, notified }) => heard.push(`posted ${descriptor} ${vector} ${notified}`));
  unit.on('descriptor', (name, words) => heard.push(`descriptor ${name} ${words.join(' ')}`));
  return heard;
}

/** Does what a guest, its devices or the embedder do; answers what they see of it. */
export function perform(unit: IntelIommu, action: SoupAction): string {
  switch (action.kind) {
    case 'register': {
      const { off, size, value } = action.write;
      const { registers } = unit;
      if (size === 8) registers.write64(off, value);
      else if (size === 4) registers.write32(off, Number(value));
      else if (size === 2) registers.write16(off, Number(value));
      else registers.write8(off, Number(value));
      return registers.read64(off).toString(16);
    }
    case 'reset':
      unit.reset({ warm: action.warm });
      return '';
    case 'step':
      return String(unit.step(action.limit));
    case 'replay':
      return JSON.stringify(unit.region(action.dev).replay(() => undefined));
    case 'page':
    case 'notify':
    case 'forget':
      return '';
    default:
      return request(unit, action);
  }
}

type Request = SoupAction & { kind: 'translate' | 'read' | 'write' | 'atomic' | 'zero-length read' | 'word' };

function request(unit: IntelIommu, { kind, dev, iova, bytes, access, translated, pasid }: Request): string {
  const region = unit.region(dev, pasid);
  switch (kind) {
    case 'read': {
      const target = new Uint8Array(bytes);
      return `${region.read(iova, target, { translated })} ${Buffer.from(target).toString('hex')}`;
    }
    case 'write':
      return String(region.write(iova, new Uint8Array(bytes).fill(bytes), { translated }));
    case 'atomic':
      return String(region.atomic(iova & ~7n, 8, (old) => old - 1n));
    case 'zero-length read':
      return String(region.zeroLengthRead(iova));
    case 'word':
      return `${region.read32(iova & ~3n)} ${region.write32(iova & ~3n, bytes)}`;
    default: {
      const answer = region.translate(iova, access, { translated });
      return answer.ok
        ? `${answer.address} ${answer.pageSize} ${answer.rights} ${answer.snoop}`
        : answer.fault.condition;
    }
  }
}
