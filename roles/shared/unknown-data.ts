import { enumerate, pgprov, type Objection, type View } from '../../src/index.js';
import { electing } from './coming-up.js';
import { dcsOf } from './dcs-of.js';
import { dataDirectoryOf, scopeOf } from './layout.js';
import { configuredScope, describe, isEnabled, stepsToStart, whatWasFound, type MemberData } from './members-data.js';
import { variables } from './variables.js';

/**
 * Data that the store does not know as this scope's: somebody's, whatever the store says. That the store lost its data is told from data that
 * pgprov never had to do with by the patroni.yml beside it, and by Patroni's unit.
 * @param storeIsNew no member of the store was ever started on these hosts, or all have lost their data
 */
export function refuseUnknownData(view: View, members: readonly MemberData[], storeIsNew: boolean): Objection[] {
  const own = members.filter(({ host }) => configuredScope(view, host) === scopeOf(view.inventory, host) || isEnabled(view, host));
  return [
    ...members.filter((member) => !own.includes(member)).map((member) => refuseForeignData(view, member)),
    ...refuseOwn(view, own, storeIsNew),
  ];
}

function refuseForeignData(view: View, { host, data }: MemberData): Objection {
  const platform = view.platform(host.name);
  const isOwn = variables(host, 'postgresql').data_dir !== undefined && platform !== undefined;
  const served = configuredScope(view, host);
  const what = `${host.name}: the data directory${isOwn ? ` ${dataDirectoryOf(host, platform)}` : ''} holds a PostgreSQL cluster (${describe(data)})`;
  if (served === undefined)
    return {
      kind: 'refuse',
      host: host.name,
      message: `${what} that ${dcsOf(view.inventory).name} does not know as this cluster’s`,
      hint: MOVE_AWAY,
    };
  return {
    kind: 'refuse',
    host: host.name,
    message: `${what} that served as the scope ${served}; the inventory says ${scopeOf(view.inventory, host)}`,
    hint: `a cluster keeps the scope that it was made with: set patroni.scope back to ${served}`,
  };
}

/** The cluster is the user's own, and only the store does not know it. */
function refuseOwn(view: View, members: readonly MemberData[], storeIsNew: boolean): Objection[] {
  const [first] = members;
  if (first === undefined) return [];
  // Patroni writes the cluster into a store that is up; one that was never started stays as it is.
  const settles = storeIsNew || !members.some(({ active }) => active) ? undefined : electing(view);
  return [
    {
      kind: 'refuse',
      message: `${dcsOf(view.inventory).name} does not know the PostgreSQL cluster that is the data of ${scopeOf(view.inventory, first.host)}${whatWasFound(members)}`,
      hint: wayForward(view, members, storeIsNew),
      ...(settles === undefined ? {} : { settles }),
    },
  ];
}

const MOVE_AWAY =
  'pgprov does not take over data it did not make, and never deletes any: give postgresql.data_dir another place, or use another host';

function wayForward(view: View, members: readonly MemberData[], storeIsNew: boolean): string {
  const running = members.filter(({ active }) => active);
  const { name: store, role, unit, letIn } = dcsOf(view.inventory);
  const hosts = enumerate(view.hosts(role).map(({ name }) => name));
  const start = storeIsNew ? `start ${store} yourself (\`systemctl start ${unit}\` on ${hosts})` : '';
  if (running.length > 0) {
    const names = enumerate(running.map(({ host }) => host.name));
    if (start !== '' && letIn !== undefined)
      return `${store} has lost its contents, and nothing needs to be moved: ${start}, and then ${letIn(view)}; Patroni runs on ${names} and writes the cluster into ${store} by itself`;
    return `${store} has lost its contents, and nothing needs to be moved: ${start === '' ? '' : `${start}; `}Patroni runs on ${names} and writes the cluster into ${store} by itself. Run this again when ${pgprov`status ${view.inventory}`} shows a leader`;
  }
  return `${store} has lost its contents, or an interrupted bootstrap marked it; nothing needs to be moved: ${pgprov`recover ${view.inventory}`} gives the scope its identity back from the data that is there, and starts the member with the last commits first. By hand: ${start === '' ? '' : `${start}, and then `}${stepsToStart(view, members)}`;
}
