import {
  DCS,
  defineOperation,
  enumerate,
  patroniPause,
  pgprov,
  type CheckResult,
  type Operation,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
  type View,
} from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { accountsOf, hostsWith, restApiUrl } from '../../../roles/shared/layout.js';
import { answerOf, leaderOf } from './members.js';

type Run = OperationRun<object>;

/** Seconds for which the members are watched until they have seen a change of the mode; a loop of Patroni takes ten by default. */
const SEEN_WITHIN = 90;

/** An operation that begins or ends maintenance mode. */
export interface ModeChange {
  name: string;
  description: string;
  /** The mode that is wanted. */
  paused: boolean;
  objections(run: Run): OperationObjection[];
  /** Of its one step. */
  words(run: Run): { title: string; effect: string };
  nothing(run: Run): string;
  /** @param missed that some members see it later; undefined: all have seen it */
  finished(run: Run, missed: string | undefined): string | undefined;
}

/** Makes the operation: it asks one member, and is done when Patroni on every member has seen the change. */
export function modeOperation({ name, description, paused, objections, words, nothing, finished }: ModeChange): Operation {
  return defineOperation({
    name,
    description,
    options: {},
    roles: ({ inventory }) => [dcsOf(inventory).role, 'patroni'],
    requiresConverged: false,
    // It stops and moves nobody, and holds every Patroni of the cluster still, or lets go again, those that the inventory does not have included.
    bears: true,
    unreachable: 'go-on',
    keptInStore: true,
    patience: SEEN_WITHIN,
    guards: (run) => [...objections(run), ...awaited(run, paused)],
    remaining: (run) => {
      const steps = change(run, paused, words(run));
      return steps.length === 0 ? { steps } : { steps, then: 'then Patroni on every member is watched until it has seen it' };
    },
    nothing,
    checks: (run) => proofs(run, paused),
    finished: (run) => {
      const away = silent(run);
      return finished(run, away.length === 0 ? undefined : `Patroni on ${enumerate(away)} does not answer, and sees it when it is back`);
    },
  });
}

function proofs({ view }: Run, paused: boolean): CheckResult[] {
  const [now, late] = [isPaused(view), unaware(view, paused)];
  const known = late.length === 0 ? (paused ? 'pause: true' : 'no pause') : `not on ${enumerate(late)}`;
  return [
    {
      title: `maintenance mode is ${paused ? 'on' : 'off'}, and Patroni on every member knows`,
      ok: now === paused && late.length === 0,
      detail: now === paused ? known : paused ? 'it is off' : 'it is on',
    },
  ];
}

/** Whether the cluster is in Patroni's maintenance mode; undefined where neither the store nor any Patroni tells. */
export function isPaused(view: View): boolean | undefined {
  const hosts = view.hosts('patroni').map(({ name }) => name);
  for (const host of hosts) {
    const store = view.read(host, DCS);
    if (store?.reachable === true && store.config !== undefined) return store.config['pause'] === true;
  }
  const answering = hosts.map((host) => answerOf(view, host)).find((answer) => answer !== undefined);
  return answering === undefined ? undefined : answering.paused === true;
}

/** The members whose Patroni is registered in the store, and acts as if the mode were still what it was: Patroni’s `pause --wait` waits for these. */
function unaware(view: View, paused: boolean): string[] {
  for (const { name } of view.hosts('patroni')) {
    const store = view.read(name, DCS);
    if (store?.reachable === true)
      return store.members.filter((member) => (member.paused === true) !== paused).map((member) => member.name);
  }
  return [];
}

/** Members of the inventory whose Patroni does not answer. */
function silent({ view, inventory }: Run): string[] {
  return hostsWith(inventory, 'patroni')
    .filter(({ name }) => answerOf(view, name) === undefined)
    .map(({ name }) => name);
}

/** Until every Patroni has seen the change of the mode the operation is not done; asked again while it may pass. */
function awaited({ view, inventory }: Run, paused: boolean): OperationObjection[] {
  if (isPaused(view) !== paused) return [];
  const late = unaware(view, paused);
  if (late.length === 0) return [];
  return [
    {
      kind: 'preflight',
      error: 'maintenance/unseen',
      message: `Patroni on ${enumerate(late)} has not seen yet that maintenance mode ${paused ? 'began' : 'is over'}`,
      hint: `see its journal there (\`journalctl -u patroni\`) and ${pgprov`status ${inventory}`}; the same command watches on`,
      settles: true,
    },
  ];
}

/** The change of the mode; nothing where it is made. */
function change(run: Run, paused: boolean, words: { title: string; effect: string }): OperationStep[] {
  const { view, inventory } = run;
  const members = view.hosts('patroni').map(({ name }) => name);
  const asked = leaderOf(view) ?? members.find((name) => answerOf(view, name) !== undefined) ?? members[0];
  if (asked === undefined || isPaused(view) === paused) return [];
  return [
    {
      id: paused ? 'pause' : 'resume',
      ...words,
      on: [asked],
      resources: (context) => {
        const { restApi } = accountsOf(context);
        const keys = dcsOf(inventory).keys(context);
        return [patroniPause({ url: restApiUrl(context.host), keys, paused, user: restApi.name, password: restApi.password })];
      },
    },
  ];
}
