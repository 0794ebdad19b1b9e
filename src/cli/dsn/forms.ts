import { isIPv6 } from 'node:net';
import type { Endpoint, Way } from './ways.js';

/** The forms that a way in can be printed in. */
export const DSN_FORMS = ['uri', 'libpq', 'jdbc', 'pgpass', 'env'] as const;

/** One of them. */
export type DsnForm = (typeof DSN_FORMS)[number];

/** Whose connection it is. */
export interface Client {
  database: string;
  /** Default: the client's own choice. */
  user?: string;
  /** Spread connections over the servers; libpq knows that from its version 16 on. */
  balances: boolean;
  /** Where the client has the certificate of the cluster's authority. */
  authority: string;
}

/** Seconds that a client tries one server for: without a limit one that is off costs minutes. */
const CONNECT_TIMEOUT = 3;

/** A way in as text, without a line feed at its end. */
export function dsnText(form: DsnForm, way: Way, client: Client): string {
  return FORMS[form](way, client);
}

const FORMS: Readonly<Record<DsnForm, (way: Way, client: Client) => string>> = {
  uri: (way, { database, user, ...client }) => {
    const login = user === undefined ? '' : `${encodeURIComponent(user)}@`;
    const options = Object.entries(parameters(way, client)).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return `postgresql://${login}${hostList(way.endpoints)}/${encodeURIComponent(database)}?${options.join('&')}`;
  },
  libpq: (way, { database, user, ...client }) =>
    Object.entries({
      host: way.endpoints.map(({ address }) => address).join(','),
      port: portList(way.endpoints),
      dbname: database,
      ...(user === undefined ? {} : { user }),
      ...parameters(way, client),
    })
      .map(([name, value]) => `${name}=${libpqValue(value)}`)
      .join(' '),
  // pgJDBC's own words (its documentation, "Connecting to the Database").
  jdbc: ({ endpoints, wants, verifies }, { database, user, balances, authority }) => {
    const options = {
      ...(user === undefined ? {} : { user }),
      targetServerType: { 'read-write': 'primary', 'prefer-standby': 'preferSecondary', any: 'any' }[wants],
      ...(balances ? { loadBalanceHosts: 'true' } : {}),
      ...(verifies === undefined ? {} : { sslmode: verifies, sslrootcert: authority }),
      connectTimeout: String(CONNECT_TIMEOUT),
      tcpKeepAlive: 'true',
    };
    const words = Object.entries(options).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return `jdbc:postgresql://${hostList(endpoints)}/${encodeURIComponent(database)}?${words.join('&')}`;
  },
  pgpass: ({ endpoints }, { user = '*' }) =>
    endpoints.map(({ address, port }) => [address, String(port), '*', user, 'PASSWORD'].map(passfileField).join(':')).join('\n'),
  env: (way, { database, user, ...client }) => {
    const named = parameters(way, client);
    return Object.entries({
      PGHOST: way.endpoints.map(({ address }) => address).join(','),
      PGPORT: portList(way.endpoints),
      PGDATABASE: database,
      PGUSER: user,
      PGTARGETSESSIONATTRS: named.target_session_attrs,
      PGLOADBALANCEHOSTS: named.load_balance_hosts,
      PGCONNECT_TIMEOUT: named.connect_timeout,
      PGSSLMODE: named.sslmode,
      PGSSLROOTCERT: named.sslrootcert,
    })
      .flatMap(([name, value]) => (value === undefined ? [] : [`export ${name}=${shellValue(value)}`]))
      .join('\n');
  },
};

/** Connection parameters of libpq, by their names. */
interface Parameters {
  connect_timeout: string;
  target_session_attrs?: string;
  load_balance_hosts?: string;
  sslmode?: string;
  sslrootcert?: string;
}

function parameters(
  { wants, verifies }: Way,
  { balances, authority }: Pick<Client, 'balances' | 'authority'>,
): Record<string, string> & Parameters {
  return {
    ...(wants === 'any' ? {} : { target_session_attrs: wants }),
    ...(balances ? { load_balance_hosts: 'random' } : {}),
    connect_timeout: String(CONNECT_TIMEOUT),
    ...(verifies === undefined ? {} : { sslmode: verifies, sslrootcert: authority }),
  };
}

function hostList(endpoints: readonly Endpoint[]): string {
  return endpoints.map(({ address, port }) => `${isIPv6(address) ? `[${address}]` : address}:${port}`).join(',');
}

/** One port for all, or one for each host. */
function portList(endpoints: readonly Endpoint[]): string {
  const ports = endpoints.map(({ port }) => String(port));
  return new Set(ports).size === 1 ? (ports[0] ?? '') : ports.join(',');
}

function libpqValue(value: string): string {
  return /^[A-Za-z0-9_.,:/@%+-]+$/u.test(value) ? value : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function passfileField(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}

function shellValue(value: string): string {
  return /^[A-Za-z0-9_.,:/@%+-]+$/u.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
