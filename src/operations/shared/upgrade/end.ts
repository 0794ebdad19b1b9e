import { enumerate, pgprov, type CheckResult, type LeftOver } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { answerOf, storeOf } from '../members.js';
import { lateWhy, writerOf } from '../servers.js';
import { backupProofs } from './backups.js';
import { isSaid, saidWords } from './landing.js';
import { dataOf, members, placeOf, type UpgradeRun } from './seen.js';

/** What is said when it is done. */
export function finished(run: UpgradeRun): string {
  const { options, view, inventory } = run;
  const { older, newer } = options;
  const leader = writerOf(view) ?? '';
  if (options.finish === true)
    return older === undefined
      ? `no member of ${inventory.cluster} has data of a former version that an upgrade kept`
      : `the data of PostgreSQL ${older} is removed; its packages are still installed`;
  if (options.undo === true)
    return `${leader} leads with PostgreSQL ${older} again, and the others stream; what ${newer} had written is kept beside its place`;
  const kept = members(run).flatMap((host) => {
    const data = dataOf(run, host, older);
    return data === undefined ? [] : [`${data.path} on ${host}`];
  });
  return `${leader} leads with PostgreSQL ${newer}, and the others stream. What was there before is in ${enumerate(kept)}: ${pgprov`upgrade ${inventory} --undo --to ${[String(older)]}`} goes back to it, without what is written since, and ${pgprov`upgrade ${inventory} --finish`} removes it`;
}

/** Whether the cluster is as the upgrade is to leave it. */
export function proofs(run: UpgradeRun): CheckResult[] {
  const { view, options, inventory } = run;
  if (options.finish === true) return [];
  const { older, newer, undo } = options;
  const wanted = undo === true ? older : newer;
  const leader = writerOf(view);
  const store = storeOf(view)?.initialize ?? '';
  const served = leader === undefined ? undefined : answerOf(view, leader)?.systemIdentifier;
  const runsWanted = members(run).map((host): CheckResult => {
    const major = Math.floor((answerOf(view, host)?.serverVersion ?? 0) / 10_000);
    return {
      host,
      title: `it runs PostgreSQL ${wanted}`,
      settles: true,
      ok: major === wanted,
      detail: major === 0 ? 'it does not answer' : `PostgreSQL ${major}`,
    };
  });
  const stream = members(run).flatMap((host): CheckResult[] => {
    if (host === leader) return [];
    const why = leader === undefined ? 'has no leader' : lateWhy(view, leader, host);
    return [
      {
        host,
        title: 'it streams from the leader',
        settles: true,
        ok: why === undefined,
        detail: why === undefined ? 'it does' : `it ${why}`,
      },
    ];
  });
  return [
    { title: 'one member leads', settles: true, ok: leader !== undefined, detail: leader ?? 'nobody does' },
    ...runsWanted,
    ...stream,
    {
      title: `${dcsOf(inventory).name} knows the cluster by the identifier of its data`,
      settles: true,
      ok: served !== undefined && served === store,
      detail: store === '' ? 'it has none' : store,
    },
    ...backupProofs(run),
  ];
}

/** What a person has to do once it is over. */
export function leftOver(run: UpgradeRun): LeftOver[] {
  const { options, inventory } = run;
  if (options.finish === true) return [];
  const wanted = (options.undo === true ? options.older : options.newer) ?? 0;
  const failed = options.undo === true ? [] : members(run).flatMap((host) => placeOf(run, host).failed.map((line) => `${host}: ${line}`));
  return [
    ...(run.written === undefined || isSaid(run, wanted) || (run.written.takes && run.done.has('inventory'))
      ? []
      : [
          {
            kind: 'preflight' as const,
            error: 'upgrade/inventory',
            message: `${inventory.file} still says postgresql.version ${saidWords(run)}, and is not written in a way in which pgprov could change it`,
            hint: `write \`version: ${wanted}\` there; until then apply refuses to change anything`,
          },
        ]),
    ...(failed.length === 0
      ? []
      : [
          {
            kind: 'preflight' as const,
            error: 'upgrade/extensions',
            message: `extensions were not updated: ${failed.join('; ')}`,
            hint: 'update each by hand: ALTER EXTENSION … UPDATE, as the extension’s documentation says',
          },
        ]),
  ];
}
