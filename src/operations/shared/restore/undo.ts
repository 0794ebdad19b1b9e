import { command, gate, dataDirectoryOf, dataReturned, enumerate, RESTORING_UNIT, sh, type OperationStep } from '../../../index.js';
import { restApiUrl } from '../../../../roles/shared/layout.js';
import { storeOf } from '../members.js';
import { firstOf } from '../recover/seen.js';
import { followStep, startStep } from '../recover/starts.js';
import { formerAside, stopSteps } from './steps.js';
import { endStep, storeStep, timersStep } from './landing.js';
import { asideOf, copyOf, hasFormer, members, placeOf, type RestoreRun } from './seen.js';
import { hasPatroni, isUp, lateWhy, runningOn, unitOf, writerOf } from '../servers.js';
import { serverSteps } from './undo-servers.js';
import { HOPELESS } from '../streaming-gate.js';

/** What was there before comes back, and the member with the last commits leads first. */
export function undoSteps(run: RestoreRun): { steps: OperationStep[]; then?: string } {
  const { view, options, inventory } = run;
  const { was = {} } = options;
  const away = members(run).filter((host) => (was[host] ?? '') !== '' && !hasFormer(run, host));
  const back: OperationStep[] =
    away.length === 0
      ? []
      : [
          {
            id: 'return',
            title: `put the data of ${enumerate(away)} back in its place`,
            effect: away.map((host) => `${asideOf(run, host)} on ${host}`).join('; '),
            on: away,
            resources: (context) => [
              dataReturned({
                path: dataDirectoryOf(context.host, context.platform),
                identity: was[context.host.name] ?? '',
                unit: unitOf(context),
              }),
            ],
          },
        ];
  const strays = writerOf(view) === undefined ? members(run).filter((host) => was[host] === '' && copyOf(run, host).identity !== '') : [];
  const isOther = storeOf(view)?.initialize !== options.former;
  const isManaged = hasPatroni(inventory);
  const before = [
    ...restoringEnded(run),
    // Somebody may have started Patroni by hand meanwhile, with what was restored or with nothing.
    ...(away.length > 0 || strays.length > 0 ? stopSteps(run) : []),
    ...endStep(run),
    ...back,
    ...strayStep(run, strays),
    ...(isManaged && isOther ? storeStep(run, options.former) : []),
  ];
  if (!isManaged) {
    const more = serverSteps(run, away.length > 0);
    return { ...more, steps: [...before, ...more.steps, ...(more.then === undefined ? timersStep(run) : [])] };
  }
  const had = members(run).filter((host) => (was[host] ?? '') !== '');
  if (had.length === 0) return { steps: [...before, ...timersStep(run)] };
  const leader = writerOf(view);
  if (leader !== undefined) {
    const late = members(run).filter((host) => host !== leader && lateWhy(view, leader, host) !== undefined);
    const down = late.filter((host) => !isUp(view, host));
    return { steps: [...before, ...startStep(down, leader), ...followStep(run, leader, late), ...timersStep(run)] };
  }
  const begun = members(run).find((host) => runningOn(view, host)?.patroni === true);
  if (away.length === 0 && begun !== undefined && !run.done.has('listed'))
    return { steps: [...before, listedStep(begun)], then: 'then the others are started' };
  const first = firstOf(view);
  if (away.length > 0 || first === undefined)
    return { steps: before, then: 'then the member with the last commits is started, and the others when it leads' };
  const others = members(run).filter((host) => host !== first);
  const [alone] = startStep([first], first);
  return {
    steps: [
      ...before,
      { ...(alone as OperationStep), id: 'start-first', title: `start ${first}, which has the last commits, and wait until it leads` },
      ...startStep(others, first),
      ...followStep(run, first, others),
      ...timersStep(run),
    ],
  };
}

/** Patroni lists a new leader a moment after it leads. */
function listedStep(member: string): OperationStep {
  return {
    id: 'listed',
    title: `wait until Patroni lists ${member} as the leader`,
    on: [member],
    gates: ({ host, platform }) => [
      gate({
        name: 'listed-leader',
        title: `${host.name} is listed as the leader`,
        unit: platform.patroni.unit,
        fatalLogPatterns: HOPELESS,
        check: sh`curl -s -m 3 ${`${restApiUrl(host)}/cluster`} | tr '{' '\n' | grep -F ${`"name": "${host.name}",`} | grep -q '"role": "leader"'`,
      }),
    ],
  };
}

/** What was restored to a member that had no data. */
function strayStep(run: RestoreRun, hosts: readonly string[]): OperationStep[] {
  if (hosts.length === 0) return [];
  return [
    {
      id: 'aside',
      title: `put what was restored to ${enumerate(hosts)} aside`,
      on: hosts,
      resources: (context) => [formerAside(context, copyOf(run, context.host.name).identity)],
    },
  ];
}

/** pgBackRest writes no further. */
function restoringEnded(run: RestoreRun): OperationStep[] {
  const { member = '' } = run.options;
  if (!placeOf(run).restoring) return [];
  return [
    {
      id: 'break-off',
      title: `end the restoring on ${member}`,
      on: [member],
      resources: () => [
        command({
          name: 'restoring-ended',
          summary: `stop ${RESTORING_UNIT}`,
          unless: sh`! systemctl -q is-active ${RESTORING_UNIT}`,
          run: sh`systemctl stop ${RESTORING_UNIT}`,
        }),
      ],
    },
  ];
}
