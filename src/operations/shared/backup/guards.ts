import { BACKUP_TIMERS, enumerate, pgprov, type OperationObjection } from '../../../index.js';
import { backupHosts } from '../../../../roles/shared/backup/repositories.js';
import { backupUnit } from '../../../../roles/shared/backup/schedule.js';
import { backupAdvice, briefly } from '../../../../roles/shared/backup/trouble.js';
import { hasPatroni } from '../servers.js';
import { infoOn, takeThemselves, placesOf, runOn, type BackupOperation } from './places.js';

/** What keeps a backup from being taken, as far as it shows before it begins. */
export function backupObjections(run: BackupOperation): OperationObjection[] {
  const { done, inventory, view, chosenHosts } = run;
  // What became of a backup that was begun is told by the proofs.
  if (done.size > 0) return [];
  const places = placesOf(run);
  const found = places.flatMap(({ host }) => hostObjections(run, host));
  if (found.length > 0 || !takeThemselves(inventory)) return found;
  const named = backupHosts(inventory).filter(({ name }) => chosenHosts?.includes(name) === true);
  if (places.length > 0) return [];
  const does = hasPatroni(inventory) ? 'leads' : 'takes writes';
  const [one, not] = hasPatroni(inventory) ? ['member', 'does not lead'] : ['server', 'takes no writes'];
  const message =
    named.length === 0
      ? `no ${one} of ${inventory.cluster} ${does}, and only the one that ${does} takes backups`
      : `${enumerate(named.map(({ name }) => name))} ${not}, and only the ${one} that ${does} takes backups`;
  const hint = named.length === 0 ? `see ${pgprov`status ${inventory}`}` : `leave --host out: ${pgprov`backup ${inventory}`}`;
  return [{ kind: 'preflight', error: 'backup/no-leader', message, hint }];

  function hostObjections({ options }: BackupOperation, host: string): OperationObjection[] {
    const object = (error: string, message: string, hint: string): OperationObjection[] => [
      { kind: 'preflight', error: `backup/${error}`, host, message, hint },
    ];
    const info = infoOn(view, host);
    const apply = pgprov`apply ${inventory}`;
    if (info === undefined) {
      const message = `${host} cannot be asked, and backups are taken there`;
      return [{ kind: 'unreachable', error: 'backup/unseen', host, message, hint: `see ${pgprov`ping ${inventory}`}` }];
    }
    if (info.problem !== undefined) return object('unreadable', `${host}: ${briefly(info.problem)}`, backupAdvice(info.problem, inventory));
    if (runOn(view, host, options.type ?? 'full') === undefined)
      return object('not-set-up', `${host} has not the unit ${backupUnit(options.type ?? 'full')}.service`, `${apply} makes it`);
    if (view.read(host, BACKUP_TIMERS)?.isHeld === true)
      return object(
        'held',
        `${host}: backups are held: a restore, a clone or a rebuild from backup has begun and is not finished, and a backup would expire what it reads`,
        `finish it by the same command, then take the backup; if nobody does, ${apply} has backups begin again`,
      );
    const numbers = placesOf(run).find((place) => place.host === host)?.repositories ?? [];
    return numbers.flatMap(({ number, name }) => {
      const repository = info.repositories.find((one) => one.repository === number);
      if (repository?.status === 'noStanza')
        return object('no-stanza', `${host}: the repository ${name} has no stanza yet (${repository.message})`, `${apply} makes it`);
      if (repository?.status !== 'failed') return [];
      return object(
        'unreadable',
        `${host}: the repository ${name} cannot be read: ${briefly(repository.message)}`,
        backupAdvice(repository.message, inventory),
      );
    });
  }
}
