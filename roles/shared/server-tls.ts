import {
  SERVER_CERTIFICATE,
  serverCertificate,
  serverCertificateLoaded,
  tlsResources,
  topologyOf,
  type CheckResult,
  type Host,
  type Inventory,
  type Platform,
  type Resource,
  type RoleContext,
  type ServerCertificate,
  type Stage,
  type TlsCopies,
  type TlsIdentity,
  type View,
} from '../../src/index.js';
import { givenCheck, givenIdentity } from './given-tls.js';
import { hostPort, localServer, tlsFiles } from './layout.js';
import { variables } from './variables.js';
import { virtualAddresses } from './vip/address.js';

/** Where the server's copies of the host's key pair are; outside of its data, which a copy of another server's takes the place of. */
function directoryOf(host: Host): string {
  const { version, name } = variables(host, 'postgresql');
  return `/etc/pgprov/postgresql-${version}-${name}`;
}

/** The parameters that have the server offer TLS; none where the inventory does not ask for it. */
export function tlsParameters(host: Host): Readonly<Record<string, string>> {
  if (!variables(host, 'postgresql').tls) return {};
  const { ca, certificate, key } = tlsFiles({ tlsDirectory: directoryOf(host) });
  return { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key, ssl_ca_file: ca };
}

function copiesOn(host: Host, platform: Platform): TlsCopies {
  const { version, name } = variables(host, 'postgresql');
  const { user: owner, group, unit } = platform.postgresql(version);
  return {
    ...tlsFiles({ tlsDirectory: directoryOf(host) }),
    owner,
    group,
    unit: topologyOf(host) === 'patroni' ? platform.patroni.unit : unit(name),
  };
}

/**
 * That the server has copies of the host's key pair, or of the one that is given; undefined where it offers no TLS. The certificate has the virtual address too, which clients
 * see it behind, whoever has it.
 */
export function serverIdentity(host: Host, inventory: Pick<Inventory, 'hosts'>): TlsIdentity | undefined {
  const { tls, tls_names: names } = variables(host, 'postgresql');
  if (!tls) return undefined;
  return {
    ...givenIdentity(host, 'postgresql'),
    names: [...names, ...virtualAddresses(inventory)],
    copies: (platform) => copiesOn(host, platform),
    inUse: (view, { name }, fingerprint) => {
      const presented = view.read(name, SERVER_CERTIFICATE)?.presented;
      return presented === undefined || fingerprint === undefined ? undefined : presented === fingerprint;
    },
  };
}

/** Which certificate the server presents; nothing where it offers no TLS. */
export function presentedCertificate({ host }: Pick<RoleContext, 'host'>): ReturnType<typeof serverCertificate>[] {
  const { tls, port } = variables(host, 'postgresql');
  const { certificate } = tlsFiles({ tlsDirectory: directoryOf(host) });
  return tls ? [serverCertificate(hostPort(host.clusterAddress, port), certificate)] : [];
}

/**
 * Brings the server its key pair, before its configuration names it. A server that runs reads it anew, on all hosts at once: one that cannot
 * take it keeps the former one.
 */
export function tlsStage(context: RoleContext): Stage[] {
  const { host, platform } = context;
  if (!variables(host, 'postgresql').tls) return [];
  const { directory, authority, pair } = tlsResources(context, copiesOn(host, platform), givenIdentity(host, 'postgresql'));
  const files = [authority, ...pair];
  return [
    {
      name: 'tls',
      title: 'bring PostgreSQL its certificate',
      crossing: 'independent',
      resources: [directory, ...files, serverCertificateLoaded(localServer(host, platform), copiesOn(host, platform), files) as Resource],
    },
  ];
}

/** The server presents the certificate that it was brought. */
export function tlsChecks(view: View, host: Host): CheckResult[] {
  const seen = variables(host, 'postgresql').tls ? view.read(host.name, SERVER_CERTIFICATE) : undefined;
  return seen === undefined ? [] : [presentsCheck('PostgreSQL', host, seen), ...givenCheck(host, 'postgresql')];
}

/** That a host's PostgreSQL or PgBouncer presents the certificate that it was brought. */
export function presentsCheck(program: string, host: Host, { presented, wanted }: ServerCertificate): CheckResult {
  const ok = presented !== undefined && presented === wanted;
  const detail =
    presented === undefined
      ? 'it presents none; its log says why'
      : ok
        ? `certificate ${presented.slice(0, 23)}…`
        : 'it presents another one than it was brought; its log says why';
  return { title: `${program} presents its certificate`, ok, detail, host: host.name, settles: true };
}
