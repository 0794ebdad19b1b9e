import { enumerate, formatBytes, pgprov, type CheckResult } from '../../../index.js';
import { asideName, broughtHere, isMoved, isSubscribed, given, nameOf, seenOf, undoCommand, type MigrateRun } from './seen.js';
import { rolesDiffering } from './steps.js';

/** The command again. */
export function sameCommand({ source, inventory }: Pick<MigrateRun, 'source' | 'inventory'>): string {
  const { inventory: from } = given(source);
  return pgprov`migrate ${from} --into ${inventory}`;
}

/** The command that moves clients over. */
export function switchCommand({ source, inventory }: Pick<MigrateRun, 'source' | 'inventory'>): string {
  const { inventory: from } = given(source);
  return pgprov`migrate ${from} --into ${inventory} --switch`;
}

/** What is said when it is done, or was before. */
export function told(run: MigrateRun): string {
  const { options, inventory, source } = run;
  const { names = [], aside = '', moved } = options;
  const from = source?.inventory.cluster ?? '';
  if (options.undo === true) {
    if (names.length === 0) return `no databases of ${from} were brought to ${inventory.cluster}, so there is nothing to take back`;
    const kept = enumerate(names.map((name) => asideName(name, aside)));
    const since = moved === true ? ', with what was written there since the switch, which the other cluster does not have' : '';
    return `clients are to use ${from}. What was brought is kept in ${inventory.cluster} as ${kept}${since}; drop it when nobody misses it. Roles that were brought are still there`;
  }
  if (isMoved(run)) {
    const took = broughtHere(run)[0]?.noted.took ?? '';
    return `${enumerate(names)} ${names.length === 1 ? 'is' : 'are'} served by ${inventory.cluster}; nobody could write for ${took} s at the switch. ${pgprov`dsn ${inventory}`} says how clients connect. ${from} has what it had, closed for all but superusers; ${undoCommand(run)} opens it again, without what is written since`;
  }
  const { source: seen, target } = seenOf(run) ?? {};
  const behind = Math.max(0, ...(seen?.slots ?? []).flatMap(({ name, lag }) => (name.startsWith(`${nameOf(options)}_`) ? [lag] : [])));
  const differing = rolesDiffering(run);
  const roles =
    differing.length === 0
      ? ''
      : ` ${enumerate(differing)} had been there with another password or other rights, and ${differing.length === 1 ? 'is' : 'are'} as before.`;
  const tables = names.reduce((sum, name) => sum + (target?.contents[name]?.tables ?? 0), 0);
  return `${inventory.cluster} has copies of ${enumerate(names)} with ${tables} ${tables === 1 ? 'table' : 'tables'}, which follow ${from} and are ${formatBytes(behind)} of WAL behind.${roles} Clients still use ${from}: ${switchCommand(run)} moves them over, with some seconds in which nobody can write, and ${undoCommand(run)} takes it back`;
}

/** Whether both clusters are as they are to be left. */
export function proofs(run: MigrateRun): CheckResult[] {
  const { options, inventory, source } = run;
  const { names = [] } = options;
  const from = source?.inventory.cluster ?? '';
  const { target, source: there } = seenOf(run) ?? {};
  const without = (title: string): CheckResult => ({
    title,
    ok: !isSubscribed(run),
    detail: isSubscribed(run) ? 'some are left' : 'none is left',
  });
  if (names.length === 0) return [];
  const gone = without('no subscription, slot or publication of it is left');
  const limits = (which: typeof there | typeof target): string =>
    (which?.databases ?? [])
      .filter(({ datname }) => names.includes(datname))
      .map(({ datname, datconnlimit }) => `${datname} ${datconnlimit}`)
      .join(', ');
  if (options.undo === true) {
    const closed = (there?.databases ?? []).filter(({ datname, mark }) => names.includes(datname) && mark !== null);
    return [gone, { title: `${from} lets clients in`, ok: closed.length === 0, detail: `limits of connections: ${limits(there)}` }];
  }
  if (isMoved(run))
    return [
      ...(there === undefined ? [] : [gone]),
      { title: `${inventory.cluster} lets clients in`, ok: true, detail: `limits of connections: ${limits(target)}` },
    ];
  return names.map((name) => {
    const contents = target?.contents[name];
    const isFollowed =
      target?.subscriptions.some(
        (each) => each.database === name && each.enabled && there?.slots.some((slot) => slot.name === each.slot && !slot.lost) === true,
      ) === true;
    return {
      title: `${name} is copied, and follows ${from}`,
      settles: true,
      ok: isFollowed && contents?.copying === 0,
      detail:
        contents === undefined ? 'it does not answer' : `${contents.tables - contents.copying} of ${contents.tables} tables are copied`,
    };
  });
}
