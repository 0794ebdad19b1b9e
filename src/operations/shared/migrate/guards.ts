import { enumerate, pgprov, type OperationObjection } from '../../../index.js';
import { hbaAddress } from '../../../../roles/shared/hba-words.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { untilLed } from '../passing.js';
import { serverRole, writerOf } from '../servers.js';
import { beginning } from './needs.js';
import {
  behindHere,
  both,
  broughtHere,
  having,
  isMoved,
  isSubscribed,
  nameOf,
  refuse,
  seenOf,
  superuserOf,
  undoCommand,
  type MigrateRun,
} from './seen.js';

/** Why a migration must not begin, or go on; asked before every step. */
export function migrateObjections(run: MigrateRun): OperationObjection[] {
  const { view, inventory, options } = run;
  const seen = seenOf(run);
  const status = `${pgprov`status ${inventory}`} shows the cluster; bring it in order first`;
  if (writerOf(view) === undefined) return untilLed(view, [refuse(`${inventory.cluster} has no server that takes writes`, status)]);
  if (seen?.target === undefined)
    return [{ ...refuse(`the server of ${inventory.cluster} that takes writes does not answer`, status), settles: true }];
  const isOver = isMoved(run) && !isSubscribed(run) && having(run).length === 0;
  if (seen.source === undefined) return isOver && options.undo !== true ? [] : unreached(run, seen.why);
  if (options.undo === true) return [];
  if (options.switch === true && (options.names ?? []).length === 0)
    return [
      {
        kind: 'input',
        error: 'migrate/options',
        message: `no databases of ${run.source?.inventory.cluster ?? ''} were brought to ${inventory.cluster}`,
        hint: 'leave out --switch: copies come first',
      },
    ];
  if (isMoved(run)) return [];
  return [...beginning(run), ...lost(run), ...unsure(run), ...changed(run), ...switching(run)];
}

/** Which of the ways in is shut, by libpq's words. */
function unreached({ source, inventory }: MigrateRun, why: string): OperationObjection[] {
  const from = source?.inventory;
  if (from === undefined) return [];
  const lines = hostsWith(inventory, serverRole(inventory)).map(
    (host) => `host all ${superuserOf(from)} ${hbaAddress(host.clusterAddress)} scram-sha-256`,
  );
  const says = (what: string, hint: string): OperationObjection[] => [
    { kind: 'refuse', message: `${what}: ${why}`, hint: `nothing was changed by this command; ${hint}` },
  ];
  const apply = pgprov`apply ${from}`;
  if (/no pg_hba\.conf entry|pg_hba\.conf rejects/u.test(why))
    return says(
      `pg_hba.conf of ${from.cluster} does not let ${inventory.cluster} in`,
      `give ${lines.map((line) => `\`${line}\``).join(', ')} in postgresql.hba of ${from.file}, and ${apply}`,
    );
  if (/password authentication failed|no password supplied/u.test(why))
    return says(
      `${from.cluster} does not take the superuser’s password that this machine has`,
      `bring .pgprov/${from.cluster} here as it is where ${from.cluster} is managed`,
    );
  if (/certificate|SSL error/u.test(why))
    return says(
      `the certificate of ${from.cluster} is not that of the authority in .pgprov/${from.cluster}`,
      `bring .pgprov/${from.cluster} here as it is where ${from.cluster} is managed`,
    );
  if (/timeout expired|timed out|No route to host|Network is unreachable/u.test(why))
    return says(
      `nothing answers where ${from.cluster} listens, as behind a firewall that filters`,
      `let the hosts of ${inventory.cluster} through: with the role firewall give their addresses in firewall.client_networks of ${from.file}, and ${apply}`,
    );
  if (/Connection refused/u.test(why))
    return says(
      `no server of ${from.cluster} takes connections from ${inventory.cluster}`,
      `${pgprov`status ${from}`} says whether they run, and postgresql.listen_addresses where they listen`,
    );
  return says(`${from.cluster} cannot be asked from ${inventory.cluster}`, `${pgprov`status ${from}`} shows it`);
}

function anew(run: MigrateRun): string {
  return `${undoCommand(run)} puts the copies aside; then begin anew`;
}

/**
 * Another server leads here since the copy began, and it is not known to have all that the former one had confirmed: the other cluster does not send
 * again what was confirmed to it.
 */
function unsure(run: MigrateRun): OperationObjection[] {
  const { target } = both(run) ?? {};
  if (target === undefined) return [];
  const { inventory } = run;
  return behindHere(run).flatMap(({ datname, noted }) => {
    const from = noted.timelines?.here ?? 0;
    const subscription = target.subscriptions.find((each) => each.name === nameOf(run.options) && each.database === datname);
    const since = target.ended.filter(({ timeline }) => timeline >= from);
    const isKnown = since.some(({ timeline }) => timeline === from) && since.every(({ inOrder }) => inOrder);
    if (subscription === undefined || isKnown || (subscription.synchronous && target.synchronous)) return [];
    return [
      refuse(
        `${inventory.cluster} was taken over by another server while ${datname} was copied (timeline ${target.timeline} after ${from}), and nothing shows that the former one had stopped in order: it may have confirmed changes that the new one lacks, and those are not sent again`,
        `${anew(run)}. A switchover takes nothing away, nor a failover with synchronous standbys`,
      ),
    ];
  });
}

/** What has come between a copy and what it follows. */
function lost(run: MigrateRun): OperationObjection[] {
  const { target, source } = both(run) ?? {};
  if (target === undefined || source === undefined) return [];
  const name = nameOf(run.options);
  return target.subscriptions.flatMap((subscription) => {
    if (subscription.name !== name) return [];
    const slot = source.slots.find((each) => each.name === subscription.slot);
    const from = run.source?.inventory.cluster ?? '';
    const noted = broughtHere(run).find(({ datname }) => datname === subscription.database)?.noted.timelines?.there;
    if (slot === undefined || slot.lost)
      return [
        refuse(
          `the slot of ${subscription.database} is gone, as after a failover or switchover of ${from}, so what was written since does not arrive`,
          anew(run),
        ),
      ];
    // A slot that was left on a server which led before, and leads again, was not kept from what the other leader has cleaned up.
    if (noted !== undefined && noted !== source.timeline)
      return [
        refuse(
          `another server of ${from} has led since the copy of ${subscription.database} began (timeline ${source.timeline} after ${noted}), and slots do not follow the lead, so changes may be missing`,
          anew(run),
        ),
      ];
    return subscription.enabled
      ? []
      : [
          refuse(
            `the subscription of ${subscription.database} is disabled`,
            `ALTER SUBSCRIPTION ${name} ENABLE in that database, once its cause is mended`,
          ),
        ];
  });
}

/** Definitions are not replicated, so what was changed there since is not here. */
function changed(run: MigrateRun): OperationObjection[] {
  const { options } = run;
  const { target } = seenOf(run) ?? {};
  if (options.switch !== true || target === undefined) return [];
  return (options.names ?? []).flatMap((name) => {
    const { differs = [], unfollowed = [] } = target.contents[name] ?? {};
    if (differs.length === 0 && unfollowed.length > 0)
      return [
        refuse(
          `rows of ${enumerate(unfollowed)} of ${name} do not arrive: ${unfollowed.length === 1 ? 'it was' : 'they were'} made since the copy began`,
          `ALTER SUBSCRIPTION ${nameOf(options)} REFRESH PUBLICATION in ${name} of ${run.inventory.cluster}, as a superuser`,
        ),
      ];
    if (differs.length === 0) return [];
    return [
      refuse(
        `definitions of ${name} differ, < there and > here:\n  ${differs.join('\n  ')}`,
        `definitions are not replicated: make the same change in ${run.inventory.cluster}, as a superuser; rows of a new table come after ALTER SUBSCRIPTION ${nameOf(options)} REFRESH PUBLICATION there`,
      ),
    ];
  });
}

/** What would keep writes from ending. */
function switching(run: MigrateRun): OperationObjection[] {
  const { options } = run;
  const { source } = both(run) ?? {};
  const { names = [] } = options;
  if (options.switch !== true || source === undefined) return [];
  const sessions = source.sessions.filter(({ database }) => database !== null && names.includes(database));
  const prepared = source.prepared.filter(({ database }) => names.includes(database));
  return [
    ...(sessions.length > 0
      ? [
          refuse(
            `superusers are connected to databases that are to be closed: ${enumerate(sessions.map(({ user, database, application, pid }) => `${user} to ${database ?? ''} (${application === '' ? 'no application' : application}, process ${pid})`))}`,
            'a superuser gets into a closed database and may write there; end these sessions first',
          ),
        ]
      : []),
    ...(prepared.length > 0
      ? [
          refuse(
            `transactions are prepared and not ended: ${enumerate(prepared.map(({ name, database }) => `${name} in ${database}`))}`,
            'COMMIT PREPARED or ROLLBACK PREPARED them first',
          ),
        ]
      : []),
  ];
}
