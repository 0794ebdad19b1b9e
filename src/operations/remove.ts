import { defineOperation, enumerate, pgprov, withAbsent, type OperationRun } from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { leavingObjections, leavingProblems } from './shared/leaving/guards.js';
import type { LeavingOptions } from './shared/leaving/options.js';
import { leavingProofs } from './shared/leaving/proofs.js';
import { isWanted, leavingObservations, nameOf, slotsTtlOf, stayingMembers } from './shared/leaving/seen.js';
import { dataWords, leavingSteps } from './shared/leaving/steps.js';
import { leaderOf, leastBehind } from './shared/members.js';

type Run = OperationRun<LeavingOptions>;

export default defineOperation<LeavingOptions>({
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
  roles: ({ catalog }) => catalog.map(({ name }) => name),
  // What is wrong may be the host that is to go.
  requiresConverged: false,
  unreachable: 'go-on',
  patience: 60,
  observations: leavingObservations,
  problems: leavingProblems,
  choose: chosen,
  guards: leavingObjections,
  remaining: (run) => ({ steps: leavingSteps(run) }),
  question: (run) => {
    const dead = run.options.dead === true ? ', whose machine is lost for good,' : '';
    return `Take ${nameOf(run)}${dead} out of ${run.inventory.cluster}?`;
  },
  nothing: (run) => `${nameOf(run)} is no part of ${run.inventory.cluster}`,
  checks: leavingProofs,
  finished,
});

function chosen(run: Run): LeavingOptions {
  const { view, options } = run;
  const leads = leaderOf(view) === nameOf(run);
  const to = leads
    ? leastBehind(
        view,
        stayingMembers(run).map(({ name }) => name),
      )
    : undefined;
  return { ...options, slotsTtl: slotsTtlOf(run), ...(to === undefined ? {} : { to }) };
}

function finished(run: Run): string {
  const { inventory } = run;
  const name = nameOf(run);
  const left = stayingMembers(run).map((host) => host.name);
  const again = isWanted(run) ? `, which the inventory now says (\`absent: true\`)` : '';
  return `${name} is out of ${inventory.cluster}${again}: Patroni and ${dcsOf(inventory).name} go on with ${enumerate(left)}. On ${name}, ${dataWords(run)}. To have it back, take \`absent\` away, see to that data, and run ${pgprov`apply ${inventory}`}`;
}
