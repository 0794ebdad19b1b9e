import { topologyOf, type Host, type NamedHosts, type RoleContext } from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import { variables } from '../variables.js';
import { backedUpHosts, backupSettings, type BackupSettings } from './stanza.js';

type Layout = Pick<RoleContext['platform']['pgbackrest'], 'repositoryDirectory'>;

/** What the inventory may say of a repository. */
export type RepositorySettings = NonNullable<BackupSettings['repositories']>[string];

/** A place for backups and WAL, and who writes backups to it. */
export interface Repository {
  /** pgBackRest’s: N of `repoN-path`. */
  number: number;
  /** As the inventory calls it. */
  name: string;
  settings: RepositorySettings;
  /** The host that has it; undefined where every member reaches it by itself. */
  host?: Host;
}

/** The repositories in the order of pgBackRest’s numbers; a host that the inventory does not have is left out. */
export function repositoriesOf(inventory: NamedHosts): Repository[] {
  const given = backupSettings(inventory).repositories;
  const hosts = hostsWith(inventory, 'backup-repository');
  if (given === undefined) return hosts.map((host, index) => ({ number: index + 1, name: host.name, settings: {}, host }));
  return Object.entries(given).map(([name, settings], index) => {
    const host = hosts.find((candidate) => candidate.name === settings.host);
    return { number: index + 1, name, settings, ...(host === undefined ? {} : { host }) };
  });
}

/** The path of a repository on its host, on every member, or in its store of objects. */
export function pathOf({ settings: { directory, s3, azure, gcs } }: Repository, cluster: string, layout: Layout): string {
  return directory ?? ((s3 ?? azure ?? gcs) === undefined ? layout.repositoryDirectory : `/${cluster}`);
}

/** The repositories that a host writes backups to: its own, or for a member those that every member reaches by itself. */
export function writtenBy(inventory: NamedHosts, host: Host): Repository[] {
  return repositoriesOf(inventory).filter((repository) =>
    repository.host === undefined ? host.roles.includes('backup') : repository.host.name === host.name,
  );
}

/** The hosts that backups are run from; of members each one, of which only the one that leads does it. */
export function backupHosts(inventory: NamedHosts): Host[] {
  const members = backedUpHosts(inventory);
  if (members.length === 0) return [];
  return inventory.hosts.filter((host) => writtenBy(inventory, host).length > 0);
}

/**
 * Whether pgBackRest’s server runs on a host, by the host’s own variables: others reach a repository there, or a repository host reaches
 * the database there.
 */
export function hasServer(host: Host): boolean {
  if (!host.roles.includes('backup')) return host.roles.includes('backup-repository');
  // A server of its own that has its own repository has nobody to talk to.
  if (topologyOf(host) === 'single' && host.roles.includes('backup-repository')) return false;
  const { repositories } = variables(host, 'backup');
  return repositories === undefined || Object.values(repositories).some((repository) => repository.host !== undefined);
}

/** The port of pgBackRest’s server on a host. */
export function serverPort(host: Host): number {
  return host.roles.includes('backup') ? variables(host, 'backup').port : variables(host, 'backup-repository').port;
}
