import { DATA_DIRECTORY, type ClusterData } from '../../src/resources/data-directory.js';
import type { LoggedLine } from '../../src/resources/recent-log.js';
import type { Finding } from '../../src/lib/finding.js';
import type { Diagnosis, Examination } from '../../src/plan/diagnosis.js';
import { runSeen, type Seen } from '../operations/run-seen.js';
import { inventoryOf, THREE } from '../support/inventory.js';

/** When the hosts of these examinations were asked. */
export const NOW = Date.parse('2026-11-29T03:30:00Z');

const inventory = await inventoryOf(THREE);
const NAMES = inventory.hosts.map(({ name }) => name);

/** A line of a log: how many seconds ago it came, of which unit, and its text. */
export type Said = readonly [ago: number, unit: 'patroni' | 'postgresql', text: string];

/** What differs from three members that work: what was seen, by whom what was written, and what is in the data directories. */
export interface Differs extends Seen {
  logs?: Record<string, readonly Said[]>;
  data?: Record<string, Partial<ClusterData>>;
}

const DATA: ClusterData = {
  kind: 'cluster',
  version: '17',
  systemIdentifier: '7',
  checksums: 1,
  clusterState: 'in archive recovery',
  copy: 'none',
  ours: false,
  control: 'valid',
  running: true,
  position: undefined,
  history: { timeline: 4, forks: ['1 0/50000D8', '2 0/5050FE0', '3 0/6000000'] },
  misowned: undefined,
};

/** Everything that was gathered of a cluster in which pg1 leads and the others stream, but for what differs. */
export function examined({ logs = {}, data = {}, more = {}, ...seen }: Differs = {}): Examination {
  const states = Object.fromEntries(NAMES.map((name) => [name, { [DATA_DIRECTORY.id]: { ...DATA, ...data[name] }, ...more[name] }]));
  const { view } = runSeen(inventory, { ...seen, more: states }, {});
  return {
    view,
    now: NOW,
    unseen: new Map(),
    gone: [],
    log: (host, ...units): LoggedLine[] =>
      (logs[host] ?? [])
        .map(([ago, unit, text]) => ({ host, unit, text, at: NOW - 1000 * ago }))
        .filter(({ unit }) => units.length === 0 || units.includes(unit)),
  };
}

/** What a diagnosis finds, in short: `danger pg3: what it is`. */
export function found(diagnosis: Diagnosis, differs: Differs = {}): string[] {
  return diagnosis.find(examined(differs)).map(short);
}

/** The same of the one finding that there is. */
export function only(diagnosis: Diagnosis, differs: Differs): Finding {
  const [first, ...more] = diagnosis.find(examined(differs));
  if (first === undefined || more.length > 0)
    throw new Error(`${diagnosis.name} finds ${more.length + (first === undefined ? 0 : 1)} things`);
  return first;
}

function short({ level, host, what }: Finding): string {
  return `${level} ${host ?? 'all'}: ${what}`;
}

/** A member that is cut off from its leader: its server runs, and the leader has no connection from it. */
export function cutOffMember(name: string): Pick<Seen, 'listed'> {
  return { listed: { [name]: { state: 'running' } } };
}
