import { isIP } from 'node:net';
import { InputError } from '../lib/errors.js';
import type { Host, Inventory } from '../model/index.js';
import { directory } from '../resources/files/directory.js';
import { file } from '../resources/files/file.js';
import type { Resource } from '../resources/resource.js';
import type { NodeIdentity } from '../store/issue.js';
import type { Role, RoleContext, TlsCopies, TlsIdentity } from './role.js';

/** A role's service on a host that has copies of the host's key pair. */
export interface CertificatePlace {
  host: Host;
  role: string;
  tls: TlsIdentity;
}

/** Every place where these roles have certificates, host by host, in the order of the catalog. */
export function certificatePlaces(roles: readonly Pick<Role, 'name' | 'tls'>[], { hosts }: Pick<Inventory, 'hosts'>): CertificatePlace[] {
  return hosts.flatMap((host) =>
    roles.flatMap((role) => {
      const tls = host.roles.includes(role.name) ? role.tls?.(host, { hosts }) : undefined;
      return tls === undefined ? [] : [{ host, role: role.name, tls }];
    }),
  );
}

/**
 * What the certificates of an inventory's hosts must say; of the hosts that have one.
 * @throws InputError for a name that no certificate can have
 */
export function identitiesOf(roles: readonly Role[], inventory: Inventory): NodeIdentity[] {
  const places = certificatePlaces(roles, inventory).filter(({ tls }) => tls.given === undefined);
  for (const place of places) assertNames(place);
  return inventory.hosts.flatMap(({ name, clusterAddress, address }) => {
    const here = places.filter(({ host }) => host.name === name);
    const more = here.flatMap(({ tls }) => tls.names ?? []);
    return here.length === 0 ? [] : [{ name, names: [...new Set([clusterAddress, address, ...more])] }];
  });
}

/** What a name in a certificate may be; without wildcards, which no client of a host needs. */
const DNS_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/u;

function assertNames({ host, role, tls: { names = [] } }: CertificatePlace): void {
  const wrong = names.find((name) => isIP(name) === 0 && !DNS_NAME.test(name));
  if (wrong === undefined) return;
  throw new InputError({
    kind: 'roles/certificate-name',
    host: host.name,
    message: `role ${role}: ${JSON.stringify(wrong)}, which \`tls\` wants in the certificate of ${host.name}, is neither a DNS name nor an IP address`,
    hint: 'correct the variable that it comes from, or the role',
  });
}

/** A service's copies as resources, for the stages of its role. */
export interface TlsResources {
  directory: Resource;
  /** The authorities whose certificates are accepted. */
  authority: Resource;
  /** The host's certificate and key, the key readable by nobody else. */
  pair: readonly Resource[];
}

/**
 * What brings a service its copies. Where they take the place of others the service may fail, so in a cluster of equals they belong to a
 * rolling stage; a service that does not read them anew reloads or restarts on them (`reloadOn` or `restartOn` of `service`).
 * @param identity what takes the place of the host's own pair, and of the cluster's authorities
 */
export function tlsResources(
  { host, credentials }: Pick<RoleContext, 'host' | 'credentials'>,
  copies: TlsCopies,
  { given, authorities }: Pick<TlsIdentity, 'given' | 'authorities'> = {},
): TlsResources {
  const { certificate, key } = given ?? credentials.node(host.name);
  const { owner, group } = copies;
  return {
    directory: directory({ path: copies.directory, owner, group, mode: '0750' }),
    authority: file({ path: copies.ca, owner, group, mode: '0644', content: authorities ?? credentials.caCertificate }),
    pair: [
      file({ path: copies.certificate, owner, group, mode: '0644', content: certificate }),
      file({ path: copies.key, owner, group, mode: '0600', content: key }),
    ],
  };
}
