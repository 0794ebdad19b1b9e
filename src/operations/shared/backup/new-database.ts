import { backupInfo, enumerate, stanzaUpgraded, type Backup, type HostStep, type OperationRun, type Resource } from '../../../index.js';
import { pgbackrestUser } from '../../../../roles/shared/backup/pgbackrest.js';
import { backupHosts, writtenBy } from '../../../../roles/shared/backup/repositories.js';
import { backupUnit } from '../../../../roles/shared/backup/schedule.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { writerOf } from '../servers.js';
import { infoOn, isOwn, lastEnd, placesOf, type Place } from './places.js';
import { backupGate, startBackup, type BackupUnit } from './unit.js';

type Run = Pick<OperationRun<object>, 'view' | 'inventory' | 'done' | 'contextOf'>;

/** Data that an operation gives a cluster that is backed up. */
export interface NewDatabase {
  /** Its system identifier. */
  identifier: string | undefined;
  /** The server that is going to take writes, where none does yet. */
  member: string | undefined;
  /** The newest timeline that there was before; backups of it and of earlier ones are none of this data. Default: all are. */
  newest?: number | undefined;
}

/** Where backups are taken: of servers that reach a repository by themselves on the one that takes writes, or is going to. */
function placesFor({ view, inventory }: Run, { member }: NewDatabase): Place[] {
  if (writerOf(view) !== undefined) return placesOf({ view, inventory, chosenHosts: undefined });
  return backupHosts(inventory)
    .map((host) => ({ host: host.name, repositories: writtenBy(inventory, host) }))
    .filter(({ host, repositories }) => isOwn(repositories) || host === member);
}

/** Stanzas that are of another database are given this one, and keep the backups of the former. */
export function stanzaSteps(run: Run, database: NewDatabase): HostStep[] {
  const { view, inventory, done } = run;
  const { identifier = '' } = database;
  const late = placesFor(run, database).filter(({ host, repositories }) => {
    const numbers = repositories.map(({ number }) => number);
    const known = infoOn(view, host)?.repositories.filter(({ repository }) => numbers.includes(repository)) ?? [];
    return known.length === 0 || known.some(({ systemIdentifiers }) => systemIdentifiers.at(-1) !== identifier);
  });
  if (late.length === 0 || done.has('stanza')) return [];
  const names = late.flatMap(({ repositories }) => repositories.map(({ name }) => name));
  return [
    {
      id: 'stanza',
      title: `give the stanza ${stanzaOf(inventory)} in ${enumerate(names)} the new database`,
      effect: 'what was backed up before stays in it',
      on: late.map(({ host }) => host),
      resources: (context) => [
        stanzaUpgraded(
          {
            stanza: stanzaOf(inventory),
            server: pgbackrestUser(context),
            repositories: writtenBy(inventory, context.host).map(({ number }) => number),
          },
          identifier,
        ) as Resource,
      ],
      asks: (context) => [backupInfo({ stanza: stanzaOf(inventory), server: pgbackrestUser(context) })],
    },
  ];
}

/** Full backups of the data; undefined where a repository has none. */
export function firstBackups(run: Run, database: NewDatabase): Backup[] | undefined {
  const found = placesFor(run, database).flatMap((place) =>
    place.repositories.map(({ number }) => firstFull(run, database, place, number)),
  );
  return found.every((backup) => backup !== undefined) && found.length > 0 ? (found as Backup[]) : undefined;
}

function firstFull({ view }: Run, { identifier, newest = 0 }: NewDatabase, { host }: Place, number: number): Backup | undefined {
  const info = infoOn(view, host);
  // What a stanza was before it was given this database may be of later timelines.
  const known = info?.repositories.find(({ repository }) => repository === number)?.systemIdentifiers ?? [];
  if (known.at(-1) !== identifier) return undefined;
  return info?.backups.find(
    ({ type, error, timeline = 0, repository, database }) =>
      repository === number && database === known.length && type === 'full' && !error && timeline > newest,
  );
}

/**
 * A full backup in every repository that has none of the data: until there is one pgBackRest restores nothing that is written now, and what it takes
 * for the newest backup is none of it.
 * @param what was given to the cluster, as `what was restored`
 */
export function firstBackupSteps(run: Run, database: NewDatabase, what: string): HostStep[] {
  const { view, inventory, done, contextOf } = run;
  return placesFor(run, database).flatMap((place): HostStep[] => {
    const { host, repositories } = place;
    const id = `backup-${host}`;
    if (done.has(id) || repositories.every(({ number }) => firstFull(run, database, place, number) !== undefined)) return [];
    const unit = (): BackupUnit => ({
      unit: backupUnit('full'),
      type: 'full',
      info: { stanza: stanzaOf(inventory), server: pgbackrestUser(contextOf(host)) },
      since: infoOn(view, host)?.now ?? 0,
      after: lastEnd(view, host),
      keepsAll: true,
    });
    return [
      {
        id,
        title: `take a full backup of ${what} in ${enumerate(repositories.map(({ name }) => name))}`,
        effect:
          'no backup expires after it, so what was there before can still be restored; the next backup expires what is beyond the retention',
        on: [host],
        resources: () => [startBackup(unit(), false)],
        gates: () => [backupGate(unit())],
      },
    ];
  });
}
