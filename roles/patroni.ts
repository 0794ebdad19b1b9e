import {
  dcs,
  defineRole,
  maintenanceWords,
  onlyThoroughly,
  patroniMember,
  patroniTaken,
  unapprovedData,
  unitCommands,
} from '../src/index.js';
import { guardChanges, unknownMembers, whatRuns } from './shared/changes.js';
import { mixedCollations } from './shared/collations.js';
import { dynamicProblems } from './shared/dynamic-problems.js';
import { contents } from './shared/contents/stage.js';
import { leaderElsewhere } from './shared/elsewhere.js';
import { guardKept } from './shared/kept-passwords.js';
import { dcsOf } from './shared/dcs-of.js';
import { dataDirectoryOf, restApiUrl } from './shared/layout.js';
import { guardLeftMembers } from './shared/left-members.js';
import { databasePassword, REST_PASSWORD } from './shared/logins.js';
import { installation } from './shared/packages.js';
import { guardPasswords } from './shared/password-guards.js';
import { guardCluster } from './shared/patroni-guards.js';
import { checkCluster, commandsCheck, commandsDrift, isPaused, shortLease } from './shared/patroni/checks.js';
import { patroniCopies } from './shared/patroni/config-file.js';
import { configure } from './shared/patroni/configure.js';
import { correct, inForce, settle } from './shared/patroni/dynamic-stages.js';
import { patroniLeadership } from './shared/patroni/leadership.js';
import { enable, start } from './shared/patroni/start.js';
import { othersDrift } from './shared/patroni/others.js';
import { takenCheck, takenDrift } from './shared/patroni/taken.js';
import { patroniSaves } from './shared/patroni/saves.js';
import { poolerAccount } from './shared/pgbouncer/account.js';
import { reachesPeers } from './shared/peers.js';
import { pendingLines, pendingRestarts, restartDrift, restartParameters, restartRemarks } from './shared/pending-restarts.js';
import { holdStage, pinned, programOf, versionLines } from './shared/programs.js';
import { variables } from './shared/variables.js';
import { missingWatchdog, requiredWatchdog } from './shared/watchdog.js';
import { PATRONI_VARIABLES } from './shared/sections/patroni.js';

export default defineRole({
  name: 'patroni',
  description: 'Patroni runs PostgreSQL on every host: the chosen leader first, then the replicas side by side until they stream.',
  requires: ['postgresql', 'replication'],
  variables: PATRONI_VARIABLES,
  problems: dynamicProblems,
  ports: (host) => [
    {
      port: variables(host, 'patroni').restapi_port,
      what: "Patroni's REST API",
      units: ['patroni.service'],
      openTo: { members: true, clients: true },
    },
  ],
  observations: (context) => [
    whatRuns(context),
    restartParameters(context),
    ...requiredWatchdog(context),
    patroniMember(restApiUrl(context.host)),
    dcs(dcsOf(context.inventory).keys(context)),
    reachesPeers(context.host, context.inventory),
    onlyThoroughly(programOf(context, 'patroni')),
    patroniTaken(dataDirectoryOf(context.host, context.platform)),
    unapprovedData(dataDirectoryOf(context.host, context.platform)),
    unitCommands(
      context.platform.patroni.unit,
      context.platform.patroni.simpleDropIn === undefined ? [] : [context.platform.patroni.simpleDropIn],
    ),
  ],
  // Until the member has its data it must not start at boot: after a power failure in the middle of initdb Patroni would take
  // the half-made cluster for a whole one.
  install: ({ host, inventory, platform }) => {
    const { packages, unit } = platform.patroni;
    const all = [...packages, ...dcsOf(inventory).packages(platform)];
    const own = all.filter((name) => name.startsWith('patroni'));
    return installation({ host }, { what: 'Patroni', packages: all, ...pinned(variables(host, 'patroni').version, own), disable: [unit] });
  },
  saves: patroniSaves,
  tls: () => ({ copies: ({ patroni }) => patroniCopies(patroni) }),
  stages: (context) => [
    ...holdStage(context, 'patroni'),
    configure(context),
    correct(context),
    start(context),
    enable(context),
    settle(context),
    inForce(context),
    ...poolerAccount(context),
    ...contents(context),
  ],
  leadership: patroniLeadership,
  passwords: () => [
    databasePassword('superuser', 'postgresql.superuser_password', 'superuser'),
    databasePassword('rewind', 'patroni.rewind_password', 'rewind'),
    REST_PASSWORD,
  ],
  preflight: (view) => [...missingWatchdog(view), ...shortLease(view), ...mixedCollations(view)],
  missingPrerequisites: leaderElsewhere,
  guards: (view, credentials) => [
    ...guardChanges(view, 'patroni'),
    ...guardLeftMembers(view),
    ...guardCluster(view),
    ...guardKept(view, credentials, 'patroni'),
    ...guardPasswords(view, credentials),
  ],
  strangers: (view, bears) => unknownMembers(view, 'patroni', { bears, others: guardLeftMembers }),
  notices: (view) => (isPaused(view) ? [maintenanceWords(view.inventory.file)] : []),
  effects: (view) => pendingRestarts(view),
  drift: (view) => [
    ...othersDrift(view),
    ...view.hosts('patroni').flatMap((host) => [...commandsDrift(view, host), ...takenDrift(view, host), ...restartDrift(view, host)]),
  ],
  status: (view, host) => [...pendingLines(view, host), ...versionLines(view, host, 'patroni', 'Patroni')],
  checks: (view) => [
    ...checkCluster(view),
    ...view.hosts('patroni').flatMap((host) => [...commandsCheck(view, host), ...takenCheck(view, host)]),
  ],
  remarks: (view, host) => [
    ...othersDrift(view)
      .filter((found) => found.host === host)
      .map(({ what, mend }) => `${what}; ${mend}`),
    ...restartRemarks(view, { name: host }),
  ],
});
