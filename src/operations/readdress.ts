import { defineOperation, pgprov } from '../index.js';
import { MOVING } from './shared/moving/operation.js';
import type { MovingOptions } from './shared/moving/options.js';
import { movingHost, nameOf } from './shared/moving/seen.js';

export default defineOperation<MovingOptions>({
  ...MOVING,
  name: 'readdress',
  description: 'have the cluster reach a member at the address that the inventory has for it now, which its machine must have',
  options: { host: { type: 'string', value: 'host', description: 'the host whose address is another one now' } },
  question: (run) => `Have ${run.inventory.cluster} reach ${nameOf(run)} at ${movingHost(run)?.clusterAddress ?? ''}?`,
  nothing: (run) => `${nameOf(run)} is at ${movingHost(run)?.clusterAddress ?? ''} already`,
  finished: (run) =>
    `${nameOf(run)} is at ${movingHost(run)?.clusterAddress ?? ''} for all hosts of ${run.inventory.cluster}; its former address may go. ${pgprov`status ${run.inventory}`} shows the members`,
});
