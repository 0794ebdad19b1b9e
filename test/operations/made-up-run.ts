import type { OperationRun } from '../../src/plan/operation.js';
import type { Inventory } from '../../src/model/index.js';
import { DATA_DIRECTORY, type ClusterData } from '../../src/resources/data-directory.js';
import type { DcsMember } from '../../src/resources/dcs.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import type { ClusterMember, PatroniMemberState } from '../../src/resources/patroni/member.js';
import { stoppedHandle } from '../../src/resources/patroni/stopped.js';
import { serviceHandle } from '../../src/resources/service.js';
import { runSeen } from './run-seen.js';

type Answer = Extract<PatroniMemberState, { answers: true }>;

/** What differs from a cluster in which pg1 leads, and all others stream from it. */
export interface Made<Options> {
  /** null: nobody holds the leader key. */
  leader?: string | null;
  listed?: Record<string, Partial<ClusterMember>>;
  /** What a member says of itself; null: it does not answer. */
  own?: Record<string, Partial<Answer> | null>;
  config?: Record<string, unknown>;
  /** null: the store does not answer. */
  registered?: Record<string, Partial<DcsMember>> | null;
  data?: Record<string, Partial<ClusterData>>;
  /** Hosts whose Patroni does not start at boot. */
  disabled?: readonly string[];
  /** Hosts whose unit patroni is stopped. */
  stopped?: readonly string[];
  /** Hosts that cannot be reached. */
  away?: readonly string[];
  /** Hosts whose etcd is not healthy. */
  etcdDown?: readonly string[];
  /** Other states of hosts. */
  more?: Record<string, ReadonlyMap<string, unknown>>;
  options?: Options;
  chosenHosts?: readonly string[];
  done?: readonly string[];
  planned?: OperationRun<Options>['planned'];
}

/** What an operation decides from, made up. */
export function madeUp<Options extends object = object>(inventory: Inventory, made: Made<Options> = {}): OperationRun<Options> {
  const { leader = 'pg1', listed = {}, own = {}, config = {}, registered = {}, data = {}, stopped = [], away = [] } = made;
  const names = inventory.hosts.map(({ name }) => name);
  const there = names.filter((name) => !away.includes(name));
  const gone = [...away, ...stopped];
  const isStopped = (name: string): boolean => stopped.includes(name);
  const none = (of: readonly string[]): Record<string, null> => Object.fromEntries(of.map((name) => [name, null]));
  const members = there
    .filter((name) => !isStopped(name))
    .map((name): DcsMember => ({ name, connUrl: '', state: 'running', role: 'replica', ...registered?.[name] }));
  const more = there.map((name): [string, Record<string, unknown>] => {
    const directory: Partial<ClusterData> = {
      kind: 'cluster',
      version: '17',
      systemIdentifier: '7',
      control: 'valid',
      copy: 'none',
      running: !isStopped(name),
      clusterState: isStopped(name)
        ? name === 'pg1'
          ? 'shut down'
          : 'shut down in recovery'
        : name === (leader ?? 'pg1')
          ? 'in production'
          : 'in archive recovery',
      position: { timeline: 4, checkpoint: '0/5000028', nextOid: 1, lastRecord: '0/5000028' },
      ...data[name],
    };
    return [
      name,
      {
        [DATA_DIRECTORY.id]: directory,
        [ETCD_MEMBER.id]: { healthy: made.etcdDown?.includes(name) !== true, members: [] },
        [stoppedHandle('patroni').id]: {
          patroni: !isStopped(name),
          postgresql: directory.running === true,
          enabled: made.disabled?.includes(name) !== true,
        },
        [serviceHandle('patroni').id]: { loaded: true, enabled: true, active: isStopped(name) ? 'inactive' : 'active' },
        ...Object.fromEntries(made.more?.[name] ?? []),
      },
    ];
  });
  return runSeen(
    inventory,
    {
      leader,
      config,
      listed: { ...listed, ...none(gone) },
      own: { ...own, ...none(stopped) },
      store: registered === null ? null : { members },
      off: away,
      more: Object.fromEntries(more),
    },
    made.options ?? ({} as Options),
    { done: made.done, chosenHosts: made.chosenHosts, planned: made.planned },
  );
}
