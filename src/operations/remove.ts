import { defineOperation, enumerate, pgprov, withAbsent } from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { leavingProblems } from './shared/leaving/guards.js';
import { LEAVING } from './shared/leaving/operation.js';
import type { LeavingOptions, LeavingRun } from './shared/leaving/options.js';
import { isWanted, nameOf, stayingMembers } from './shared/leaving/seen.js';
import { dataWords } from './shared/leaving/steps.js';

export default defineOperation<LeavingOptions>({
  ...LEAVING,
  name: 'remove',
  description: 'take a host out of the cluster: it is stopped, its data stays there, and the others forget it',
  options: {
    host: { type: 'string', value: 'host', description: 'the host that is to go, also where the inventory has it no more' },
    dead: {
      type: 'boolean',
      answers: true,
      description: 'its machine is lost for good, so nothing is done there; refused while it answers',
    },
  },
  inventory: (inventory, { host = '' }) => withAbsent(inventory, host),
  problems: leavingProblems,
  question: (run) => {
    const dead = run.options.dead === true ? ', whose machine is lost for good,' : '';
    return `Take ${nameOf(run)}${dead} out of ${run.inventory.cluster}?`;
  },
  finished,
});

function finished(run: LeavingRun): string {
  const { inventory } = run;
  const name = nameOf(run);
  const left = stayingMembers(run).map((host) => host.name);
  const again = isWanted(run) ? ', which the inventory says by `absent: true`' : '';
  return `${name} is out of ${inventory.cluster}${again}: Patroni and ${dcsOf(inventory).name} go on with ${enumerate(left)}. On ${name}: ${dataWords(run)}. To have it back, take \`absent\` away, see to that data, and run ${pgprov`apply ${inventory}`}`;
}
