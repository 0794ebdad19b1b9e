import {
  defineOperation,
  enumerate,
  patroniFile,
  postmasterDelay,
  serverLimits,
  unitStart,
  type CheckResult,
  type HostStep,
  type Observation,
  type OperationObjection,
  type RoleContext,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { dataDirectoryOf, hostsWith, localServer } from '../../roles/shared/layout.js';
import { STORES } from '../../roles/shared/stores.js';
import { handsOverByDefault } from './shared/leader-restart.js';
import { LEFT_PAUSED, PAUSE_POOLS, poolChecks, poolObjections, resumeEarly, withPausedPools, withPoolRoles } from './shared/pause-pools.js';
import { selectedOf, type Restarting, type RestartOptions, type RestartRun, type RestartStart } from './shared/restart/options.js';
import { withStreaming } from './shared/streaming/procedure.js';
import { streamingRestart } from './shared/streaming/restart.js';
import { postgresqlChecks, postgresqlObjections, postgresqlRestarting, postgresqlSteps } from './shared/restart/postgresql.js';
import {
  patroniObjections,
  patroniRestarting,
  patroniSteps,
  storeObjections,
  storeRestarting,
  storeSteps,
  unitChecks,
} from './shared/restart/units.js';

/** What there is to restart, how, and why not. */
interface Service extends Restarting {
  /** In sentences. */
  title: string;
  objections(run: RestartRun): OperationObjection[];
  steps(run: RestartRun): HostStep[];
  checks(run: RestartRun): CheckResult[];
}

const POSTGRESQL: Service = {
  ...postgresqlRestarting,
  title: 'PostgreSQL',
  objections: postgresqlObjections,
  steps: postgresqlSteps,
  checks: postgresqlChecks,
};

const PATRONI: Service = {
  ...patroniRestarting,
  title: 'Patroni',
  objections: patroniObjections,
  steps: patroniSteps,
  checks: (run) => unitChecks(run, patroniRestarting),
};

const STORE: Omit<Service, 'title'> = {
  ...storeRestarting,
  objections: storeObjections,
  steps: storeSteps,
  checks: (run) => unitChecks(run, storeRestarting),
};

const underPatroni = defineOperation<RestartOptions>({
  name: 'restart',
  description: 'restart PostgreSQL, Patroni or its store, one member at a time and in the order that is safe',
  options: {
    pending: { type: 'boolean', description: 'only members on which a restart of PostgreSQL is pending' },
    service: {
      type: 'string',
      enum: ['postgresql', 'patroni', ...STORES.map(({ role }) => role)],
      description: 'what is restarted; default: postgresql',
    },
    inPlace: { type: 'boolean', description: 'restart the leader’s PostgreSQL where it is; default: the way that pauses writes for less' },
    switchover: { type: 'boolean', description: 'hand the lead over, which restarts the former leader' },
    pausePools: PAUSE_POOLS,
  },
  choosesHosts: true,
  roles: (start) => withPoolRoles([dcsOf(start.inventory).role, 'patroni'], start),
  requiresConverged: false,
  patience: 30,
  observations: (context) => observed(context),
  problems: (start) => problems(start),
  guards: (run) => serviceOf(run).objections(run),
  choose: (run) => ({ ...run.options, began: begins(run), ...(handsOverByDefault(run) ? { handsOver: true } : {}) }),
  remaining: (run) => ({ steps: withPausedPools(run, serviceOf(run).steps(run)) }),
  back: resumeEarly,
  hinders: LEFT_PAUSED,
  nothing: (run) => nothingLeft(run),
  checks: (run) => [...serviceOf(run).checks(run), ...poolChecks(run)],
  finished: (run) => `${serviceOf(run).title} was restarted on ${enumerate(restartedHosts(run))}`,
});

export default withStreaming(underPatroni, streamingRestart);

function serviceOf({ options: { service = 'postgresql' }, inventory }: Pick<RestartStart, 'options' | 'inventory'>): Service {
  if (service === 'postgresql') return POSTGRESQL;
  return service === 'patroni' ? PATRONI : { ...STORE, title: dcsOf(inventory).name };
}

/** What is asked besides what the roles ask. */
function observed(context: RoleContext): Observation[] {
  const { host, platform, inventory } = context;
  const dcs = dcsOf(inventory);
  const has = (role: string): boolean => hostsWith(inventory, role).some(({ name }) => name === host.name);
  return [
    ...(has('patroni')
      ? [
          serverLimits(localServer(host, platform), dataDirectoryOf(host, platform)),
          unitStart(platform.patroni.unit),
          patroniFile(platform.patroni.configFile),
          postmasterDelay(dataDirectoryOf(host, platform)),
        ]
      : []),
    ...(has(dcs.role) ? [unitStart(dcs.unit), ...dcs.restart.observations(context)] : []),
  ];
}

function problems(start: RestartStart): OperationObjection[] {
  const { options, inventory, chosenHosts } = start;
  const { pending, inPlace, switchover, service = 'postgresql' } = options;
  const { title, hosts } = serviceOf(start);
  const names = hosts(start).map(({ name }) => name);
  const input = (error: string, message: string, hint: string): OperationObjection[] => [
    { kind: 'input', error: `restart/${error}`, message, hint },
  ];
  const { role, name: store } = dcsOf(inventory);
  if (service !== role && STORES.some((other) => other.role === service))
    return input('store', `Patroni’s store in ${inventory.cluster} is ${store}`, `its members are restarted with --service ${role}`);
  if (names.length === 0)
    return input(
      'no-host',
      `no host of ${inventory.cluster} runs ${title} as a member of a cluster`,
      'restart its unit there with systemctl',
    );
  const aboutPostgresql =
    pending === true ? '--pending' : inPlace === true ? '--in-place' : switchover === true ? '--switchover' : undefined;
  if (service !== 'postgresql' && aboutPostgresql !== undefined)
    return input('option', `${aboutPostgresql} is about PostgreSQL, and --service is ${service}`, 'leave out one of the two');
  if (inPlace === true && switchover === true)
    return input('option', '--in-place and --switchover exclude each other', 'leave out one of the two, or both');
  if (options.pausePools === true && !['postgresql', 'patroni'].includes(service))
    return input('option', `--pause-pools is about PostgreSQL, and --service is ${service}`, 'leave out one of the two');
  const withoutPools = poolObjections(start);
  if (withoutPools.length > 0 || chosenHosts === undefined) return withoutPools;
  const chosen = chosenHosts.filter((name) => names.includes(name));
  if (chosen.length === 0)
    return input(
      'host',
      `${enumerate(chosenHosts)} ${chosenHosts.length === 1 ? 'does' : 'do'} not run ${title}`,
      `hosts that do are ${enumerate(names)}`,
    );
  return [];
}

/** The hosts that are to be restarted, and since when they run what is. */
function begins(run: RestartRun): Record<string, string> {
  const { hosts, startOf } = serviceOf(run);
  const chosen = hosts(run).filter(({ name }) => run.chosenHosts === undefined || run.chosenHosts.includes(name));
  return Object.fromEntries(chosen.map(({ name }) => [name, startOf(run, name) ?? '']));
}

function nothingLeft(run: RestartRun): string {
  const where = enumerate(selectedOf(run));
  return run.options.pending === true ? `no restart is pending on ${where}` : `${serviceOf(run).title} was restarted on ${where} already`;
}

/** The hosts on which what is restarted has another start than before. */
function restartedHosts(run: RestartRun): string[] {
  const { startOf } = serviceOf(run);
  const { began = {} } = run.options;
  return selectedOf(run).filter((name) => startOf(run, name) !== began[name]);
}
