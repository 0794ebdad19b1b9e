import {
  command,
  DCS,
  enumerate,
  groupBy,
  pgprov,
  sh,
  type OperationObjection,
  type OperationStep,
  type Resource,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { quorumOf } from '../../../../roles/shared/quorum.js';
import { storeOf } from '../members.js';
import { newestScope, unreadCopies } from './copies.js';
import type { RecoverRun } from './seen.js';

interface Spoilt {
  host: string;
  why: string;
}

interface StoreSeen {
  /** All hosts of the store, by the inventory. */
  all: string[];
  /** Those that cannot be reached. */
  off: string[];
  /** Those that can be reached and whose member has data that it can go on with, as far as is known. */
  kept: string[];
  /** Those whose member has data that it cannot go on with, and why. */
  spoilt: Spoilt[];
  quorum: number;
}

function storeSeen({ view, inventory }: RecoverRun): StoreSeen {
  const store = dcsOf(inventory);
  const all = hostsWith(inventory, store.role).map(({ name }) => name);
  const withData = all.filter((name) => store.hasData(view, name) === true);
  const spoilt = withData.flatMap((host) => {
    const why = store.spoilt(view, host);
    return why === undefined ? [] : [{ host, why }];
  });
  return {
    all,
    off: all.filter((name) => !view.surveyed(name)),
    kept: withData.filter((name) => spoilt.every(({ host }) => host !== name)),
    spoilt,
    quorum: quorumOf(all.length),
  };
}

/** Whether too few of the store's members have data that they can go on with, so that it begins anew. */
export function storeIsLost(run: RecoverRun): boolean {
  if (storeOf(run.view) !== undefined) return false;
  const { kept, quorum } = storeSeen(run);
  return kept.length < quorum;
}

/** Why the store cannot be brought back: what is off may have the data that the others have lost. */
export function storeObjections(run: RecoverRun): OperationObjection[] {
  const { view, inventory } = run;
  if (storeOf(view) !== undefined) return [];
  const { name, anew, isHealthy, letIn } = dcsOf(inventory);
  const { all, off, kept, spoilt, quorum } = storeSeen(run);
  if (kept.length >= quorum) {
    const isUp = all.filter((host) => isHealthy(view, host) === true).length >= quorum;
    return isUp && letIn !== undefined
      ? [
          {
            kind: 'refuse',
            message: `${name} works, and does not tell what Patroni keeps in it: ${whyUntold(run)}`,
            hint: `nothing was changed; ${letIn(view)}, then run this again`,
          },
        ]
      : [];
  }
  if (anew === undefined) {
    return [
      {
        kind: 'refuse',
        message: `${name} has no quorum: ${quorum} of its members on ${enumerate(all)} are needed with their data, and ${kept.length === 0 ? 'none that can be reached has any' : `only ${enumerate(kept)} can be reached and has it`}`,
        hint: `nothing was changed. pgprov makes no new ${name} of what is left: bring the data of its members back, or let a new one begin with ${pgprov`apply ${inventory}`}, which refuses to make a new cluster where there is data, and run this again when it works`,
      },
    ];
  }
  if (off.length === 0) return [];
  return [
    {
      kind: 'refuse',
      message: `${name} has no quorum: ${quorum} of its members on ${enumerate(all)} are needed with their data, and ${kept.length === 0 ? 'none of those that can be reached has any' : `only ${enumerate(kept)} can be reached and has it`}${spoiltWords(
        spoilt,
      )
        .map((words) => `; ${words}`)
        .join('')}`,
      hint: `nothing was changed. A member that comes back with old data does not fit into a new ${name}, so one is made only where all of its hosts can be reached: switch ${enumerate(off)} on and run this again`,
    },
  ];
}

/** Why Patroni’s keys are not told, by the first member that says so. */
function whyUntold({ view }: RecoverRun): string {
  const [why = 'no member could ask for it'] = view.hosts('patroni').flatMap(({ name }) => {
    const state = view.read(name, DCS);
    return state?.reachable === false ? [state.why] : [];
  });
  return why;
}

/** What brings the store back: its members are started; where too few have their data for a quorum, a new store begins. */
export function storeSteps(run: RecoverRun): OperationStep[] {
  const { view, inventory, done } = run;
  const store = dcsOf(inventory);
  if (storeOf(view) !== undefined || done.has('start-store')) return [];
  const { all, kept, spoilt, quorum } = storeSeen(run);
  const isLost = kept.length < quorum;
  const startsOn = (isLost ? all : kept).filter((name) => store.isHealthy(view, name) !== true);
  const withData = all.filter((name) => kept.includes(name) || spoilt.some(({ host }) => host === name));
  const aside: OperationStep[] =
    !isLost || withData.length === 0
      ? []
      : [
          {
            id: 'store-aside',
            title: `put what ${store.name} has on ${enumerate(withData)} aside: ${tooFew(storeSeen(run))}`,
            effect: [...spoiltWords(spoilt), `${store.name} begins anew`, 'nothing is deleted', sourceWords(run)].join('; '),
            on: withData,
            resources: (context) => (store.anew === undefined ? [] : [store.anew.dataAside(context)]),
          },
        ];
  // Its files are open, and a new member could not begin beside it.
  const strays = isLost && !done.has('stop-store') ? all.filter((name) => !withData.includes(name) && store.runs(view, name) === true) : [];
  const stop: OperationStep[] =
    strays.length === 0
      ? []
      : [
          {
            id: 'stop-store',
            title: `stop ${store.name} on ${enumerate(strays)}, where it runs though its data is gone`,
            on: strays,
            resources: () => [
              command({
                name: `stop-${store.unit}`,
                summary: `stop ${store.unit}`,
                unless: sh`! systemctl -q is-active ${store.unit}`,
                run: sh`timeout 90 systemctl stop ${store.unit}`,
              }),
            ],
          },
        ];
  return [
    ...stop,
    ...aside,
    {
      id: 'start-store',
      title: isLost
        ? `start a new ${store.name} on ${enumerate(startsOn)}, whose data is gone${spoilt.length === 0 ? '' : ' or damaged'}`
        : `start ${store.name} on ${enumerate(startsOn)}, and wait for its quorum`,
      ...(isLost && withData.length === 0 ? { effect: sourceWords(run) } : {}),
      on: startsOn,
      resources: (context) => [...(isLost && store.anew !== undefined ? [store.anew.beginsAnew(context)] : []), started(store.unit)],
      gates: (context) => [store.worksGate(context)],
    },
  ];
}

/**
 * Members of a store that works which are stopped and have their data are started. None of the others waits for them: what does not come up is left
 * for a person.
 */
export function lateStoreSteps(run: RecoverRun): OperationStep[] {
  const { view, inventory, done } = run;
  const store = dcsOf(inventory);
  if (storeOf(view) === undefined || done.has('start-store-member')) return [];
  const late = storeSeen(run).kept.filter((name) => store.isHealthy(view, name) === false && store.runs(view, name) === false);
  if (late.length === 0) return [];
  return [
    {
      id: 'start-store-member',
      title: `start ${store.name} on ${enumerate(late)} as well, where it is down`,
      on: late,
      resources: () => [started(store.unit)],
    },
  ];
}

function started(unit: string): Resource {
  return command({
    name: `start-${unit}`,
    summary: `start ${unit}`,
    unless: sh`systemctl -q is-active ${unit}`,
    run: sh`systemctl reset-failed ${unit} 2>/dev/null || :
systemctl start --no-block ${unit}`,
  }) as Resource;
}

/** Why a quorum cannot be made of what the members have. */
function tooFew({ kept, spoilt, quorum }: StoreSeen): string {
  if (spoilt.length === 0) return `${quorum - kept.length} more of its members would need their data for a quorum`;
  const whole = kept.length === 0 ? 'no member can go on with its data' : `only ${enumerate(kept)} can go on with its data`;
  return `${whole}, and a quorum takes ${quorum} of them`;
}

/** `on pg1 and pg2 its data is damaged`, for each reason. */
function spoiltWords(spoilt: readonly Spoilt[]): string[] {
  return [...groupBy(spoilt, ({ why }) => why)].map(([why, hosts]) => `on ${enumerate(hosts.map(({ host }) => host))} ${why}`);
}

/** Where what Patroni kept in a store that is lost is put back from. */
function sourceWords(run: RecoverRun): string {
  const scope = newestScope(run);
  const unread = unreadCopies(run).map((why) => `; ${why}`);
  if (scope !== undefined) return `what Patroni kept in it is put back from ${scope.words}${unread.join('')}`;
  return `no member of it has data with Patroni’s keys, and no snapshot beside the inventory has them either: who led when is lost, and what Patroni cannot do without is made from the members’ own data${unread.join('')}`;
}
