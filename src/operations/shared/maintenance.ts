import { DCS, enumerate, patroniPause, type OperationObjection, type OperationRun, type OperationStep, type View } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { accountsOf, hostsWith, restApiUrl } from '../../../roles/shared/layout.js';
import { answerOf, leaderOf } from './members.js';

/** Seconds for which the members are watched until they have seen a change of the mode; a loop of Patroni takes ten by default. */
export const SEEN_WITHIN = 90;

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
export function unaware(view: View, paused: boolean): string[] {
  for (const { name } of view.hosts('patroni')) {
    const store = view.read(name, DCS);
    if (store?.reachable === true)
      return store.members.filter((member) => (member.paused === true) !== paused).map((member) => member.name);
  }
  return [];
}

/** Members of the inventory whose Patroni does not answer. */
export function silent({ view, inventory }: Pick<OperationRun<object>, 'view' | 'inventory'>): string[] {
  return hostsWith(inventory, 'patroni')
    .filter(({ name }) => answerOf(view, name) === undefined)
    .map(({ name }) => name);
}

/** Until every Patroni has seen the change of the mode the operation is not done; asked again while it may pass. */
export function awaited({ view, inventory }: Pick<OperationRun<object>, 'view' | 'inventory'>, paused: boolean): OperationObjection[] {
  if (isPaused(view) !== paused) return [];
  const late = unaware(view, paused);
  if (late.length === 0) return [];
  return [
    {
      kind: 'preflight',
      error: 'maintenance/unseen',
      message: `Patroni on ${enumerate(late)} has not seen yet that maintenance mode ${paused ? 'began' : 'is over'}`,
      hint: `see its journal there (\`journalctl -u patroni\`) and \`pgprov status ${inventory.file}\`; the same command watches on`,
      settles: true,
    },
  ];
}

/** The change of the mode; nothing where it is made. */
export function change(run: OperationRun<object>, paused: boolean, words: { title: string; effect: string }): OperationStep[] {
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

/** What follows the change, as a sentence. */
export const THEN_SEEN = 'then Patroni on every member is watched until it has seen it';
