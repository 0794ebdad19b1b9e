import { formatBytes, HOST_FACTS, type Host, type Objection, type View } from '../../../src/index.js';
import { variables } from '../variables.js';
import { bytesOf } from './parameters.js';

/** The part of what a machine is sold with that its kernel, firmware and hypervisor may keep. */
const KEPT = 0.1;

/** That the host has less memory than its parameters are reckoned for. */
export function guardTune(view: View, host: Host): Objection[] {
  const { tune } = variables(host, 'postgresql');
  const has = view.read(host.name, HOST_FACTS)?.memory ?? 0;
  if (tune === undefined || has === 0 || has >= bytesOf(tune.memory) * (1 - KEPT)) return [];
  return [
    {
      kind: 'preflight',
      host: host.name,
      message: `${host.name}: postgresql.tune reckons with ${tune.memory} of memory, and the host has ${formatBytes(has)}`,
      hint: 'give postgresql.tune.memory what the smallest host of the cluster has',
    },
  ];
}
