import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { describeMembers, must } from './support/outside.js';
import { start, type Finished } from './support/pgprov.js';

describe('a command that is given while members are coming up', () => {
  let cluster: TestCluster;
  const everywhere = (command: string): Promise<unknown> => Promise.all(cluster.hosts.map((host) => must(host, command)));

  beforeAll(async () => {
    cluster = await TestCluster.converged();
  });

  afterAll(() => cluster?.remove());

  /** Runs a command that finds something under way, and lets that go on once the command waits for it. */
  async function meanwhile(args: readonly string[], awaits: RegExp, goOn: () => Promise<unknown>): Promise<Finished> {
    const [command = '', ...rest] = args;
    const run = start([command, cluster.file, ...rest, '--yes']);
    await run.printed(awaits);
    await goOn();
    return run.finished;
  }

  async function expectLed(by: string): Promise<void> {
    const expected = ['pg1', 'pg2', 'pg3'].map((name) => `${name} ${name === by ? 'Leader running' : 'Replica streaming'}`);
    await expect.poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(120_000) }).toEqual(expected);
  }

  it('waits for a Patroni that was just started, and starts the others after it', async () => {
    for (const name of ['pg3', 'pg2', 'pg1']) await must(cluster.host(name), 'systemctl stop patroni');
    // Held before it answers, as on a host that is slow.
    await must(cluster.host('pg1'), 'systemctl start patroni && systemctl kill -s STOP patroni');
    const run = await meanwhile(['apply'], /by itself: Patroni on pg1 runs and does not answer yet/u, () =>
      must(cluster.host('pg1'), 'systemctl kill -s CONT patroni'),
    );
    expect(run.code, run.all).toBe(0);
    await expectLed('pg1');
  });

  longCase('an operation while members come up', 'has an operation wait until there is a leader, and does it then', async () => {
    for (const name of ['pg3', 'pg2', 'pg1']) await must(cluster.host(name), 'systemctl stop patroni');
    await everywhere('systemctl start patroni && systemctl kill -s STOP patroni');
    const run = await meanwhile(['switchover', '--to', 'pg2'], /by itself: Patroni on pg1 runs and does not answer yet/u, () =>
      everywhere('systemctl kill -s CONT patroni'),
    );
    expect(run.code, run.all).toBe(0);
    await expectLed('pg2');
  });
});
