import { describe, expect, it } from 'vitest';
import { withRefusals, withRefusedMends } from '../../../src/cli/status/refused.js';
import type { ClusterStatus } from '../../../src/lib/cluster-status.js';
import { wrongWith } from '../../../src/report/status.js';

const ENDS = 'finish it with `pgprov upgrade demo.yml`, or take it back with `pgprov upgrade demo.yml --undo`';

const status: ClusterStatus = {
  cluster: 'demo',
  scope: 'demo',
  inventory: 'demo.yml',
  members: [
    { name: 'pg1', address: '10.0.0.1', pendingRestart: false, problem: 'is being copied; `pgprov apply demo.yml` goes on with it' },
    { name: 'pg2', address: '10.0.0.2', pendingRestart: false },
  ],
  etcd: [{ name: 'pg1', healthy: false, problem: 'it is down; `pgprov apply demo.yml` starts it' }],
  certificates: [],
  services: [{ host: 'pg1', role: 'vip', text: 'its address has moved: run `pgprov apply demo.yml`', level: 'problem' }],
  remarks: ['pg1: a remark\n`pgprov apply demo.yml` ends it'],
  problems: [
    'pg1: the pools of PgBouncer are paused\n`pgprov apply demo.yml` corrects it',
    'pg1: it has gone\n`pgprov remove demo.yml --host pg1` takes it out',
    'pg2: a wrong line\nsee `pgprov logs demo.yml`',
    'pg2: the upgrade stands still\n`pgprov upgrade demo.yml` goes on',
  ],
};

/** Every line of a status. */
function lines({ members, etcd, services = [], remarks = [], problems }: ClusterStatus): string[] {
  const told = [...members, ...etcd].flatMap(({ problem }) => problem ?? []);
  return [...told, ...services.map(({ text }) => text), ...remarks, ...problems];
}

/** The lines that say that what they advise is refused. */
function refused(given: ClusterStatus): string[] {
  return lines(withRefusals(given)).filter((line) => line.includes('; that is refused '));
}

describe('what a status advises', () => {
  it('is said to be refused while an operation is unfinished, on whatever line, with what ends that', () => {
    const told = refused({ ...status, unfinished: 'the upgrade is not finished', waysOut: ENDS });
    expect(told).toHaveLength(6);
    expect(told.every((line) => line.endsWith(`; that is refused until what was begun is over: ${ENDS}`))).toBe(true);
    expect(told.filter((line) => line.includes('pgprov remove'))).toHaveLength(1);
  });

  it('is said to be refused while one is under way', () => {
    expect(refused({ ...status, unfinished: 'the upgrade is under way' })[0]).toBe(
      'is being copied; `pgprov apply demo.yml` goes on with it; that is refused as long as what was begun is under way',
    );
  });

  it('is said to be refused where an apply is, for whatever reason', () => {
    const told = refused({ ...status, refusal: 'the directory is older than the removal of a host' });
    expect(told).toHaveLength(5);
    expect(told.at(-1)).toBe(
      'pg1: the pools of PgBouncer are paused\n`pgprov apply demo.yml` corrects it; that is refused as it is: the directory is older than the removal of a host',
    );
  });

  it('is said to be refused by doctor, too', () => {
    const finding = { level: 'danger', what: 'a slot', follows: 'WAL stays', evidence: [], diagnosis: 'slots', consequences: [] } as const;
    const mends = ['`pgprov apply demo.yml` drops it', '`systemctl start etcd`, as root on pg1'].map((mend) => ({ ...finding, mend }));
    const told = withRefusedMends(mends, { unfinished: 'the upgrade is not finished', waysOut: ENDS }).map(({ mend }) => mend);
    expect(told).toEqual([`${mends[0]?.mend}; that is refused until what was begun is over: ${ENDS}`, mends[1]?.mend]);
    expect(withRefusedMends(mends, {})).toEqual(mends);
  });

  it('stays as it is where nothing is in its way', () => {
    expect(withRefusals(status)).toEqual(status);
  });

  it('holds of a cluster that is not made yet', () => {
    const told = wrongWith({ ...status, absent: true, unfinished: 'the clone is not finished', waysOut: ENDS });
    expect(told).toEqual([
      `there is no cluster yet: \`pgprov apply demo.yml\` makes it; that is refused until what was begun is over: ${ENDS}`,
    ]);
  });
});
