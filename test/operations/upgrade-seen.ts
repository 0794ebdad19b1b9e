import type { UpgradeOptions } from '../../src/operations/shared/upgrade/seen.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { UPGRADE_FACTS, type UpgradeFacts, type UpgradeSays } from '../../src/resources/upgrade/facts.js';
import { UPGRADE_PLACE, type MajorData, type UpgradeNote, type UpgradePlace } from '../../src/resources/upgrade/place.js';
import { UPGRADE_READS, type UpgradeReads } from '../../src/resources/upgrade/reads.js';
import { UPGRADE_TRIAL, type UpgradeTrial } from '../../src/resources/upgrade/trial.js';
import { inventoryOf } from '../support/inventory.js';
import { runSeen, type Seen } from './run-seen.js';

/** The inventory of a cluster of three that is to have PostgreSQL 17. */
export const TEXT = `cluster: demo
hosts:
  pg1: {address: 192.0.2.1}
  pg2: {address: 192.0.2.2}
  pg3: {address: 192.0.2.3}
roles: [base, pgdg, postgresql, replication, etcd, patroni]
postgresql: {version: 17}
`;
export const inventory = await inventoryOf(TEXT);
const PG = ['pg1', 'pg2', 'pg3'];
export const GIB = 1_073_741_824;
const at = (version: number): string => `/var/lib/postgresql/${version}/main`;

const SAYS: UpgradeSays = {
  initdb: ['--encoding=UTF8', '--data-checksums'],
  preload: '',
  slots: [],
  prepared: [],
  subscriptions: 0,
  tablespaces: [],
  long: [],
};
const NOTE: UpgradeNote = { from: 15, to: 17, id: 'one', member: 'pg1', identifier: '7', identity: 'old-pg1' };

/** What differs from a cluster of 15 in which pg1 leads, with the programs of 17. */
export interface Made extends Pick<Seen, 'leader' | 'config' | 'listed' | 'store' | 'own'> {
  /** Which major's server runs on all; undefined: none does. */
  up?: number | undefined;
  /** Members with data of 17. */
  made?: readonly string[];
  configured?: number;
  noted?: boolean;
  place?: Record<string, Partial<UpgradePlace>>;
  says?: Partial<UpgradeSays>;
  facts?: Partial<UpgradeFacts>;
  trial?: Partial<UpgradeTrial>;
  reads?: Record<string, Partial<UpgradeReads>>;
  done?: readonly string[];
  /** More that was seen of each host, by the observations' ids. */
  more?: Record<string, Readonly<Record<string, unknown>>>;
}

/** Data of a major on a host. */
export const data = (host: string, version: number, running: boolean): MajorData => ({
  path: at(version),
  identity: `${version === 15 ? 'old' : 'new'}-${host}`,
  identifier: version === 15 ? '7' : '8',
  state: running ? 'in production' : 'shut down',
  checkpoint: '0/5000',
  running,
  spread: false,
});

/** What an upgrade from 15 to 17 has chosen. */
export const CHOSEN: UpgradeOptions = {
  to: 17,
  id: 'one',
  older: 15,
  newer: 17,
  member: 'pg1',
  identifier: '7',
  was: { pg1: 'old-pg1', pg2: 'old-pg2', pg3: 'old-pg3' },
  initdb: SAYS.initdb,
  preload: '',
};

/** A cluster of 15 in which pg1 leads, with the programs of 17, but for what is given. */
export function seen(given: Made = {}, options: UpgradeOptions = CHOSEN, base = inventory): OperationRun<UpgradeOptions> {
  const made: Made = 'up' in given ? given : { up: 15, ...given };
  const { up, configured = up ?? 15, noted = false } = made;
  const more = base.hosts.map(({ name: host }): [string, Record<string, unknown>] => {
    if (!PG.includes(host)) return [host, made.more?.[host] ?? {}];
    const isMade = made.made?.includes(host) === true || up === 17;
    const place: UpgradePlace = {
      data: { 15: data(host, 15, up === 15), ...(isMade ? { 17: data(host, 17, up === 17) } : {}) },
      programs: [15, 17],
      configured: at(configured),
      patroni: up !== undefined,
      enabled: up !== undefined,
      upgrading: false,
      settling: false,
      settled: [],
      failed: [],
      notes: noted ? [{ ...NOTE, identity: `old-${host}` }] : [],
      ...made.place?.[host],
    };
    const says = host === 'pg1' && up === 15 ? { ...SAYS, ...made.says } : undefined;
    return [
      host,
      {
        [UPGRADE_PLACE.id]: place,
        [UPGRADE_FACTS.id]: {
          bytes: { 15: GIB },
          spaces: {},
          disk: { device: '1', free: 10 * GIB },
          occupied: '',
          occupiedSpaces: [],
          says,
          ...made.facts,
        },
        [UPGRADE_TRIAL.id]: { asked: host === 'pg1', objections: [], took: undefined, ...made.trial },
        [UPGRADE_READS.id]: { asked: up !== undefined, settings: {}, libraries: {}, ...made.reads?.[host] },
        ...made.more?.[host],
      },
    ];
  });
  const answers = Object.fromEntries(
    PG.map((host) => [host, up === undefined ? null : { serverVersion: up * 10_000 + 3, ...made.own?.[host] }]),
  );
  return runSeen(
    base,
    { ...made, leader: up === undefined ? null : (made.leader ?? 'pg1'), own: answers, more: Object.fromEntries(more) },
    options,
    { done: made.done },
  );
}
