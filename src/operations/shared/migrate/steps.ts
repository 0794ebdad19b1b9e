import {
  CLOSE,
  copyingMark,
  migrationCopiedGate,
  databaseBrought,
  databasesAnalyzed,
  databaseSubscribed,
  draftsDropped,
  enumerate,
  formatBytes,
  MIGRATION_DIRECTORY,
  migrationAccess,
  migrationAccessRemoved,
  movedOver,
  openedThere,
  putAside,
  rolesBrought,
  slotOf,
  timelineNoted,
  unsubscribed,
  viewsFilled,
  type HostStep,
  type OperationStep,
} from '../../../index.js';
import { variables } from '../../../../roles/shared/variables.js';
import { unitOf, writerOf } from '../servers.js';
import {
  asideName,
  behindHere,
  both,
  broughtHere,
  drafts,
  having,
  isMoved,
  isSubscribed,
  limitOf,
  members,
  migrating,
  nameOf,
  seenOf,
  sourceOf,
  wanted,
  withSlots,
  type MigrateRun,
} from './seen.js';

/** From nothing to copies that follow, and with `--switch` to clients that write here. */
export function forwardSteps(run: MigrateRun): OperationStep[] {
  if (isMoved(run)) return settlingSteps(run);
  const { options } = run;
  return [
    ...accessStep(run),
    ...rolesStep(run),
    ...databaseSteps(run),
    ...subscribeSteps(run),
    ...timelineStep(run),
    ...copiedStep(run),
    ...analyzeStep(run),
    ...(options.switch === true ? [...switchStep(run), ...settlingSteps(run)] : []),
  ];
}

/** A step on the host that takes writes. */
function onLeader(run: MigrateRun, step: Omit<HostStep, 'on'>): HostStep[] {
  const leader = writerOf(run.view);
  return leader === undefined ? [] : [{ ...step, on: [leader] }];
}

function accessStep(run: MigrateRun): HostStep[] {
  const { source } = run;
  const without = members(run).filter((host) => !having(run).includes(host));
  if (source === undefined || without.length === 0) return [];
  return [
    {
      id: 'access',
      title: `let ${enumerate(without)} read the databases of ${source.inventory.cluster}`,
      effect: `with its superuser’s password in ${MIGRATION_DIRECTORY} there, until clients are moved over or it is taken back`,
      on: without,
      resources: ({ host, platform }) => migrationAccess(sourceOf(source), platform.postgresql(variables(host, 'postgresql').version)),
    },
  ];
}

/** Roles there that are not here. */
function rolesMissing(run: MigrateRun): string[] {
  const seen = both(run);
  return seen === undefined ? [] : Object.keys(seen.source.roles).filter((name) => seen.target.roles[name] === undefined);
}

/** Roles that are in both clusters and differ, in their passwords or rights. */
export function rolesDiffering(run: MigrateRun): string[] {
  const seen = both(run);
  if (seen === undefined) return [];
  const { roles } = seen.target;
  return Object.entries(seen.source.roles).flatMap(([name, digest]) => (roles[name] !== undefined && roles[name] !== digest ? [name] : []));
}

function rolesStep(run: MigrateRun): HostStep[] {
  const missing = rolesMissing(run);
  if (missing.length === 0) return [];
  const differing = rolesDiffering(run);
  return onLeader(run, {
    id: 'roles',
    title: `make the roles ${enumerate(missing)}, with their passwords as they are kept`,
    ...(differing.length === 0
      ? {}
      : {
          effect: `${enumerate(differing)} ${differing.length === 1 ? 'is' : 'are'} here already, with another password or other rights, and left as that is`,
        }),
    resources: (context) => [rolesBrought(migrating(run, context))],
  });
}

/** What of a database does not come along, as clauses. */
function leftThere(run: MigrateRun, name: string): string[] {
  const contents = seenOf(run)?.source?.contents[name];
  if (contents === undefined) return [];
  const { unlogged, subscriptions, publications, foreign } = contents;
  const others = publications.filter((each) => each !== nameOf(run.options));
  return [
    ...(unlogged.length > 0 ? [`rows of the unlogged ${unlogged.length === 1 ? 'table' : 'tables'} ${enumerate(unlogged)}`] : []),
    ...(subscriptions.length > 0
      ? [`the ${subscriptions.length === 1 ? 'subscription' : 'subscriptions'} ${enumerate(subscriptions)}`]
      : []),
    ...(others.length > 0 ? [`the ${others.length === 1 ? 'publication' : 'publications'} ${enumerate(others)}`] : []),
    ...(foreign > 0 ? ['what foreign tables refer to'] : []),
  ];
}

function databaseSteps(run: MigrateRun): HostStep[] {
  const here = broughtHere(run);
  const { target, source } = seenOf(run) ?? {};
  return wanted(run).flatMap((database) => {
    const { datname, bytes } = database;
    if (here.some((each) => each.datname === datname)) return [];
    const left = leftThere(run, datname);
    return onLeader(run, {
      id: `database-${datname}`,
      title: `make the database ${datname} with the definitions that it has there, and without rows`,
      effect: `${formatBytes(bytes)} of it are to come; only superusers get in here before the switch${left.length === 0 ? '' : `; not brought: ${enumerate(left)}`}`,
      resources: (context) => [
        databaseBrought(migrating(run, context), {
          database,
          version: target?.version ?? 0,
          mark: copyingMark({
            id: run.options.id ?? '',
            identifier: source?.identifier ?? '',
            cluster: run.source?.inventory.cluster ?? '',
            timelines: { there: source?.timeline ?? 0, here: target?.timeline ?? 0 },
          }),
        }),
      ],
    });
  });
}

function subscribeSteps(run: MigrateRun): HostStep[] {
  const subscriptions = seenOf(run)?.target?.subscriptions ?? [];
  return wanted(run).flatMap((database) => {
    const { datname } = database;
    if (subscriptions.some((each) => each.database === datname && each.name === nameOf(run.options))) return [];
    return onLeader(run, {
      id: `subscribe-${datname}`,
      title: `copy the tables of ${datname}, and follow what is written there`,
      effect:
        'the other cluster keeps WAL until it has arrived here; a table that is made there now needs a primary key, and does not come along',
      resources: (context) => [databaseSubscribed(migrating(run, context), database)],
    });
  });
}

/** The guards have found nothing missing, which the WAL may not show for ever. */
function timelineStep(run: MigrateRun): HostStep[] {
  const { target } = seenOf(run) ?? {};
  const databases = behindHere(run).flatMap(({ datname, noted: { id, identifier, cluster = '', timelines } }) =>
    target === undefined || timelines === undefined
      ? []
      : [{ datname, mark: copyingMark({ id, identifier, cluster, timelines: { ...timelines, here: target.timeline } }) }],
  );
  if (databases.length === 0) return [];
  return onLeader(run, {
    id: 'timeline',
    title: `note that ${enumerate(databases.map(({ datname }) => datname))} came to this server whole`,
    resources: (context) => [timelineNoted(migrating(run, context), databases)],
  });
}

function copiedStep(run: MigrateRun): HostStep[] {
  const { options, done } = run;
  const { target, source } = seenOf(run) ?? {};
  const { names = [] } = options;
  const isCopied = names.every(
    (name) => target?.contents[name]?.copying === 0 && (target.subscriptions ?? []).some((each) => each.database === name),
  );
  const isClose = (source?.slots ?? []).every(({ name, lag }) => !name.startsWith(`${nameOf(options)}_`) || lag < CLOSE);
  if (done.has('copied') || (isCopied && isClose)) return [];
  return onLeader(run, {
    id: 'copied',
    title: 'wait until all tables are copied, and the copy is up to date',
    onlyWatches: true,
    gates: (context) => [migrationCopiedGate(migrating(run, context), names, unitOf(context))],
  });
}

function analyzeStep(run: MigrateRun): HostStep[] {
  const { options, done } = run;
  const { names = [] } = options;
  const contents = seenOf(run)?.target?.contents ?? {};
  if (done.has('analyze') || names.every((name) => contents[name]?.unanalyzed === 0)) return [];
  return onLeader(run, {
    id: 'analyze',
    title: 'gather the statistics of the planner',
    resources: (context) => [databasesAnalyzed(migrating(run, context), names)],
  });
}

function switchStep(run: MigrateRun): HostStep[] {
  const { source, inventory, options } = run;
  const databases = wanted(run).map((database) => ({
    datname: database.datname,
    slot: slotOf(nameOf(options), database),
    limit: limitOf(run, database).limit,
    mark: `${options.id ?? ''} ${seenOf(run)?.source?.identifier ?? ''}`,
    cluster: source?.inventory.cluster ?? '',
  }));
  return onLeader(run, {
    id: 'switch',
    title: `close the databases in ${source?.inventory.cluster ?? ''}, wait for the last changes, set the sequences, and open them in ${inventory.cluster}`,
    effect: 'sessions there are ended, and nobody can write for some seconds; where it fails the databases there are opened again',
    pointOfNoReturn: true,
    resources: (context) => [movedOver(migrating(run, context), options.id ?? '', databases)],
  });
}

/** What is done when clients write here. */
function settlingSteps(run: MigrateRun): OperationStep[] {
  const { names = [] } = run.options;
  const { contents = {} } = seenOf(run)?.target ?? {};
  const views = names.filter((name) => (contents[name]?.unfilled ?? 0) > 0);
  return [
    ...(views.length === 0 || run.done.has('views')
      ? []
      : onLeader(run, {
          id: 'views',
          title: `fill the materialized views of ${enumerate(views)}`,
          resources: (context) => [viewsFilled(migrating(run, context), views)],
        })),
    ...unsubscribeStep(run),
    ...forgetStep(run),
  ];
}

function unsubscribeStep(run: MigrateRun): HostStep[] {
  if (!isSubscribed(run) && (isMoved(run) || run.options.undo === true)) return [];
  return onLeader(run, {
    id: 'unsubscribe',
    title: `drop the subscriptions in ${run.inventory.cluster}, and the slots and publications in ${run.source?.inventory.cluster ?? ''}`,
    resources: (context) => [unsubscribed(migrating(run, context), withSlots(run))],
  });
}

function forgetStep(run: MigrateRun): HostStep[] {
  const hosts = having(run).length > 0 || (run.options.undo !== true && !isMoved(run)) ? members(run) : [];
  if (hosts.length === 0) return [];
  return [
    {
      id: 'forget',
      title: `remove from ${enumerate(hosts)} what let it read the databases of ${run.source?.inventory.cluster ?? ''}`,
      on: hosts,
      resources: () => [migrationAccessRemoved()],
    },
  ];
}

/** The copies are kept under other names, and the other cluster lets clients in again: in this order, so that never both do. */
export function undoSteps(run: MigrateRun): OperationStep[] {
  const { inventory, source, options } = run;
  const { aside = '' } = options;
  const here = broughtHere(run).map(({ datname }) => ({ datname, aside: asideName(datname, aside) }));
  const closed = wanted(run).flatMap((database) => {
    const { closed: isClosed, limit } = limitOf(run, database);
    return isClosed ? [{ datname: database.datname, limit }] : [];
  });
  const unfinished = drafts(run);
  const isThere = here.length > 0 || unfinished.length > 0 || isSubscribed(run);
  return [
    // Dropping slots and opening databases there takes it.
    ...(isThere || closed.length > 0 ? accessStep(run) : []),
    ...(isThere ? unsubscribeStep(run) : []),
    ...(unfinished.length === 0
      ? []
      : onLeader(run, {
          id: 'drafts',
          title: `drop ${enumerate(unfinished)}, which ${unfinished.length === 1 ? 'was' : 'were'} being made and had no rows`,
          resources: (context) => [draftsDropped(migrating(run, context), unfinished)],
        })),
    ...(here.length === 0
      ? []
      : onLeader(run, {
          id: 'aside',
          title: `keep ${enumerate(here.map((each) => `${each.datname} as ${each.aside}`))} in ${inventory.cluster}, where nobody but superusers gets in`,
          effect:
            options.moved === true
              ? 'sessions in them are ended; what was written there since the switch is not in the other cluster'
              : 'sessions in them are ended',
          resources: (context) => [putAside(migrating(run, context), here)],
        })),
    ...(closed.length === 0
      ? []
      : onLeader(run, {
          id: 'open',
          title: `open ${enumerate(closed.map(({ datname }) => datname))} in ${source?.inventory.cluster ?? ''} again`,
          resources: (context) => [openedThere(migrating(run, context), closed)],
        })),
    ...forgetStep(run),
  ];
}
