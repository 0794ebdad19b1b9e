import { enumerate, pgprov, unknownName, type Inventory, type OperationObjection, type OperationStart } from '../../../index.js';
import { backupHosts } from '../../../../roles/shared/backup/repositories.js';
import { allMembers, type RestoreOptions } from './seen.js';
import { readTime } from './target.js';

const AIMS = ['time', 'lsn', 'xid', 'name', 'latest'] as const;

/** What is wrong with what was given. */
export function restoreProblems(start: OperationStart<RestoreOptions>): OperationObjection[] {
  const { inventory, options } = start;
  if (options.id !== undefined) return [];
  if (backupHosts(inventory).length === 0)
    return wrong(`${inventory.cluster} has no backups`, 'give its hosts the role backup, and see docs/backups.md');
  if (options.undo === true)
    return wrong(
      `this machine knows of no unfinished restore of ${inventory.cluster}, so there is none to take back`,
      `clients may have written since one was approved, so such a one is not taken back. What was there before it is still on the timeline that it left, as long as backups lead there: ${pgprov`restore ${inventory} --latest`} with \`--timeline\` and its number, which ${pgprov`history ${inventory}`} has, brings it back; it is also beside the data on each member, see docs/restore.md. One that another machine began is taken back there`,
    );
  return aimProblems(start, inventory);
}

function wrong(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'input', error: 'restore/options', message, hint }];
}

/**
 * What is wrong with where it is to end, and with who restores.
 * @param of the cluster whose backups are restored
 */
export function aimProblems(
  { inventory, options, chosenHosts }: Pick<OperationStart<RestoreOptions>, 'inventory' | 'options' | 'chosenHosts'>,
  of: Inventory,
): OperationObjection[] {
  const given = AIMS.filter((aim) => options[aim] !== undefined);
  if (given.length > 1 || (given.length === 0 && options.backup === undefined)) {
    const flags = 'one of --time, --lsn, --xid, --name and --latest, or --backup for the end of a backup';
    return wrong(
      given.length > 1
        ? `${enumerate(given.map((aim) => `--${aim}`))} are given, and a restore has one end`
        : 'where is the restore to end?',
      `give ${flags}; ${pgprov`backups ${of}`} lists what can be restored to`,
    );
  }
  if (options.time !== undefined && readTime(options.time) === undefined)
    return wrong(`there is no such time as ${options.time}`, 'give one such as 2026-03-04T22:00:00+01:00; without an offset it is in UTC');
  const [member, ...more] = chosenHosts ?? [];
  if (more.length > 0)
    return wrong('one member restores, and the others copy its data', `give one with --host: ${enumerate(allMembers({ inventory }))}`);
  const names = allMembers({ inventory });
  if (member === undefined || names.includes(member)) return [];
  return [{ kind: 'input', error: 'aim/unknown-member', ...unknownName('member', member, names) }];
}
