import { defineOperation, serverLimits, topologyOf, unitStart, type Observation, type OperationStart, type RoleContext } from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { dataDirectoryOf, localServer } from '../../roles/shared/layout.js';
import { LEFT_PAUSED, PAUSE_POOLS, poolChecks, resumeEarly, withPausedPools, withPoolRoles } from './shared/pause-pools.js';
import { withStreaming } from './shared/streaming/procedure.js';
import { streamingUpdate } from './shared/streaming/update.js';
import { packageAsks } from './shared/update/asked.js';
import { brokenWords, wayBack } from './shared/update/back.js';
import { choose } from './shared/update/choice.js';
import { updateObjections, updateProblems } from './shared/update/guards.js';
import type { UpdateOptions } from './shared/update/options.js';
import { finishedWords, nothingWords, updateChecks } from './shared/update/proofs.js';
import { updateSteps } from './shared/update/steps.js';

const underPatroni = defineOperation<UpdateOptions>({
  name: 'update',
  description: 'bring PostgreSQL, Patroni and its store to newer packages of the same major version, one host at a time',
  options: {
    packages: {
      type: 'string',
      value: 'names',
      description: 'what is updated, of postgresql, patroni and the store’s role, comma-separated; default: all of them',
    },
    to: {
      type: 'string',
      value: 'version',
      description: 'the version of PostgreSQL, or of what --packages names; default: the newest',
    },
    pausePools: PAUSE_POOLS,
  },
  // Each of them asks which version of its program runs.
  roles: (start) => withPoolRoles([dcsOf(start.inventory).role, 'postgresql', 'patroni'], start),
  requiresConverged: false,
  patience: 60,
  observations: (context, start) => observed(context, start),
  problems: updateProblems,
  guards: updateObjections,
  choose,
  remaining: (run) => ({ steps: withPausedPools(run, updateSteps(run)) }),
  back: (run) => {
    const resumed = resumeEarly(run);
    return resumed.length > 0 ? resumed : wayBack(run);
  },
  hinders: LEFT_PAUSED,
  nothing: nothingWords,
  checks: (run) => [...updateChecks(run), ...poolChecks(run)],
  finished: finishedWords,
  broken: (run, { touched }) => Promise.resolve(touched ? brokenWords(run) : undefined),
});

export default withStreaming(underPatroni, streamingUpdate);

/** What is asked besides what the roles ask. */
function observed(context: RoleContext, { options }: Pick<OperationStart<UpdateOptions>, 'options'>): Observation[] {
  const { host, inventory, platform } = context;
  const dcs = dcsOf(inventory);
  const isMember = topologyOf(host) === 'patroni';
  return [
    ...(isMember ? [serverLimits(localServer(host, platform), dataDirectoryOf(host, platform)), unitStart(platform.patroni.unit)] : []),
    ...(host.roles.includes(dcs.role) ? [unitStart(dcs.unit), ...dcs.restart.observations(context)] : []),
    ...packageAsks(context, { options }),
  ];
}
