import {
  dataDirectoryOf,
  directory,
  enumerate,
  patroniSilent,
  privateServerEnded,
  restoreNoted,
  isFormer,
  scopeReset,
  type OperationStep,
  type Resource,
  type RoleContext,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith, restApiUrl } from '../../../../roles/shared/layout.js';
import { memberGate } from '../../../../roles/shared/patroni/start.js';
import { dataLabel } from '../../../../roles/shared/selinux.js';
import { storeOf } from '../members.js';
import { firstOf } from '../recover/seen.js';
import { patroniStarts } from '../patroni-starts.js';
import { copiedMembers } from '../copied-members.js';
import { backupSteps } from './backup.js';
import { holding, scheduleStep, scheduling } from '../backup/timers.js';
import { copyOf, isLetIn, letInNote, members, placeOf, type RestoreRun } from './seen.js';
import { hasPatroni, isUp, lateWhy, primaryOf, writerOf } from '../servers.js';
import { standbySteps } from './standbys.js';
import { serverOf } from './steps.js';
import { restoredStarts, servesGate } from './unmanaged.js';

/** From the approved data to a cluster that clients use, with a backup of it. */
export function landingSteps(run: RestoreRun): OperationStep[] {
  return [
    ...endStep(run),
    ...storeStep(run, run.options.identifier),
    ...leadSteps(run),
    ...othersSteps(run),
    ...backupSteps(run),
    ...timersStep(run),
  ];
}

/** The private server out of the way. */
export function endStep(run: RestoreRun): OperationStep[] {
  const { member = '' } = run.options;
  if (isLetIn(run) || placeOf(run).server === 'down') return [];
  return [
    {
      id: 'end',
      title: `stop the server on ${member} that shows the restored data`,
      on: [member],
      resources: (context) => [privateServerEnded(serverOf(context))],
    },
  ];
}

/** Patroni lets no member lead that is behind what its store knows of the leader that was. */
export function storeStep(run: RestoreRun, identifier = ''): OperationStep[] {
  const { view, inventory, options } = run;
  const store = storeOf(view);
  if (isLetIn(run) || store === undefined || identifier === '') return [];
  const isSame = store.initialize === identifier;
  const former = (store.keys ?? []).some(({ key }) => isFormer(key, isSame));
  if (isSame && !former) return [];
  const { name } = dcsOf(inventory);
  return [
    {
      id: 'store',
      title: `take what ${name} knows of the former leader out of it${isSame ? '' : `, and give it the system identifier ${identifier}`}`,
      effect: 'the dynamic configuration stays',
      on: [options.member ?? ''],
      resources: (context) => [
        scopeReset({
          keys: dcsOf(inventory).keys(context),
          identifier,
          unless: patroniSilent(hostsWith(inventory, 'patroni').map(restApiUrl)),
        }),
      ],
    },
  ];
}

/** Who is started first: the restored data or, where others have copied it and clients have written since, who has the last commits. */
function firstMembers(run: RestoreRun): string[] {
  const { view, options, inventory } = run;
  const { member = '' } = options;
  if (!hasPatroni(inventory)) return [(isLetIn(run) ? primaryOf(view) : undefined) ?? member];
  const copied = isLetIn(run) ? members(run).filter((host) => copyOf(run, host).identity !== '') : [];
  if (copied.every((host) => host === member)) return [member];
  const first = firstOf(view);
  return first === undefined ? copied : [first];
}

/** Clients are let in. */
export function leadSteps(run: RestoreRun): OperationStep[] {
  const { view, inventory } = run;
  const isManaged = hasPatroni(inventory);
  const first = firstMembers(run);
  if (isLetIn(run) && (writerOf(view) !== undefined || first.some((host) => isUp(view, host)))) return [];
  const note: OperationStep = {
    id: 'note',
    title: `have ${enumerate(members(run))} note that clients are let in`,
    effect: 'what was there before does not come back with --undo from here on',
    pointOfNoReturn: true,
    on: members(run),
    resources: () => [restoreNoted(letInNote(run))],
  };
  return [
    ...(run.done.has('note') ? [] : [note]),
    {
      id: 'lead',
      title: isManaged
        ? `start Patroni on ${enumerate(first)}${first.length === 1 ? ' alone, and wait until it leads' : ', and wait until one of them leads'}`
        : `start PostgreSQL on ${enumerate(first)}, and wait until it takes writes`,
      effect: 'clients reach the restored data from here on',
      on: first,
      resources: (context) => (isManaged ? [patroniStarts(context)] : restoredStarts(context)),
      gates: (context) => [isManaged ? memberGate(context) : servesGate(context)],
    },
  ];
}

/** The other members copy the restored data. */
export function othersSteps(run: RestoreRun): OperationStep[] {
  const { view, inventory } = run;
  const [first = ''] = firstMembers(run);
  if (!hasPatroni(inventory)) return standbySteps(run, first);
  const leader = isLetIn(run) ? (writerOf(view) ?? first) : first;
  const isLate = (host: string): boolean => !isLetIn(run) || lateWhy(view, leader, host) !== undefined;
  const late = members(run).filter((host) => host !== leader && isLate(host));
  return copiedMembers(run, { leader, late, startsEmpty });
}

/** Patroni runs, and has a directory to copy to. */
function startsEmpty(context: RoleContext): Resource[] {
  const { host, platform } = context;
  const { user: owner, group } = platform.patroni;
  return [
    directory({ path: dataDirectoryOf(host, platform), owner, group, mode: '0700', orMode: '0750' }) as Resource,
    ...dataLabel(host, platform),
    patroniStarts(context),
  ];
}

/** Scheduled backups begin again. */
export function timersStep(run: RestoreRun): OperationStep[] {
  const hosts = [...new Set([...holding(run), ...scheduling(run)])];
  if (holding(run).length === 0 && (isLetIn(run) || run.options.undo === true)) return [];
  // After an approved restore a full backup was just taken, and what one more would expire can still be restored.
  return scheduleStep(hosts, run.options.undo === true);
}
