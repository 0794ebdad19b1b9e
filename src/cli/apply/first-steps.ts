import { join } from 'node:path';
import { pgprov } from '../../lib/pgprov-command.js';
import { quote } from '../../lib/shell-word.js';
import { shownPath } from '../../lib/shown-path.js';
import { topologyOf, type Host, type Inventory } from '../../model/index.js';
import type { ErrorLook } from '../../report/error-text.js';
import { makePaint } from '../../report/paint.js';
import { wrapWords } from '../../report/width.js';
import { describeReference } from '../../secrets/reference.js';
import { newestRuns } from '../../store/run-record.js';
import { summariseRun } from '../../store/run-summary.js';

/** PostgreSQL's own port, which a connection string need not name. */
const USUAL_PORT = 5432;

/** Where a cluster's password is kept that the inventory does not give. */
const PASSWORDS = 'passwords.yml';

/**
 * Whether a run is the first apply of the whole cluster that ended well, as far as the journals know.
 * @param run its id
 */
export function isFirstApply(store: string, run: string | undefined): boolean {
  for (const record of newestRuns(store)) {
    if (record.id === run) continue;
    const { head, ending } = summariseRun(record);
    if (head?.command === 'apply' && Object.keys(head.aim).length === 0 && ending === 'done') return false;
  }
  return true;
}

/** How one connects to a cluster that was just made, where its passwords are, and what comes next. */
export function firstSteps(inventory: Inventory, store: string, { color, columns = Infinity }: ErrorLook): string {
  const paint = makePaint(color);
  const file = shownPath(inventory.file);
  const servers = inventory.hosts.filter(({ roles }) => roles.includes('postgresql'));
  const [server] = servers;
  if (server === undefined) return '';
  const { superuser } = settingsOf(server);
  const isCluster = servers.some((host) => topologyOf(host) !== 'single');
  const isPatroni = servers.some((host) => topologyOf(host) === 'patroni');
  const kept = server.provenance.get('postgresql.superuser_password')?.reference;
  const given = settingsOf(server).superuser_password !== undefined;
  const where = given ? (kept === undefined ? file : describeReference(kept)) : join(shownPath(store), PASSWORDS);
  const blocks: [string, ...(readonly string[])[]][] = [
    [
      'How to connect',
      [
        pgprov`psql ${file}`,
        `psql on the ${isPatroni ? 'leader' : isCluster ? 'primary' : 'server'}, as ${superuser}; over ssh, without a password`,
      ],
      [`\`psql ${quote(connectionString(servers, isCluster))}\``, ...fromElsewhere(servers, isCluster)],
      isPatroni
        ? [pgprov`secrets get superuser ${file}`, `prints the password of ${superuser}, which is kept in ${where}`]
        : [
            '`\\password` in psql',
            `gives ${superuser} a password, which it has not yet: without one nobody gets in as ${superuser} over the network`,
          ],
    ],
    [
      'What to do next',
      [pgprov`status ${file}`, 'shows the members, replication, certificates, and what is wrong'],
      ...(inventory.hosts.some(({ roles }) => roles.includes('backup'))
        ? [[pgprov`backup ${file}`, 'takes the first backup: until there is one, nothing can be restored'] as const]
        : []),
      forApplication(server, file),
      ...(isPatroni && servers.length > 1 ? [[pgprov`switchover ${file} --check`, 'shows what a change of the leader would do']] : []),
      [`Back up ${shownPath(store)}`, 'it has the keys and passwords: without them the cluster cannot be managed'],
    ],
  ];
  return blocks
    .map(([head, ...entries]) => [paint.strong(head), ...entries.map((each) => entryText(each, columns))].join('\n'))
    .join('\n\n');
}

/** How an application comes in: as who the inventory declares, or how somebody is declared. */
function forApplication(server: Host, file: string): readonly string[] {
  const { users, databases } = settingsOf(server);
  const [user] = Object.entries(users).flatMap(([name, { login, passwordless }]) =>
    login === false || passwordless === true ? [] : [name],
  );
  const [database] = Object.keys(databases);
  if (user === undefined && database === undefined)
    return [
      'Make a role and a database for your application',
      'in the inventory, below postgresql: `users: {app: {}}`, `databases: {app: {owner: app}}`, and who may connect: `access: [{users: [app], from: [192.0.2.0/24]}]`',
      `then ${pgprov`apply ${file}`}, after which ${pgprov`secrets get app ${file}`} prints its password`,
    ];
  return [
    user === undefined
      ? pgprov`dsn ${file} --dbname ${database ?? ''}`
      : database === undefined
        ? pgprov`dsn ${file} --user ${user}`
        : pgprov`dsn ${file} --user ${user} --dbname ${database}`,
    `is what your application connects with, through what stands before the servers${user === undefined ? '' : `; ${pgprov`secrets get ${user} ${file}`} prints its password`}`,
  ];
}

/** What to do or to type, which stays on one line, and some sentences about it. */
function entryText([what, ...about]: readonly string[], columns: number): string {
  const indent = '      ';
  return [`  ${what}`, ...about.flatMap((line) => wrapWords(line, columns - indent.length)).map((line) => `${indent}${line}`)].join('\n');
}

/** A connection string of libpq that finds the server which takes writes. */
function connectionString(servers: readonly Host[], isCluster: boolean): string {
  const hosts = servers.map((host) => {
    const { port } = settingsOf(host);
    const address = host.clusterAddress.includes(':') ? `[${host.clusterAddress}]` : host.clusterAddress;
    return port === USUAL_PORT ? address : `${address}:${port}`;
  });
  const [first] = servers;
  const user = first === undefined ? '' : encodeURIComponent(settingsOf(first).superuser);
  return `postgresql://${user}@${hosts.join(',')}/postgres${isCluster ? '?target_session_attrs=read-write' : ''}`;
}

function fromElsewhere(servers: readonly Host[], isCluster: boolean): string[] {
  const lets = servers.some((host) => settingsOf(host).hba.length + settingsOf(host).access.length > 0);
  return [
    ...(isCluster
      ? [
          `from a client, wherever the ${servers.some((host) => topologyOf(host) === 'patroni') ? 'leader' : 'primary'} is: libpq tries the hosts in turn`,
        ]
      : ['from a client']),
    lets
      ? 'the inventory says who is let in (postgresql.access and postgresql.hba)'
      : 'nobody but the members is let in until postgresql.access says so',
  ];
}

interface ServerSettings {
  port: number;
  superuser: string;
  superuser_password?: unknown;
  hba: readonly unknown[];
  access: readonly unknown[];
  users: Readonly<Record<string, { login?: boolean; passwordless?: boolean }>>;
  databases: Readonly<Record<string, unknown>>;
}

function settingsOf({ vars }: Host): ServerSettings {
  return vars['postgresql'] as unknown as ServerSettings;
}
