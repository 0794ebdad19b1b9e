import {
  BACKUP_INFO,
  DATA_DIRECTORY,
  DATA_ORIGIN,
  enumerate,
  fileHandle,
  groupBy,
  packagesHandle,
  pgprov,
  type ClusterCredentials,
  type Host,
  type Objection,
  type View,
} from '../../../src/index.js';
import { tlsFiles } from '../layout.js';
import { PASSPHRASE } from './config-file.js';
import { presentConfig, readingPassphrases } from './present-config.js';
import { pathOf, writtenBy } from './repositories.js';
import { placesOf } from './source.js';
import { backupSettings, stanzaOf } from './stanza.js';

/** What speaks against making backups with pgBackRest on these hosts: what is there is another's, or they do not fit together. */
export function guardBackups(view: View, credentials: ClusterCredentials, hosts: readonly Host[]): Objection[] {
  return hosts.flatMap((host) => [
    ...guardConfig(view, host),
    ...guardAuthority(view, credentials, host),
    ...guardOrigin(view, host),
    ...guardStanza(view, host),
    ...guardPassphrase(view, credentials, host),
    ...guardEncryption(view, host),
  ]);
}

/** A configuration that somebody else wrote, or pgprov for another cluster: a host has one. */
function guardConfig(view: View, { name: host }: Host): Objection[] {
  const config = presentConfig(view, host);
  if (config === undefined || config.cluster === view.inventory.cluster) return [];
  const { path, cluster, stanzas } = config;
  if (cluster !== undefined) {
    return [
      {
        kind: 'refuse',
        host,
        message: `${host} has backups of the cluster ${cluster}: pgprov wrote ${path} from another inventory; this one is ${view.inventory.cluster}`,
        hint: `give this cluster another host for its backups; if it is the same cluster, set cluster back to ${cluster}`,
        decisive: true,
      },
    ];
  }
  // The package brings an example without a stanza.
  if (stanzas.length === 0) return [];
  return [
    {
      kind: 'refuse',
      host,
      message: `${host}: ${path} is not pgprov’s, and has the ${stanzas.length === 1 ? 'stanza' : 'stanzas'} ${enumerate(stanzas)}`,
      hint: `leave that pgBackRest alone and give backups another host, or move ${path} aside yourself if it is not needed`,
    },
  ];
}

/** A host with the backups of another cluster of the same name: with this one's authority none of that one's members would be let in. */
function guardAuthority(view: View, credentials: ClusterCredentials, { name: host }: Host): Objection[] {
  const layout = view.platform(host)?.pgbackrest;
  const { ca } = layout === undefined ? {} : tlsFiles(layout);
  const state = ca === undefined ? undefined : view.read(host, fileHandle(ca));
  const { cluster } = view.inventory;
  if (state?.type !== 'file' || presentConfig(view, host)?.cluster !== cluster) return [];
  const pem = state.content.toString('utf8');
  // What is no certificate is a file that somebody has broken.
  if (!pem.includes('BEGIN CERTIFICATE') || credentials.knowsAuthority(pem)) return [];
  return [
    {
      kind: 'refuse',
      host,
      message: `${host} has backups of another cluster ${cluster}, or of this one from another machine: .pgprov/${cluster} does not know the authority in ${ca}`,
      hint: `if it is the same cluster, bring .pgprov/${cluster} back from a backup, or from that machine; otherwise give this cluster another name, or another host for its backups`,
      decisive: true,
    },
  ];
}

/** A stanza of another database: its backups would be mixed with this one’s. */
function guardStanza(view: View, { name: host }: Host): Objection[] {
  const repositories = view.read(host, BACKUP_INFO)?.repositories ?? [];
  const member = view.hosts('backup').find(({ name }) => identifierOn(view, name) !== undefined);
  const own = member === undefined ? undefined : identifierOn(view, member.name);
  if (own === undefined) return [];
  const other = repositories.find(({ systemIdentifiers }) => systemIdentifiers.length > 0 && systemIdentifiers.at(-1) !== own);
  if (other === undefined) return [];
  const stanza = stanzaOf(view.inventory);
  return [
    {
      kind: 'refuse',
      host,
      message: `${host}: repo${other.repository} has a stanza ${stanza} of another database (system identifier ${other.systemIdentifiers.at(-1)}; ${member?.name ?? ''} has ${own})`,
      hint: `where all database hosts were lost and these backups are to come back: ${pgprov`restore ${view.inventory} --latest`}; otherwise give this cluster another backup.stanza or another directory: two clusters never share a stanza`,
    },
  ];
}

/** Data of a clone has the system identifier of its source, so only what is written beside it keeps it out of that one's archive. */
function guardOrigin(view: View, { name: host }: Host): Objection[] {
  const stanza = stanzaOf(view.inventory);
  const places = placesOf(view.inventory);
  const origin = view
    .read(host, DATA_ORIGIN)
    ?.find(
      (each) => each.stanza === stanza && each.cluster !== view.inventory.cluster && each.places.some((place) => places.includes(place)),
    );
  if (origin === undefined) return [];
  return [
    {
      kind: 'refuse',
      host,
      message: `${host}: its data is a clone of ${origin.cluster}, whose backups are under the same stanza ${stanza} in ${enumerate(origin.places)}: both would write into one archive`,
      hint: `two clusters never share a stanza: give ${view.inventory.cluster} another backup.stanza, or its repository another place`,
      decisive: true,
    },
  ];
}

function identifierOn(view: View, host: string): string | undefined {
  const data = view.read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' ? data.systemIdentifier : undefined;
}

/** A passphrase that this machine has lost, or that is another one in its store: with it nothing could read the backups any more. */
function guardPassphrase(view: View, credentials: ClusterCredentials, { name: host }: Host): Objection[] {
  const config = presentConfig(view, host);
  if (config === undefined || config.passphrases.length === 0) return [];
  const file = `.pgprov/${view.inventory.cluster}/passwords.yml`;
  const present = `what stands behind cipher-pass= in ${config.path} on ${host}, which root can read`;
  if (credentials.generated.includes(PASSPHRASE)) {
    return [
      {
        kind: 'refuse',
        host,
        message: `${host}: the backups are encrypted with a passphrase that this machine does not know: neither the inventory nor ${file} has ${PASSPHRASE}`,
        hint: `bring ${file} back from a backup, or add the line \`${PASSPHRASE}: …\` to it, with ${present}`,
      },
    ];
  }
  const { passphrase } = backupSettings(view.inventory);
  // One that the inventory gives is compared as any variable that is fixed.
  if (passphrase !== undefined) return [];
  const reading = readingPassphrases(view, host);
  if (reading.length === 0 || reading.every((value) => value === credentials.password(PASSPHRASE, passphrase).reveal())) return [];
  return [
    {
      kind: 'refuse',
      host,
      message: `${host}: the backups are encrypted with another passphrase than ${PASSPHRASE} in ${file}, with which nothing could read them`,
      hint: `set it there to ${present}; pgBackRest cannot encrypt a repository anew`,
    },
  ];
}

/** Encrypted or not: pgBackRest could read nothing of what is there any more. */
function guardEncryption(view: View, host: Host): Objection[] {
  const config = presentConfig(view, host.name);
  const layout = view.platform(host.name)?.pgbackrest;
  if (config?.cluster !== view.inventory.cluster || layout === undefined) return [];
  const present = view.read(host.name, BACKUP_INFO)?.repositories ?? [];
  return writtenBy(view.inventory, host).flatMap((repository): Objection[] => {
    const { number, name, settings } = repository;
    const { encrypted = true } = settings;
    const seen = present.find((each) => each.repository === number);
    const isSame = config.paths[number] === pathOf(repository, view.inventory.cluster, layout);
    if (seen === undefined || !isSame || !['ok', 'noBackup'].includes(seen.status) || seen.encrypted === encrypted) return [];
    const [is, isNot] = encrypted ? ['not encrypted', 'encrypted'] : ['encrypted', 'not encrypted'];
    return [
      {
        kind: 'refuse',
        host: host.name,
        message: `${host.name}: the repository ${name} is ${is}, and cannot be read any more as one that is ${isNot}`,
        hint: `set \`encrypted: ${String(seen.encrypted)}\` in backup.repositories.${name}, or give the repository another directory`,
      },
    ];
  });
}

/** pgBackRest speaks only with the same version of itself. */
export function guardVersions(view: View): Objection[] {
  const hosts = view.inventory.hosts.filter(({ roles }) => roles.includes('backup') || roles.includes('backup-repository'));
  const seen = hosts.flatMap((host) => {
    const version = versionOn(view, host);
    return version === undefined ? [] : [{ name: host.name, version }];
  });
  const groups = [...groupBy(seen, ({ version }) => version)];
  if (groups.length < 2) return [];
  const words = groups.map(([version, all]) => `${version} on ${enumerate(all.map(({ name }) => name))}`);
  return [
    {
      kind: 'preflight',
      message: `pgBackRest is ${enumerate(words)}: hosts with different versions refuse each other, and no WAL would be archived`,
      hint: 'install the same version on all of them; PGDG’s repository has one for every system',
    },
  ];
}

/** The version of pgBackRest’s package, without what the distribution adds to it. */
function versionOn(view: View, host: Host): string | undefined {
  const name = view.platform(host.name)?.pgbackrest.packages[0] ?? '';
  const installed = host.roles
    .map((role) => view.read(host.name, packagesHandle(role))?.[name])
    .find((version) => typeof version === 'string');
  return typeof installed === 'string' ? /^\d+(?:\.\d+)*/u.exec(installed.replace(/^\d+:/u, ''))?.[0] : undefined;
}
