import {
  backupsHeld,
  backupsReleased,
  drillBegun,
  drillCleared,
  drillReached,
  drillRoom,
  enumerate,
  formatBytes,
  keepDrill,
  localServer,
  type DrillNotes,
  type DrillOptions,
  type OperationStep,
  type RoleContext,
} from '../../../index.js';
import { pgbackrestUser } from '../../../../roles/shared/backup/pgbackrest.js';
import { backupLock } from '../../../../roles/shared/backup/schedule.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { variables } from '../../../../roles/shared/variables.js';
import { aimOptions, aimWords } from '../restore/target.js';
import { drillOf } from './outcome.js';
import { aimOf, expiring, holding, isLeading, notesOf, parentOf, placeOf, repositoryName, usualParent, type DrillRun } from './seen.js';

/** Seconds for which backups are held at most: an hour, and what reading takes at a slow pace. */
const HELD = { least: 3600, most: 43_200, bytesPerSecond: 10_000_000 };

/** What a drill is carried out with. */
export function drillOn({ inventory, options }: DrillRun, { host, platform }: RoleContext): DrillOptions {
  const { id = '', scratch = '', repository = 1, set = '', onto = 1, setTimeline, size = 0, check, database = 'postgres' } = options;
  return {
    id,
    scratch,
    cluster: inventory.cluster,
    stanza: stanzaOf(inventory),
    server: localServer(host, platform),
    version: variables(host, 'postgresql').version,
    words: [`--repo=${repository}`, `--set=${set}`, ...aimOptions(aimOf(options), onto, setTimeline)],
    size,
    database,
    ...(check === undefined ? {} : { query: check }),
  };
}

/** All of a drill; what goes wrong in the middle is noted as well, and ends it early. */
export function drillSteps(run: DrillRun): OperationStep[] {
  const notes = notesOf(run);
  const isOver = notes?.at.over !== undefined;
  return [
    ...(notes === undefined ? beginning(run) : []),
    ...(isOver ? [] : [...following(run, notes, 'restored'), ...following(run, notes, 'recovered')]),
    ...releaseStep(run, notes),
    ...(isOver ? [] : [...following(run, notes, 'checked'), ...following(run, notes, 'over')]),
    ...noteStep(run),
  ];
}

function beginning(run: DrillRun): OperationStep[] {
  const { options, done, view } = run;
  const { on = '', scratch = '', set = '', size = 0 } = options;
  const { left, running } = placeOf(run);
  const parent = parentOf(run, on);
  const clear: OperationStep[] =
    left.length === 0 && !running
      ? []
      : [
          {
            id: 'clear',
            title: `remove what an earlier drill has left on ${on}`,
            effect: left.join('; '),
            on: [on],
            resources: (context) => [drillCleared(usualParent(context))],
          },
        ];
  const room: OperationStep[] =
    options.directory === undefined || done.has('room')
      ? []
      : [{ id: 'room', title: `see how much room there is in ${parent} on ${on}`, on: [on], asks: () => [drillRoom(parent)] }];
  const hosts = expiring(run);
  const limit = Math.min(HELD.most, HELD.least + Math.ceil(size / HELD.bytesPerSecond) * 2);
  const hold: OperationStep[] = done.has('hold')
    ? []
    : [
        {
          id: 'hold',
          title: `have backups on ${enumerate(hosts)} wait, which expire what the drill reads`,
          on: hosts,
          resources: (context) => [
            backupsHeld({ id: options.id ?? '', lock: backupLock(context.platform), user: pgbackrestUser(context).user, limit }),
          ],
        },
      ];
  const begin: OperationStep = {
    id: 'begin',
    title: `begin to restore backup ${set} into ${scratch} on ${on}${isLeading(view, on) ? ', which takes writes' : ''}`,
    effect: `${formatBytes(size)} of data come from repository ${repositoryName(run)}`,
    ...(isLeading(view, on) ? { tells: `${on} takes writes: the drill shares its disks, and gets what others leave of them` } : {}),
    on: [on],
    resources: (context) => [drillBegun(drillOn(run, context))],
  };
  return [...clear, ...room, ...hold, ...(done.has('begin') ? [] : [begin])];
}

const FOLLOWED = {
  restored: { id: 'restore', waits: 'pgBackRest has restored it' },
  recovered: { id: 'recover', waits: 'PostgreSQL has recovered it' },
  checked: { id: 'check', waits: 'its databases are looked through' },
  over: { id: 'compare', waits: 'its page checksums are compared, and it is removed' },
} as const;

/** A drill goes on by itself: it is only watched. */
function following(run: DrillRun, notes: DrillNotes | undefined, phase: keyof typeof FOLLOWED): OperationStep[] {
  const { id, waits } = FOLLOWED[phase];
  if (run.done.has(id) || notes?.at[phase] !== undefined) return [];
  // What failed is only removed any more.
  if ((notes?.failed ?? notes?.ended) !== undefined && phase !== 'over') return [];
  return [
    {
      id,
      title: titleOf(run, phase),
      on: [run.options.on ?? ''],
      onlyWatches: true,
      gates: (context) => [drillReached(drillOn(run, context), phase, waits)],
    },
  ];
}

function titleOf({ options }: DrillRun, phase: keyof typeof FOLLOWED): string {
  const { on = '', onto = 0, check } = options;
  if (phase === 'restored') return `restore it, behind all other work of ${on}`;
  if (phase === 'recovered') return `recover it to ${aimWords(aimOf(options))} on timeline ${onto}, on a socket of its own`;
  if (phase === 'checked')
    return `connect to every database, look through it with amcheck${check === undefined ? '' : ', and ask what --check gives'}`;
  return 'stop it, compare its page checksums, and remove it';
}

/** Once it is recovered nothing is read from the repository any more. */
function releaseStep(run: DrillRun, notes: DrillNotes | undefined): OperationStep[] {
  const hosts = notes === undefined ? expiring(run) : holding(run);
  if (hosts.length === 0 || run.done.has('release')) return [];
  return [{ id: 'release', title: `let backups on ${enumerate(hosts)} begin again`, on: hosts, resources: () => [backupsReleased()] }];
}

function noteStep(run: DrillRun): OperationStep[] {
  if (run.done.has('note')) return [];
  return [
    {
      id: 'note',
      title: 'note how it went in the history of drills',
      atDesk: async ({ store }) => keepDrill(store.directory, drillOf(run)),
    },
  ];
}
