import { isIPv6 } from 'node:net';
import { file, reveal, Secret, type Host, type Resource, type RoleContext } from '../../../src/index.js';
import { dataDirectoryOf, localServer, tlsFiles } from '../layout.js';
import { hasServer, pathOf, repositoriesOf, serverPort, writtenBy, type Repository } from './repositories.js';
import { backedUpHosts, backupSettings, stanzaOf } from './stanza.js';

/** One line of pgbackrest.conf; what is undefined is left out. */
export type Option = readonly [name: string, value: string | number | Secret | undefined];

/** The path in the inventory of what repositories are encrypted with. */
export const PASSPHRASE = 'backup.passphrase';

/** Full backups that are kept where the inventory does not say. */
const RETENTION_FULL = 2;

/** pgBackRest’s configuration on a host, which holds secrets where a repository is written. */
export function configFile(context: RoleContext): Resource {
  const { inventory, platform, template } = context;
  const { configFile: path, user: owner, group } = platform.pgbackrest;
  const content = configText({ inventory, template }, [
    { name: 'global', options: [...commonOptions(context), ...repositoryOptions(context), ...serverOptions(context)] },
    { name: stanzaOf(inventory), options: databaseOptions(context) },
  ]);
  return file({ path, owner, group, mode: '0600', content });
}

/** Options of pgBackRest as its configuration has them, by sections; a secret where one of them is. */
export function configText(
  { inventory, template }: Pick<RoleContext, 'inventory' | 'template'>,
  sections: readonly { name: string; options: readonly Option[] }[],
): string | Secret {
  const given = sections.map(({ name, options }) => ({ name, options: options.filter(([, value]) => value !== undefined) }));
  const text = template('backup/pgbackrest.conf', {
    cluster: inventory.cluster,
    sections: given.map(({ name, options }) => ({
      name,
      options: options.map(([option, value]) => ({ option, value: value instanceof Secret ? reveal(value) : value })),
    })),
  });
  const holdsSecrets = given.some(({ options }) => options.some(([, value]) => value instanceof Secret));
  return holdsSecrets ? new Secret(text) : text;
}

function commonOptions({ host, inventory, platform }: RoleContext): Option[] {
  const { compression, processes, archive_async } = backupSettings(inventory);
  return [
    ['log-path', platform.pgbackrest.logDirectory],
    ['process-max', processes],
    ['compress-type', compression.type],
    ['compress-level', compression.level],
    ['start-fast', 'y'],
    ...(host.roles.includes('backup') && archive_async
      ? ([
          ['archive-async', 'y'],
          ['spool-path', platform.pgbackrest.spoolDirectory],
        ] as const)
      : []),
  ];
}

/** A repository host knows its own repositories alone; a member knows all. */
function repositoryOptions(context: RoleContext): Option[] {
  const { host, inventory } = context;
  const written = writtenBy(inventory, host);
  const known = host.roles.includes('backup') ? repositoriesOf(inventory) : written;
  return known.flatMap((repository): Option[] => {
    const name = (option: string): string => `repo${repository.number}-${option}`;
    const isHere = written.some(({ number }) => number === repository.number);
    const options = isHere ? placeOptions(repository, context) : remoteOptions(repository.host, context);
    return options.map(([option, value]) => [name(option), value]);
  });
}

/**
 * How another host's repository or database is reached: by pgBackRest's own server there, with the cluster's certificates. 2.45
 * finds no address in a certificate, so the host's name is used, which the role base, or DNS, makes known.
 */
function remoteOptions(other: Host | undefined, { host, platform }: RoleContext): Option[] {
  if (other === undefined) return [];
  const { ca, certificate, key } = tlsFiles(platform.pgbackrest);
  return [
    ['host', host.roles.includes('base') ? other.name : other.clusterAddress],
    ['host-type', 'tls'],
    ['host-port', serverPort(other)],
    ['host-ca-file', ca],
    ['host-cert-file', certificate],
    ['host-key-file', key],
  ];
}

/** Where a repository is that a host reaches by itself, or has, and with what. */
export function placeOptions(
  repository: Repository,
  { inventory, platform, credentials }: Pick<RoleContext, 'inventory' | 'platform' | 'credentials'>,
): Option[] {
  const { retention_full, retention_diff, encrypted = true, s3, azure, gcs } = repository.settings;
  const passphrase = encrypted ? credentials.password(PASSPHRASE, backupSettings(inventory).passphrase) : undefined;
  return [
    ['path', pathOf(repository, inventory.cluster, platform.pgbackrest)],
    ...(s3 === undefined
      ? []
      : ([
          ['type', 's3'],
          ['s3-bucket', s3.bucket],
          ['s3-endpoint', s3.endpoint],
          ['s3-region', s3.region],
          ['s3-key', s3.key],
          ['s3-key-secret', s3.key_secret],
          ['s3-key-type', s3.key_type],
          ['s3-uri-style', s3.uri_style],
          ['storage-port', s3.port],
          ['storage-ca-file', s3.ca_file],
        ] as const)),
    ...(azure === undefined
      ? []
      : ([
          ['type', 'azure'],
          ['azure-account', azure.account],
          ['azure-container', azure.container],
          ['azure-key', azure.key],
          ['azure-key-type', azure.key_type],
          ['azure-endpoint', azure.endpoint],
        ] as const)),
    ...(gcs === undefined
      ? []
      : ([
          ['type', 'gcs'],
          ['gcs-bucket', gcs.bucket],
          ['gcs-key', gcs.key_file],
          ['gcs-key-type', gcs.key_type],
        ] as const)),
    ['cipher-type', passphrase === undefined ? 'none' : 'aes-256-cbc'],
    ['cipher-pass', passphrase],
    ['bundle', 'y'],
    ['retention-full', retention_full ?? RETENTION_FULL],
    ['retention-diff', retention_diff],
  ];
}

/** Who may connect: to a repository host its members, and to a member the repository hosts, each by the name in its certificate. */
function serverOptions({ host, inventory, platform }: RoleContext): Option[] {
  if (!hasServer(host)) return [];
  const { ca, certificate, key } = tlsFiles(platform.pgbackrest);
  return [
    ['tls-server-address', isIPv6(host.clusterAddress) ? '::' : '0.0.0.0'],
    ['tls-server-port', serverPort(host)],
    ['tls-server-ca-file', ca],
    ['tls-server-cert-file', certificate],
    ['tls-server-key-file', key],
    ...clientsOf(host, inventory).map((client): Option => ['tls-server-auth', `${client}=${stanzaOf(inventory)}`]),
  ];
}

/** Where there is nobody else, the host itself: pgBackRest's server does not start without a name. */
function clientsOf(host: Host, inventory: RoleContext['inventory']): string[] {
  const repositoryHosts = repositoriesOf(inventory).flatMap((repository) => repository.host?.name ?? []);
  const members = repositoryHosts.includes(host.name) ? backedUpHosts(inventory).map(({ name }) => name) : [];
  const repositories = host.roles.includes('backup') ? repositoryHosts : [];
  const others = [...new Set([...members, ...repositories])].filter((name) => name !== host.name);
  return others.length === 0 ? [host.name] : others;
}

/** The databases as the host sees them: its own first, which is what PostgreSQL’s commands work with, and on a repository host all others. */
function databaseOptions(context: RoleContext): Option[] {
  const { host, inventory, platform, platformOf } = context;
  const all = backedUpHosts(inventory);
  const own = all.filter(({ name }) => name === host.name);
  const hasRepository = repositoriesOf(inventory).some((repository) => repository.host?.name === host.name);
  const others = hasRepository ? all.filter(({ name }) => name !== host.name) : [];
  return [...own, ...others].flatMap((member, index): Option[] => {
    const its = platformOf(member.name) ?? platform;
    const { port, socketDirectory, user, superuser } = localServer(member, its);
    const options: Option[] = [
      ...(member.name === host.name ? [] : remoteOptions(member, context)),
      ['path', dataDirectoryOf(member, its)],
      ['port', port],
      ['socket-path', socketDirectory],
      ['user', superuser ?? user],
    ];
    return options.map(([option, value]) => [`pg${index + 1}-${option}`, value]);
  });
}
