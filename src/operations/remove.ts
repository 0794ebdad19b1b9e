import { defineOperation, enumerate, pgprov, withAbsent } from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { hostsWith } from '../../roles/shared/layout.js';
import { leavingProblems } from './shared/leaving/guards.js';
import { LEAVING } from './shared/leaving/operation.js';
import type { LeavingOptions, LeavingRun } from './shared/leaving/options.js';
import { roleObjections, roleProblems } from './shared/leaving/role-guards.js';
import { losers, roleObservations } from './shared/leaving/role-seen.js';
import { roleProofs, roleSteps } from './shared/leaving/role-steps.js';
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
    role: {
      type: 'string',
      value: 'role',
      description: 'take only members of the store, from hosts that stay and have this role of its no more in the inventory',
    },
  },
  inventory: (inventory, { host = '' }) => withAbsent(inventory, host),
  // It mends just that: of several that are to go, one goes after the other, and nobody goes beside one that the inventory does not know at all.
  bears: ({ inventory, options }, name) =>
    name === options.host || [...inventory.hosts, ...inventory.absent].some((host) => host.name === name),
  problems: (start) => (losesRole(start) ? roleProblems(start) : leavingProblems(start)),
  observations: (context, start) => (losesRole(start) ? roleObservations(context) : LEAVING.observations(context, start)),
  choose: (run) => (losesRole(run) ? { ...run.options, host: losers(run).join() } : LEAVING.choose(run)),
  guards: (run) => (losesRole(run) ? roleObjections(run) : LEAVING.guards(run)),
  remaining: (run) => (losesRole(run) ? { steps: roleSteps(run) } : LEAVING.remaining(run)),
  checks: (run) => (losesRole(run) ? roleProofs(run) : LEAVING.checks(run)),
  nothing: (run) => (losesRole(run) ? nothingToLose(run) : LEAVING.nothing(run)),
  leaves: (run) => (losesRole(run) ? [] : LEAVING.leaves(run)),
  question: (run) => {
    if (losesRole(run)) return `Take ${enumerate(losers(run))} out of ${dcsOf(run.inventory).name}, and leave all else there?`;
    const dead = run.options.dead === true && !run.view.surveyed(nameOf(run)) ? ', whose machine is lost for good,' : '';
    return `Take ${nameOf(run)}${dead} out of ${run.inventory.cluster}?`;
  },
  finished,
});

/** Whether the host stays, and only its member of the store goes. */
function losesRole({ options }: Pick<LeavingRun, 'options'>): boolean {
  return options.role !== undefined;
}

function nothingToLose({ inventory, options: { host = '' } }: LeavingRun): string {
  const { name: store, role } = dcsOf(inventory);
  return host === '' ? `no host without the role ${role} is a member of ${store}` : `${host} is no member of ${store}`;
}

function finished(run: LeavingRun): string {
  const { inventory } = run;
  const name = nameOf(run);
  if (losesRole(run)) {
    const { name: store, role } = dcsOf(inventory);
    const members = enumerate(hostsWith(inventory, role).map((host) => host.name));
    const names = enumerate(losers(run));
    return `${store} goes on with ${members}, without ${names}, and all else there goes on. The data of its former members stays on ${names}: move it aside before a host gets the role ${role} again`;
  }
  const left = stayingMembers(run).map((host) => host.name);
  const again = isWanted(run) && run.leftByHand !== true ? ', which the inventory says by `absent: true`' : '';
  return `${name} is out of ${inventory.cluster}${again}: Patroni and ${dcsOf(inventory).name} go on with ${enumerate(left)}. On ${name}: ${dataWords(run)}. To have it back, take \`absent\` away, see to that data, and run ${pgprov`apply ${inventory}`}`;
}
