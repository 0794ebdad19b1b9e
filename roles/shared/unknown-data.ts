import { enumerate, type Objection, type View } from '../../src/index.js';
import { scopeOf } from './layout.js';
import { configuredScope, describe, isEnabled, stepsToStart, whatWasFound, type MemberData } from './members-data.js';
import { variables } from './variables.js';

/**
 * Data that etcd does not know as this scope's: somebody's, whatever etcd says. That etcd lost its data is told from data that
 * pgprov never had to do with by the patroni.yml beside it, and by Patroni's unit.
 * @param etcdIsNew no member of etcd was ever started on these hosts, or all have lost their data
 */
export function refuseUnknownData(view: View, members: readonly MemberData[], etcdIsNew: boolean): Objection[] {
  const own = members.filter(({ host }) => configuredScope(view, host) === scopeOf(view.inventory, host) || isEnabled(view, host));
  return [...members.filter((member) => !own.includes(member)).map((member) => refuseStrange(view, member)), ...refuseOwn(view, own, etcdIsNew)];
}

function refuseStrange(view: View, { host, data }: MemberData): Objection {
  const directory = variables(host, 'postgresql').data_dir;
  const served = configuredScope(view, host);
  const what = `${host.name}: the data directory${directory === undefined ? '' : ` ${directory}`} holds a PostgreSQL cluster (${describe(data)})`;
  if (served === undefined) return { kind: 'refuse', host: host.name, message: `${what} that etcd does not know as this cluster’s`, hint: STRANGE };
  return {
    kind: 'refuse',
    host: host.name,
    message: `${what} that served as the scope ${served}; the inventory says ${scopeOf(view.inventory, host)}`,
    hint: `a cluster keeps the scope that it was made with: set patroni.scope back to ${served}`,
  };
}

/** The cluster is the user's own, and only etcd does not know it. */
function refuseOwn(view: View, members: readonly MemberData[], etcdIsNew: boolean): Objection[] {
  const [first] = members;
  if (first === undefined) return [];
  return [
    {
      kind: 'refuse',
      message: `etcd does not know the PostgreSQL cluster that is the data of ${scopeOf(view.inventory, first.host)}${whatWasFound(members)}`,
      hint: wayForward(view, members, etcdIsNew),
    },
  ];
}

const STRANGE = 'pgprov does not take over data it did not make, and never deletes any: give postgresql.data_dir another place, or use another host';

function wayForward(view: View, members: readonly MemberData[], etcdIsNew: boolean): string {
  const running = members.filter(({ active }) => active);
  const hosts = enumerate(view.hosts('etcd').map(({ name }) => name));
  const start = etcdIsNew ? `start etcd yourself (\`systemctl start etcd\` on ${hosts})` : '';
  if (running.length > 0) {
    const names = enumerate(running.map(({ host }) => host.name));
    return `etcd has lost what it knew, and nothing needs to be moved: ${start === '' ? '' : `${start}; `}Patroni runs on ${names} and writes the cluster into etcd by itself. Run this again when \`patronictl list\` shows a leader`;
  }
  return `etcd has lost what it knew, or an interrupted bootstrap marked it; nothing needs to be moved, for Patroni writes the cluster into etcd again: ${start === '' ? '' : `${start}, and then `}${stepsToStart(members)}`;
}
