import { defineOperation, pgprov, type OperationObjection, type OperationStart } from '../index.js';
import { movingProblems } from './shared/moving/guards.js';
import { MOVING } from './shared/moving/operation.js';
import type { MovingOptions } from './shared/moving/options.js';
import { movingHost, nameOf } from './shared/moving/seen.js';

export default defineOperation<MovingOptions>({
  ...MOVING,
  name: 'readdress',
  description: 'have the cluster reach a member at the address that the inventory has for it now, which its machine must have',
  options: {
    host: { type: 'string', value: 'host', description: 'the host whose address is another one now' },
    from: { type: 'string', value: 'address', description: 'the cluster address that it had, which the others forget' },
  },
  problems: (start) => [...movingProblems(start), ...twoAddresses(start)].slice(0, 1),
  question: (run) => `Have ${run.inventory.cluster} reach ${nameOf(run)} at ${movingHost(run)?.clusterAddress ?? ''}?`,
  nothing: (run) => `${nameOf(run)} is at ${movingHost(run)?.clusterAddress ?? ''} already`,
  finished: (run) =>
    `${nameOf(run)} is at ${movingHost(run)?.clusterAddress ?? ''} for all hosts of ${run.inventory.cluster}; its former address may go. ${pgprov`status ${run.inventory}`} shows the members`,
});

/** The former address, and another one that the inventory has. */
function twoAddresses(start: OperationStart<MovingOptions>): OperationObjection[] {
  const { from } = start.options;
  const input = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'move/address', message, hint }];
  if (from === undefined || from === '')
    return input(
      `at which address was ${nameOf(start)} before?`,
      `give it with --from; ${pgprov`plan ${start.inventory}`} says which one the cluster has`,
    );
  return from === movingHost(start)?.clusterAddress
    ? input(`the inventory has ${nameOf(start)} at ${from}, too`, 'give the host its new address in the inventory first')
    : [];
}
