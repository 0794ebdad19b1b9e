import {
  accessGate,
  answerText,
  digestOf,
  enabledAfterFirstStart,
  findRows,
  gate,
  growingSeconds,
  coordinated,
  joinScripts,
  memberProgress,
  holdsLeaderLock,
  notesFirstStart,
  patroniAnew,
  patroniQuestion,
  pgpassPasswords,
  pgRole,
  psql,
  readMember,
  RECEIVER_STATE,
  service,
  sh,
  sqlQuestion,
  startedAfterHalt,
  tlsResources,
  printAnswer,
  wakeLeader,
  type Gate,
  type Resource,
  type RoleContext,
  type Stage,
} from '../../../src/index.js';
import { replicationAccount } from '../accounts.js';
import type { Dcs } from '../dcs.js';
import { dcsOf } from '../dcs-of.js';
import { accountsOf, dataDirectoryOf, hostsWith, localServer, restApiUrl } from '../layout.js';
import { unitPackage } from '../packages.js';
import { patroniUnitGuard } from '../second-member.js';
import { receiverPasswordFile, settingsGate } from '../settings-gate.js';
import { variables } from '../variables.js';
import { accessOptions, configFile, patroniCopies, renderConfig, wakeOwn } from './config-file.js';
import { firstStart, halted } from './configure.js';
import { firstMember } from './leadership.js';

/** Patroni's state of a server that is not there after it was started (`postgresql/__init__.py`); one that takes long is `starting`. */
const START_FAILED = 'start failed';

/** Journal lines of Patroni and PostgreSQL that more waiting will not fix. */
const hopeless = ({ fatalLogPatterns }: Dcs): string[] => [
  'system ID mismatch',
  'CERTIFICATE_VERIFY_FAILED',
  'certificate verify failed',
  'x509',
  'no pg_hba.conf entry',
  'pg_hba.conf rejects',
  'password authentication failed',
  'Address already in use',
  'could not bind',
  'has invalid permissions',
  'has wrong ownership',
  'Permission denied',
  ...fatalLogPatterns,
  'removing initialize key after failed attempt',
  'No space left on device',
  'PANIC: ',
  'invalid value for parameter',
  'PAUSE: postgres is not running',
  'could not (create|map) (shared memory|anonymous shared memory)',
  'unrecognized configuration parameter',
];

/** Has every member lead or stream with its configuration. */
export function start(context: RoleContext): Stage {
  const { host, platform } = context;
  const { user, unit, configFile: path } = platform.patroni;
  const tls = tlsResources(context, patroniCopies(platform.patroni));
  const broughtBy = unitPackage(platform, platform.patroni.packages);
  // The bootstrap section counts only for a cluster that does not exist yet, so a change of it is no reason to reload.
  const live = digestOf(renderConfig(context, {}));
  return {
    name: 'start',
    title: 'start Patroni',
    crossing: 'rolling',
    startsFirst: firstMember,
    // Patroni reads its files anew for every connection to the store, so it need not be told.
    // Accounts first: members that wait for a new password are to do so soon after each other.
    resources: [
      ...accounts(context),
      tls.authority,
      ...tls.pair,
      patroniAnew({
        unit,
        url: restApiUrl(host),
        path: dataDirectoryOf(host, platform),
        binDirectory: localServer(host, platform).binDirectory,
        user,
      }),
      startedAfterHalt(
        notesFirstStart(
          service({
            unit,
            cluster: context.inventory.cluster,
            enable: false,
            broughtBy,
            reloadOn: [{ ...configFile(context), digest: () => live }],
            reads: [path],
          }),
          firstStart(context),
        ),
        halted(context),
      ),
    ],
    proofs: dcsOf(context.inventory).proofs(context),
    unitGuard: patroniUnitGuard(context),
    gates: [
      memberGate(context),
      settingsGate(context),
      accessGate({
        ...accessOptions(context),
        member: host.name,
        unit,
        timeout: variables(host, 'patroni').loop_wait + 60,
        nudge: wakeOwn(context),
      }),
    ],
  };
}

/** The roles that the members know each other by, and the files that hold their passwords. */
function accounts(context: RoleContext): Resource[] {
  const server = localServer(context.host, context.platform);
  const { superuser, rewind } = accountsOf(context);
  return [
    pgRole({ server, ...superuser, attributes: ['SUPERUSER'], madeBy: 'patroni' }),
    pgRole({ server, ...rewind, attributes: [], madeBy: 'patroni' }),
    ...replicationAccount(context),
    coordinated(configFile(context)),
  ];
}

/** What comes once the member has its data. */
export function enable(context: RoleContext): Stage {
  const { platform } = context;
  const { replication, rewind } = accountsOf(context);
  return {
    name: 'enable',
    title: 'enable Patroni',
    crossing: 'independent',
    resources: [
      enabledAfterFirstStart(platform.patroni.unit),
      // A reload has Patroni write what its WAL receiver logged in with last; it looks again only when that fails.
      pgpassPasswords(
        receiverPasswordFile(context),
        [replication, rewind].map(({ name: user, password }) => ({ user, password })),
      ),
    ],
  };
}

/**
 * Open when the member leads with the lock, or is a standby whose WAL receiver streams.
 * @param otherwise its words, and what tells how far it is, where more than a start is waited for
 */
export function memberGate(
  context: RoleContext,
  otherwise: Partial<Pick<Parameters<typeof gate>[0], 'title' | 'timeout' | 'progress'>> = {},
): Gate {
  const { host, inventory, platform } = context;
  const { restApi } = accountsOf(context);
  const url = restApiUrl(host);
  const receiver = `SELECT CASE WHEN pg_is_in_recovery() THEN (${RECEIVER_STATE}) ELSE 'primary without the leader lock' END`;
  const rest = patroniQuestion(url);
  const rows = sqlQuestion(localServer(host, platform), receiver);
  return gate({
    name: 'patroni-member',
    title: `${host.name} leads or streams`,
    unit: platform.patroni.unit,
    fatalLogPatterns: hopeless(dcsOf(inventory)),
    timeout: variables(host, 'patroni').start_timeout,
    failedStart: { seen: `PostgreSQL: ${START_FAILED}`, log: { data: dataDirectoryOf(host, platform) } },
    progress: memberProgress(dataDirectoryOf(host, platform)),
    ...(otherwise.timeout === undefined ? { variable: 'patroni.start_timeout' } : {}),
    ...otherwise,
    // The leader makes a new member's replication slot when its loop comes round, and a receiver that finds none tries
    // again only after five seconds.
    nudge: wakeLeader({
      urls: hostsWith(inventory, 'patroni')
        .filter(({ name }) => name !== host.name)
        .map(restApiUrl),
      user: restApi.name,
      password: restApi.password,
    }),
    // Whoever does not hold the lock says there as well what it is about.
    check: sh`command -v curl >/dev/null || exit 1
answer=$(curl -s -m ${growingSeconds(2)} -w ' %{http_code}' ${`${url}/leader`})
case "$answer" in
*' 200')
echo leader
exit 0
;;
*'"state": "running"'*|*'"state": "streaming"'*) ;;
*)
printf %s "$answer" | sed -n 's/.*"state": "\([^"]*\)".*/PostgreSQL: \1/p'
exit 1
;;
esac
receiver=$(${psql(localServer(host, platform), ['-c', receiver])} 2>/dev/null)
echo "$receiver"
[ "$receiver" = streaming ]`,
    look: {
      sharedQuestions: [rest, rows],
      probe: () => joinScripts([printAnswer(rest), printAnswer(rows)]),
      parse: (answer) => {
        const text = answerText(answer);
        const member = readMember(text, url);
        if (holdsLeaderLock(member, host.name)) return { open: true, seen: 'leader' };
        const state = member.answers ? member.state : '';
        const [seen = ''] = findRows(text, receiver) ?? [];
        return { open: (state === 'running' || state === 'streaming') && seen === 'streaming', seen: seen || state };
      },
    },
  });
}
