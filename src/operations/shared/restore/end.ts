import { enumerate, pgprov, type CheckResult } from '../../../index.js';
import { backupHosts } from '../../../../roles/shared/backup/repositories.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { storeOf } from '../members.js';
import { backupsSince } from './backup.js';
import { holding } from '../backup/timers.js';
import { allMembers, asideOf, members, type RestoreRun } from './seen.js';
import { hasPatroni, lateWhy, servedIdentifier, timelineOn, writerOf } from '../servers.js';
import { aimWords } from './target.js';
import { goOn } from './words.js';

/** What is said when it is done. */
export function finished(run: RestoreRun): string {
  const { options, view } = run;
  const leader = writerOf(view) ?? '';
  const does = doesWhat(run);
  if (options.undo === true) return `what was there before is back, and ${leader} ${does}; data that was restored is kept beside it`;
  const kept = members(run).flatMap((host) => {
    const path = asideOf(run, host);
    return path === undefined ? [] : [`${path} on ${host}`];
  });
  const where = kept.length === 0 ? '' : `. What was there before is in ${enumerate(kept)}; remove it when nobody needs it`;
  const away = allMembers(run).filter((host) => !view.surveyed(host));
  const left =
    away.length === 0
      ? ''
      : `. ${enumerate(away)} could not be reached: ${hasPatroni(run.inventory) ? pgprov`start ${run.inventory}` : pgprov`apply ${run.inventory}`} has it copy the data when it is back`;
  return `${leader} ${does} with what was restored to ${aimWords(options)}, on timeline ${timelineOn(view, leader, leader) ?? '?'}${where}${left}${wayBack(run)}`;
}

/** What the one does that clients write to. */
function doesWhat({ inventory }: Pick<RestoreRun, 'inventory'>): string {
  return hasPatroni(inventory) ? 'leads' : 'takes writes';
}

/** Once clients are let in, what was there before comes back by another restore alone, from the timeline that was left. */
function wayBack({ options, inventory, source }: RestoreRun): string {
  const { former, identifier, newest = 0 } = options;
  if (source !== undefined || newest === 0 || former !== identifier) return '';
  return `. ${pgprov`restore ${inventory} --latest --timeline ${[String(newest)]}`} goes back to what was there before, as long as no later backup has expired what leads there`;
}

/** Whether the cluster is as the restore is to leave it. */
export function proofs(run: RestoreRun): CheckResult[] {
  const { view, options, inventory } = run;
  const leader = writerOf(view);
  const timeline = leader === undefined ? undefined : timelineOn(view, leader, leader);
  const isManaged = hasPatroni(inventory);
  const one = isManaged ? 'one member leads' : 'one server takes writes';
  const { newest = 0, identifier = '', former = '', undo } = options;
  const expected = undo === true ? former : identifier;
  const own = leader === undefined ? undefined : servedIdentifier(view, leader);
  const known = (isManaged ? storeOf(view)?.initialize : own) ?? '';
  const leads: CheckResult = {
    title: undo === true ? one : `${one}, on a timeline that there was not before`,
    settles: true,
    ok: leader !== undefined && (undo === true || (timeline ?? 0) > newest),
    detail: leader === undefined ? 'nobody does' : `${leader}, timeline ${timeline ?? '?'}`,
  };
  const stream = members(run).flatMap((host): CheckResult[] => {
    if (host === leader) return [];
    const why = leader === undefined ? 'has no leader' : lateWhy(view, leader, host);
    const its = leader === undefined ? undefined : timelineOn(view, leader, host);
    return [
      {
        host,
        title: `it streams on the ${isManaged ? 'leader' : 'primary'}’s timeline`,
        settles: true,
        ok: why === undefined && its === timeline,
        detail: why === undefined ? `timeline ${its ?? '?'}` : `it ${why}`,
      },
    ];
  });
  const knows: CheckResult = {
    title: isManaged
      ? `${dcsOf(inventory).name} knows the cluster by the identifier of its data`
      : 'its data is of the database that was wanted',
    ok: known !== '' && known === own && (expected === '' || known === expected),
    detail: known === '' ? 'it has none' : known,
  };
  const scheduled: CheckResult = {
    title: 'no scheduled backup is held',
    ok: holding(run).length === 0,
    detail: holding(run).join(', ') || 'none is',
  };
  if (undo === true || backupHosts(inventory).length === 0) return [leads, ...stream, knows, scheduled];
  const backups = backupsSince(run);
  return [
    leads,
    ...stream,
    knows,
    {
      title: 'there is a full backup of what was restored',
      ok: backups !== undefined,
      detail: backups?.map(({ label }) => label).join(', ') ?? 'there is none',
      mend: `${goOn(run)} tries it again; until there is one, nothing later than the restore can be restored`,
    },
    scheduled,
  ];
}
