import {
  SOURCE_DIRECTORY,
  SOURCE_FILES,
  type DataOrigin,
  type Inventory,
  type NamedHosts,
  type RoleContext,
  type SourceAccess,
  type SourceCluster,
} from '../../../src/index.js';
import { localServer } from '../layout.js';
import { configText, placeOptions, type Option } from './config-file.js';
import { repositoriesOf, serverPort, type Repository } from './repositories.js';
import { backedUpHosts, backupSettings, stanzaOf } from './stanza.js';

/** The repositories of another cluster that are on its hosts. */
export function hostedRepositories(source: NamedHosts): Repository[] {
  return repositoriesOf(source).filter(({ host }) => host !== undefined);
}

/**
 * The host of a cluster in whose name another cluster's host may read its backups: pgBackRest's server on a repository host lets members in,
 * by the names in their certificates; undefined: no repository is on a host.
 */
export function readingMember(source: NamedHosts): string | undefined {
  const holders = backedUpHosts(source).length === 0 ? [] : hostedRepositories(source).flatMap(({ host }) => host?.name ?? []);
  if (holders.length === 0) return undefined;
  return backedUpHosts(source).find(({ name }) => !holders.includes(name))?.name ?? backedUpHosts(source)[0]?.name;
}

/** What lets a host read the backups of another cluster. */
export function accessTo({ inventory, credentials, client }: SourceCluster, context: RoleContext): SourceAccess {
  const { host, platform, template } = context;
  const { user: owner, group } = platform.patroni;
  const repositories = repositoriesOf(inventory);
  const reached = repositories.flatMap((repository): Option[] => {
    const options = repository.host === undefined ? placeOptions(repository, { inventory, platform, credentials }) : remote(repository);
    return options.map(([option, value]) => [`repo${repository.number}-${option}`, value]);
  });
  const config = configText({ inventory, template }, [
    {
      name: 'global',
      options: [['log-path', platform.pgbackrest.logDirectory], ['process-max', backupSettings(inventory).processes], ...reached],
    },
    { name: stanzaOf(inventory), options: [['pg1-socket-path', localServer(host, platform).socketDirectory]] },
  ]);
  const pair =
    client === undefined
      ? []
      : [
          { name: SOURCE_FILES.ca, content: client.authority },
          { name: SOURCE_FILES.certificate, content: client.certificate },
          { name: SOURCE_FILES.key, content: client.key },
        ];
  return {
    files: [{ name: SOURCE_FILES.config, content: config }, ...pair],
    owner,
    group,
    overTls: repositories.flatMap(({ number, host: holder }) => (holder === undefined ? [] : [number])),
  };
}

/** By its address, because the names of another cluster's hosts may be those of this one's. */
function remote({ host }: Repository): Option[] {
  if (host === undefined) return [];
  return [
    ['host', host.clusterAddress],
    ['host-type', 'tls'],
    ['host-port', serverPort(host)],
    ['host-ca-file', `${SOURCE_DIRECTORY}/${SOURCE_FILES.ca}`],
    ['host-cert-file', `${SOURCE_DIRECTORY}/${SOURCE_FILES.certificate}`],
    ['host-key-file', `${SOURCE_DIRECTORY}/${SOURCE_FILES.key}`],
  ];
}

/** Where a cluster's backups are, for those who must not write there. */
export function originOf(inventory: Inventory): DataOrigin {
  return { cluster: inventory.cluster, stanza: stanzaOf(inventory), places: placesOf(inventory) };
}

/** The places of a cluster's repositories in words that are the same for the same place. */
export function placesOf(inventory: NamedHosts): string[] {
  return repositoriesOf(inventory).map(({ host, settings: { directory = '', s3, azure, gcs } }) => {
    const path = directory.replaceAll(/\/+/gu, '/').replace(/(?<=.)\/$/u, '');
    const inStore = path === '' ? `/${inventory.cluster}` : path;
    if (s3 !== undefined) return `s3://${s3.endpoint}/${s3.bucket}${inStore}`;
    if (azure !== undefined) return `azure://${azure.account}/${azure.container}${inStore}`;
    if (gcs !== undefined) return `gcs://${gcs.bucket}${inStore}`;
    return host === undefined ? `directory ${path}` : `directory ${path || '/var/lib/pgbackrest'} on ${host.clusterAddress}`;
  });
}
