import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import type { ChangeMeaning } from '../../src/model/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { assertInForce, lifeOf, powerCycle, traces, type Life } from '../integration/support/living.js';
import { describeMembers, patronictl } from '../integration/support/outside.js';
import { TRIALS, type Trial } from '../integration/support/variable-trials.js';
import { patience } from '../support/patience.js';

const TRIED = TRIALS.filter(({ value }) => value !== undefined);

/** What the schema says of a trial's variable. */
function changeOf({ variable }: Trial): ChangeMeaning | undefined {
  const [role, key = '', nested] = variable.split('.');
  const schema = CATALOG.find(({ name }) => name === role)?.variables.properties[key];
  return nested === undefined ? schema?.change : schema?.properties?.[nested]?.change;
}

describe('every variable of a living cluster', () => {
  let cluster: TestCluster;
  let life: Life;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    life = await lifeOf(cluster);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  async function restarted(): Promise<Life> {
    await patronictl(cluster.host('pg1'), 'restart demo --force');
    await expect
      .poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(60_000) })
      .toEqual(['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming']);
    return lifeOf(cluster);
  }

  it.each(TRIED)('$variable does what its schema says', async (trial) => {
    const set = ['--set', `${trial.variable}=${trial.value ?? ''}`];
    const change = changeOf(trial);
    if (trial.refused !== undefined) {
      expect(change === 'recreate' || typeof change === 'object').toBe(true);
      const before = await traces(cluster);
      const run = await cluster.run('apply', ...set);
      expect(run.code, run.all).toBe(4);
      expect(run.all).toMatch(trial.refused);
      expect(await traces(cluster)).toEqual(before);
      return;
    }
    const plan = await cluster.run('plan', ...set);
    expect(plan.code, plan.all).toBe(0);
    if (!plan.all.includes('No changes.')) expect(plan.all).toMatch(/PostgreSQL keeps running on every member, and pg1 stays the leader/u);
    expect(/etcd restarts/u.test(plan.all)).toBe(change === 'restart' && trial.variable.startsWith('etcd.'));
    const takesRestart = change === 'restart' && trial.variable.startsWith('postgresql.');
    expect(/PostgreSQL needs a restart/u.test(plan.all)).toBe(takesRestart);
    if (change === 'free') expect(plan.all).not.toMatch(/restarts|reloads/u);
    const run = await cluster.run('apply', ...set);
    expect(run.code, run.all).toBe(0);
    await assertInForce(cluster, trial);
    expect(await lifeOf(cluster)).toEqual(life);
    const back = await cluster.run('apply');
    expect(back.code, back.all).toBe(0);
    expect(await lifeOf(cluster)).toEqual(life);
    // A parameter that is given no more stays pending in PostgreSQL, and later plans would say so.
    if (takesRestart) life = await restarted();
  });

  it('keeps the same cluster after a power failure', async () => {
    await powerCycle(cluster);
    const { identifier } = await lifeOf(cluster);
    expect(identifier).toBe(life.identifier);
    expect((await cluster.run('apply')).code).toBe(0);
  });
});
