import { enumerate, topologyOf, type Host, type NamedHosts, type VariableProblem } from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import { variables } from '../variables.js';
import { archiveParameters, backupContribution } from './contributed.js';
import { streamingServers } from '../streaming/servers.js';
import { repositoriesOf, type RepositorySettings } from './repositories.js';

const REPOSITORIES = 'backup.repositories';

/** What is wrong with the variables of the role backup that their schema cannot say. */
export function backupProblems(members: readonly Host[], inventory: NamedHosts): VariableProblem[] {
  const [first] = members;
  if (first === undefined) return [];
  const without = members.some((host) => topologyOf(host) === 'streaming')
    ? streamingServers(inventory.hosts).filter(({ roles }) => !roles.includes('backup'))
    : [];
  if (without.length > 0) {
    const message = `leave ${enumerate(without.map(({ name }) => name))} without the role backup: no WAL would be archived where the primary is there`;
    return [{ host: without[0] as Host, path: 'roles', message, hint: 'give all servers that stream without Patroni the role backup' }];
  }
  return [
    ...members.flatMap((host) => ownedProblems(host, inventory.cluster)),
    ...repositoryProblems(first, inventory),
    ...besideMember(first, inventory),
  ];
}

/**
 * A repository on a member beside one on another host: pgBackRest takes no configuration with both a database and a repository of other hosts ("pg and
 * repo hosts cannot both be configured as remote"), so that member could make no stanza.
 */
function besideMember(host: Host, inventory: NamedHosts): VariableProblem[] {
  const places = repositoriesOf(inventory);
  const onMember = places.find((place) => place.host?.roles.includes('backup') === true);
  const other = places.find((place) => place.host !== undefined && place.host.name !== onMember?.host?.name);
  if (onMember?.host === undefined || other?.host === undefined || hostsWith(inventory, 'backup').length === 1) return [];
  const { name } = onMember.host;
  return [
    {
      host,
      path: REPOSITORIES,
      message: `has a place on the member ${name} and one on ${other.host.name}: pgBackRest on ${name} cannot reach both the other databases and another repository`,
      hint: 'put all places on hosts that are no members, or have the one on the member alone',
    },
  ];
}

/** A repository host without anything to keep, or one that no repository is on. */
export function repositoryHostProblems(holders: readonly Host[], inventory: NamedHosts): VariableProblem[] {
  const [first] = holders;
  if (first === undefined) return [];
  if (hostsWith(inventory, 'backup').length === 0) {
    return [
      {
        host: first,
        path: 'roles',
        message: 'have backup-repository, but no host has the role backup',
        hint: 'add backup to the roles of the members',
      },
    ];
  }
  const used = repositoriesOf(inventory).flatMap(({ host }) => host?.name ?? []);
  return holders
    .filter(({ name }) => !used.includes(name))
    .map((host) => ({
      host,
      path: 'roles',
      message: `give ${host.name} the role backup-repository, but none of ${REPOSITORIES} has it for its host`,
      hint: `add one with \`host: ${host.name}\`, or take the role away`,
    }));
}

/** What works and is probably not meant. */
export function backupWarnings(members: readonly Host[]): VariableProblem[] {
  return members
    .filter((host) => topologyOf(host) !== 'patroni' && variables(host, 'backup').replicas_from_backup)
    .map((host) => ({
      host,
      path: 'backup.replicas_from_backup',
      message: 'has no effect: only Patroni makes its replicas from backups',
      hint: 'leave it out',
    }));
}

/** Parameters that decide where WAL goes, which only this role may set. */
function ownedProblems(host: Host, cluster: string): VariableProblem[] {
  const hint = 'leave it out, or take the role backup away; see backup.archive_timeout and backup.repositories';
  const parameters = (host.vars['postgresql']?.['parameters'] ?? {}) as Readonly<Record<string, unknown>>;
  const wanted = archiveParameters(host, cluster);
  const own = Object.entries(wanted)
    .filter(([name, value]) => parameters[name] !== value)
    .map(([name]) => ({ host, path: `postgresql.parameters.${name}`, message: 'is set by the role backup', hint }));
  const others = ['archive_library', 'restore_command'].filter((name) => Object.hasOwn(parameters, name) && !Object.hasOwn(wanted, name));
  const commands = others.map((name) => ({
    host,
    path: `postgresql.parameters.${name}`,
    message: 'would take WAL past the repositories of the role backup',
    hint,
  }));
  const dynamic = (host.vars['patroni']?.['dynamic'] ?? {}) as DynamicPart;
  const added = (backupContribution(host, cluster)['patroni']?.['dynamic'] ?? {}) as DynamicPart;
  const restore = added.postgresql?.recovery_conf?.restore_command;
  const isOther = dynamic.postgresql?.recovery_conf?.restore_command !== restore;
  const path = 'patroni.dynamic.postgresql.recovery_conf.restore_command';
  return [...own, ...commands, ...(isOther ? [{ host, path, message: 'is set by the role backup', hint }] : [])];
}

interface DynamicPart {
  postgresql?: { recovery_conf?: { restore_command?: unknown } };
}

function repositoryProblems(host: Host, inventory: NamedHosts): VariableProblem[] {
  const { repositories } = variables(host, 'backup');
  if (repositories === undefined) {
    return hostsWith(inventory, 'backup-repository').length > 0
      ? []
      : [
          {
            host,
            path: REPOSITORIES,
            message: 'is not given, and no host has the role backup-repository: there is no place for backups',
            hint: 'give a host that role, or say in backup.repositories where they go',
          },
        ];
  }
  const all = Object.entries(repositories);
  const withHost = all.filter(([, settings]) => settings.host !== undefined).length;
  if (withHost > 0 && withHost < all.length) {
    return [
      {
        host,
        path: REPOSITORIES,
        message: 'has places on hosts and places that every member reaches by itself: pgBackRest makes its stanza from one side only',
        hint: 'give each of them a host, or none',
      },
    ];
  }
  return all.flatMap(([name, settings], index): VariableProblem[] => {
    const at = { host, path: `${REPOSITORIES}.${name}` };
    const twin = all.slice(0, index).find(([, other]) => samePlace(other, settings));
    if (twin !== undefined) return [{ ...at, message: `is the same place as ${twin[0]}`, hint: 'give one of them another directory' }];
    return placeProblems(settings, inventory).map((message) => ({ ...at, ...message }));
  });
}

function placeProblems(settings: RepositorySettings, inventory: NamedHosts): Pick<VariableProblem, 'message' | 'hint'>[] {
  const { host, directory } = settings;
  const stores = (['s3', 'azure', 'gcs'] as const).filter((store) => settings[store] !== undefined);
  const kinds = [...(host === undefined ? [] : ['host']), ...stores];
  if (kinds.length > 1)
    return [{ message: `has ${enumerate(kinds)}: a repository is in one place`, hint: 'make each of them a repository of its own' }];
  if (kinds.length === 0 && directory === undefined) {
    return [{ message: 'says not where it is', hint: 'give it a host, a directory that is mounted on every member, or s3, azure or gcs' }];
  }
  const [store] = stores;
  const missing = store === undefined ? [] : missingOf(store, settings);
  if (missing.length > 0) return [{ message: `lacks ${enumerate(missing)}`, hint: 'pgBackRest cannot reach it without' }];
  if (host === undefined || hostsWith(inventory, 'backup-repository').some(({ name }) => name === host)) return [];
  const isKnown = inventory.hosts.some(({ name }) => name === host);
  return [
    isKnown
      ? { message: `is on ${host}, which has not the role backup-repository`, hint: `add backup-repository to the roles of ${host}` }
      : {
          message: `is on ${JSON.stringify(host)}, which is no host of this inventory`,
          hint: 'give the name of a host with the role backup-repository',
        },
  ];
}

/** What a store of objects cannot do without, as the inventory has it. */
function missingOf(store: 's3' | 'azure' | 'gcs', { s3, azure, gcs }: RepositorySettings): string[] {
  const own = (values: object = {}): Readonly<Record<string, unknown>> => values as Readonly<Record<string, unknown>>;
  const lacking = (values: object | undefined, names: readonly string[]): string[] =>
    names.filter((name) => own(values)[name] === undefined).map((name) => `${store}.${name}`);
  if (store === 's3') {
    const keys = (s3?.key_type ?? 'shared') === 'shared' ? ['key', 'key_secret'] : [];
    return lacking(s3, ['bucket', 'endpoint', 'region', ...keys]);
  }
  if (store === 'azure') return lacking(azure, ['account', 'container', ...(azure?.key_type === 'auto' ? [] : ['key'])]);
  return lacking(gcs, ['bucket', ...(gcs?.key_type === 'auto' ? [] : ['key_file'])]);
}

function samePlace(one: RepositorySettings, other: RepositorySettings): boolean {
  const place = ({ host, directory, s3, azure, gcs }: RepositorySettings): string =>
    JSON.stringify([host, directory, s3?.endpoint, s3?.bucket, azure?.account, azure?.container, gcs?.bucket]);
  return place(one) === place(other);
}
