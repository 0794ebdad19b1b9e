import {
  DATA_DIRECTORY,
  DCS,
  enumerate,
  verifierMatches,
  topologyOf,
  fileHandle,
  pgRoleHandle,
  type Host,
  type ClusterCredentials,
  type Objection,
  type Secret,
  type View,
} from '../../src/index.js';
import { answers } from './elsewhere.js';
import { accountsOf, hostsWith } from './layout.js';
import { variables } from './variables.js';

/** Where Patroni's own file has each password, for who has to write them down again. */
const IN_PATRONI_YML: Readonly<Record<string, string>> = {
  'postgresql.superuser_password': 'postgresql.authentication.superuser',
  'replication.password': 'postgresql.authentication.replication',
  'patroni.rewind_password': 'postgresql.authentication.rewind',
  'patroni.restapi_password': 'restapi.authentication',
};

/**
 * Refuses to give a cluster that lives new passwords only because this machine has none of it: `passwords.yml` was lost, or the inventory
 * no longer gives one. `role` says whose hosts are looked at; under Patroni all of its passwords lie on every member.
 */
export function guardKept(view: View, credentials: ClusterCredentials, role: 'patroni' | 'replication'): Objection[] {
  const hosts = view.hosts(role).filter((host) => role === 'patroni' || topologyOf(host) !== 'patroni');
  for (const host of hosts) {
    const paths = credentials.generated.filter((path) => isKnown(view, credentials, host, path));
    if (paths.length > 0) return [lost(view, host, paths)];
  }
  const [host] = hosts;
  const made = credentials.generated.filter((path) => Object.hasOwn(IN_PATRONI_YML, path));
  return host !== undefined && role === 'patroni' && made.length > 0 && livesElsewhere(view) ? [lost(view, host, made)] : [];
}

/** True when the store knows the cluster, or a member answers that the run leaves out. */
function livesElsewhere(view: View): boolean {
  const members = hostsWith(view.inventory, 'patroni');
  return view.hosts('patroni').some((host) => {
    const store = view.read(host.name, DCS);
    if (store?.reachable === true && (store.initialize ?? '') !== '') return true;
    return members.some((peer) => !view.surveyed(peer.name) && answers(view, host, peer, variables(peer, 'patroni').restapi_port));
  });
}

/** True when the host's cluster uses a value of the password that nobody here has. */
function isKnown(view: View, credentials: ClusterCredentials, host: Host, path: string): boolean {
  const account = accountAt(host, credentials, path);
  const state = account === undefined ? undefined : view.read(host.name, pgRoleHandle(account.name));
  if (account !== undefined && state !== undefined && state.server !== 'down')
    return state.exists && !verifierMatches(state.verifier, account.password.reveal());
  const data = view.read(host.name, DATA_DIRECTORY);
  return Object.hasOwn(IN_PATRONI_YML, path) && data?.kind === 'cluster' && data.copy === 'none' && configured(view, host) !== undefined;
}

/** Accounts of the database by the paths of their passwords. */
const ACCOUNTS: Readonly<Record<string, 'superuser' | 'replication' | 'rewind'>> = {
  'postgresql.superuser_password': 'superuser',
  'replication.password': 'replication',
  'patroni.rewind_password': 'rewind',
};

/** The account whose password is at the path; undefined for another path, and where the host has not the role that gives it. */
function accountAt(host: Host, credentials: ClusterCredentials, path: string): { name: string; password: Secret } | undefined {
  const [role = ''] = path.split('.');
  const account = ACCOUNTS[path];
  return account === undefined || !host.roles.includes(role) ? undefined : accountsOf({ host, credentials })[account];
}

/** Patroni's file on a host, where pgprov wrote it. */
function configured(view: View, host: Host): string | undefined {
  const path = view.platform(host.name)?.patroni.configFile;
  const state = path === undefined ? undefined : view.read(host.name, fileHandle(path));
  return state?.type === 'file' && state.content.toString('utf8').startsWith('# Managed by pgprov') ? path : undefined;
}

function lost(view: View, host: Host, paths: readonly string[]): Objection {
  const file = `.pgprov/${view.inventory.cluster}/passwords.yml`;
  const there = view.hosts('patroni').find((candidate) => configured(view, candidate) !== undefined);
  const yml = there === undefined ? 'patroni.yml of a member' : `${configured(view, there)} on ${there.name}`;
  const known = paths.filter((path) => Object.hasOwn(IN_PATRONI_YML, path));
  const copies = known.map((path) => `${IN_PATRONI_YML[path]}.password as ${path}`);
  return {
    kind: 'refuse',
    host: host.name,
    message: `${host.name}: the cluster has passwords that this machine does not know: neither the inventory nor ${file} has ${enumerate(paths)}`,
    hint: [
      `bring ${file} back from a backup`,
      ...(topologyOf(host) === 'patroni'
        ? [`or write it anew from ${yml}, which root can read: ${enumerate(copies)}, one \`NAME: value\` a line`]
        : []),
      'or give new ones in the inventory, which `apply` sets on all members at once: it logs in through the socket and needs no old one',
    ].join('; '),
  };
}
