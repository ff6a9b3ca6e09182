import type { IntelIommu } from '../unit/intel-iommu.js';
import type { V86Cpu } from './emulator.js';

/** Where the unit stands in the list that v86 saves: v86 0.5.462 has places 0 to 89 for itself. */
const PLACE = 128;

/**
 * Keeps a unit's state with that of the machine. A state without a unit is one of a machine that had none: the unit is
 * reset, and then leaves all requests alone. One of a unit that was made otherwise is refused, after v86 took over the rest.
 *
 * @param restored - called when v86 has taken over a state, and before the unit does
 */
export function keepState(cpu: V86Cpu, unit: IntelIommu, restored: () => void): void {
  const { get_state, set_state } = cpu;
  cpu.get_state = () => {
    const state = get_state.call(cpu);
    state[PLACE] = unit.saveState();
    return state;
  };
  cpu.set_state = (state) => {
    set_state.call(cpu, state);
    restored();
    // the unit comes last, since it looks at tables in memory
    const saved = state[PLACE];
    if (saved instanceof Uint8Array) unit.restoreState(saved);
    else unit.reset();
  };
}
