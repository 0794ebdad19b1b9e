import { enumerate, type Backup, type OperationStep } from '../../../index.js';
import { pgbackrestUser } from '../../../../roles/shared/backup/pgbackrest.js';
import { backupHosts, writtenBy } from '../../../../roles/shared/backup/repositories.js';
import { backupUnit } from '../../../../roles/shared/backup/schedule.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { infoOn, isOwn, lastEnd, placesOf, type Place } from '../backup/places.js';
import { backupGate, startBackup, type BackupUnit } from '../backup/unit.js';
import type { RestoreRun } from './seen.js';
import { writerOf } from '../servers.js';

/** Where backups are taken: of members that reach a repository by themselves the one that takes writes, or is going to. */
function placesFor(run: RestoreRun): Place[] {
  const { view, inventory, options } = run;
  if (writerOf(view) !== undefined) return placesOf({ view, inventory, chosenHosts: undefined });
  return backupHosts(inventory)
    .map((host) => ({ host: host.name, repositories: writtenBy(inventory, host) }))
    .filter(({ host, repositories }) => isOwn(repositories) || host === options.member);
}

/** Full backups of what was restored, which are of a timeline that there was not before; undefined where a repository has none. */
export function backupsSince(run: RestoreRun): Backup[] | undefined {
  const found = placesFor(run).flatMap((place) => place.repositories.map(({ number }) => newFull(run, place, number)));
  return found.every((backup) => backup !== undefined) && found.length > 0 ? (found as Backup[]) : undefined;
}

function newFull({ view, options: { newest = 0, identifier } }: RestoreRun, { host }: Place, number: number): Backup | undefined {
  const info = infoOn(view, host);
  // What a stanza was before it was given this database may be of later timelines.
  const known = info?.repositories.find(({ repository }) => repository === number)?.systemIdentifiers ?? [];
  if (known.at(-1) !== identifier) return undefined;
  return info?.backups.find(
    ({ type, error, timeline = 0, repository, database }) =>
      repository === number && database === known.length && type === 'full' && !error && timeline > newest,
  );
}

/** Until there is a full backup of what was restored, the newest one is of a timeline that was left, and pgBackRest restores nothing from it. */
export function backupSteps(run: RestoreRun): OperationStep[] {
  const { view, inventory, done, contextOf } = run;
  return placesFor(run).flatMap((place): OperationStep[] => {
    const { host, repositories } = place;
    const id = `backup-${host}`;
    if (done.has(id) || repositories.every(({ number }) => newFull(run, place, number) !== undefined)) return [];
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
        title: `take a full backup of what was restored in ${enumerate(repositories.map(({ name }) => name))}`,
        effect:
          'no backup expires after it, so what was there before can still be restored; the next backup expires what is beyond the retention',
        on: [host],
        resources: () => [startBackup(unit(), false)],
        gates: () => [backupGate(unit())],
      },
    ];
  });
}
