import { defineIdentity } from '../data-copy.js';
import { writeFileScript } from '../files/writing.js';
import { gate } from '../gate.js';
import { memberProgress } from '../member-progress.js';
import { psql, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Gate, type Resource } from '../resource.js';
import { PRIVATE_SOCKET, PRIVATE_UNIT, privateServer, RESTORE_NOTES, TELL_RECOVERY } from './place.js';
import { sh, type Script } from '../../shell/quote.js';

/** A restored data directory, and how its server is run. */
export interface PrivateServerOptions {
  path: string;
  server: LocalServer;
  /** Patroni's unit, or that of a PostgreSQL without Patroni, which must be down. */
  unit: string;
  /** What it is given besides what every private server is. */
  settings?: Readonly<Record<string, string>>;
}

/** Who may enter its socket's directory is PostgreSQL's user, or root. */
const ACCESS = `/run/${PRIVATE_UNIT}.hba`;

/**
 * What the private server is given beside its own configuration. It listens nowhere, archives nothing, takes no part in replication and changes
 * nothing by itself. Without hot_standby it replays whatever limits its configuration has: those of the WAL may be higher.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  hot_standby: 'off',
  archive_command: '/bin/false',
  synchronous_standby_names: '',
  max_logical_replication_workers: '0',
  autovacuum: 'off',
  'cron.launch_active_jobs': 'off',
  default_transaction_read_only: 'on',
  ssl: 'off',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_line_prefix: '',
  log_min_messages: 'warning',
  lc_messages: 'C',
};

/**
 * Words for `postgres` that keep a server private.
 * @param socketDirectory where it has its socket: who may enter it gets in
 * @param access path of its pg_hba.conf, with the lines of `PRIVATE_ACCESS`
 * @param more settings besides; they come before those that every private server has
 */
export function privateSettings(
  { socketDirectory, access, port }: { socketDirectory: string; access: string; port: number },
  more: Readonly<Record<string, string>> = {},
): string[] {
  const all = { ...SETTINGS, ...more, unix_socket_directories: socketDirectory, hba_file: access, port: String(port) };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Lets in whoever reaches the socket, but no standby. */
export const PRIVATE_ACCESS = 'local all all trust\nlocal replication all reject\n';

/** The server of a restored directory runs in a unit of its own, and recovers it to where its backup's recovery is to end. */
export function privateServerRuns(options: PrivateServerOptions): Resource<{ active: boolean }> {
  const id = `private-server:${options.path}`;
  return {
    ...activity(id),
    diff: ({ active }) =>
      active ? [] : [{ action: 'start', summary: `start a server of ${options.path} that listens in ${PRIVATE_SOCKET} alone` }],
    // A Patroni that somebody started by hand leaves standby.signal, with which the server would wait for a leader.
    apply: () => sh`systemctl -q is-active ${options.unit} || rm -f ${`${options.path}/standby.signal`}
${startPrivateServer(options)}`,
    digest: () => digestOf(id, ...settingsOf(options)),
  };
}

function settingsOf({ server, settings }: PrivateServerOptions, more: Readonly<Record<string, string>> = {}): string[] {
  return privateSettings({ socketDirectory: PRIVATE_SOCKET, access: ACCESS, port: server.port }, { ...settings, ...more });
}

/**
 * Starts the private server.
 * @param more settings that it is given besides its own
 */
export function startPrivateServer(options: PrivateServerOptions, more?: Readonly<Record<string, string>>): Script {
  const { path, server, unit } = options;
  return sh`if systemctl -q is-active ${unit}; then
echo ${`${unit} runs on this host`}
exit 1
fi
( ${writeFileScript(ACCESS, PRIVATE_ACCESS, { owner: server.user, group: 'root', mode: '0600' })} ) || exit 1
systemctl reset-failed ${PRIVATE_UNIT} 2>/dev/null || :
systemd-run -q --unit=${PRIVATE_UNIT} --description=${`PostgreSQL with the data that pgprov restored into ${path}`} ${[
    `User=${server.user}`,
    `RuntimeDirectory=${PRIVATE_UNIT}`,
    'RuntimeDirectoryMode=0700',
    'KillMode=mixed',
    'KillSignal=SIGINT',
    'TimeoutStopSec=infinity',
  ].map((property) => `--property=${property}`)} ${`${server.binDirectory}/postgres`} -D ${path} ${settingsOf(options, more)}`;
}

/** The private server has ended cleanly; what its recovery said is kept in the note of the directory. */
export function privateServerEnded({ path }: Pick<PrivateServerOptions, 'path'>): Resource<{ active: boolean }> {
  const id = `private-server:${path}`;
  return {
    ...activity(id),
    diff: ({ active }) => (active ? [{ action: 'run', summary: `stop the server of ${path}` }] : []),
    apply: () => sh`${defineIdentity}
for note in ${RESTORE_NOTES}/*."$(identity ${path})"; do
[ ! -f "$note" ] || [ -s "$note" ] || ${TELL_RECOVERY} >"$note"
done
systemctl stop ${PRIVATE_UNIT}`,
    digest: () => digestOf(id, 'ended'),
  };
}

function activity(id: string): Pick<Resource<{ active: boolean }>, 'id' | 'probe' | 'parse'> {
  return {
    id,
    probe: () => sh`systemctl is-active ${PRIVATE_UNIT} 2>/dev/null || :`,
    parse: (answer) => ({ active: ['active', 'activating', 'deactivating'].includes(answerText(answer).trim()) }),
  };
}

/** Seconds in which a recovery that gets no further is waited for. */
const STANDS_STILL = 900;

/** What PostgreSQL says where no WAL is as late as the target. */
const NOT_REACHED = /recovery ended before configured recovery target was reached/u;

/** What pgBackRest says of WAL that is in the repository and is not what was archived. */
const DAMAGED = /unable to get [0-9A-F]{24}[^]*\[(?:Checksum|Crypto|Format)Error\]/u;

/**
 * Open when the private server has recovered the data, and ended its recovery with a timeline of its own.
 * @param advice what to do where the archive ends before the target, and where WAL on the way there is damaged
 */
export function recoveredGate(
  { path, server }: Pick<PrivateServerOptions, 'path' | 'server'>,
  advice: { notReached: string; damaged: string },
): Gate {
  return gate({
    name: 'recovered',
    advice: (said) => {
      if (DAMAGED.test(said)) return advice.damaged;
      return NOT_REACHED.test(said) ? advice.notReached : undefined;
    },
    title: 'the recovery is at its end',
    unit: PRIVATE_UNIT,
    fatalLogPatterns: [],
    timeout: STANDS_STILL,
    progress: memberProgress(path),
    // A server that recovers logs every connection that it refuses.
    check: sh`[ ! -e ${`${path}/recovery.signal`} ] || { echo 'PostgreSQL recovers'; exit 1; }
[ "$(${psql(privateServer(server), ['-c', 'SELECT pg_is_in_recovery()'])} 2>/dev/null)" = f ] || { echo 'PostgreSQL begins a timeline'; exit 1; }`,
  });
}
