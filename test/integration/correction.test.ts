import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastRun } from '../../src/store/run-record.js';
import { storeDirectory } from '../../src/store/store.js';
import type { LabHost } from '../lab/index.js';
import { DEPTH, MATRIX, sample } from '../support/depth.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { describeMembers, etcdctl, must, patronictl, patronictlConfig, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { restartInVain } from './support/restart-in-vain.js';

const HOOK = fileURLToPath(new URL('support/interrupt.mjs', import.meta.url));

/** Rows that a client commits before each correction. */
const ROWS = 100;

/** An event of a stage, as interrupt.mjs counts them, or the end of the stage. */
type Moment = { stage: string; moment: 'nth'; nth: number } | { stage: string; moment: 'end' };

const named = (at: Moment): string => `${at.stage} ${at.moment === 'nth' ? at.nth : 'end'}`;

/** The first change that the correction makes; killed there, a run has told nobody of it. */
const FIRST: Moment = { stage: 'patroni/correct', moment: 'nth', nth: 1 };

/** What a sweep damages and sees afterwards. */
interface Sweep {
  name: string;
  /** Commits `ROWS` rows, breaks the dynamic configuration. */
  damage: () => Promise<void>;
  check: (where: string) => Promise<void>;
}

describe(`a correction of the dynamic configuration that is killed (${DEPTH})`, () => {
  let cluster: TestCluster;
  let rows = 0;
  const everywhere = (statement: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => sql(host, statement)));
  const apply = () => pgprov('apply', cluster.file, '--yes');

  /** One leads and the others stream, every row is on each, and the cluster has what the inventory says. */
  async function expectWhole(where: string): Promise<void> {
    const states = async (): Promise<string[]> =>
      (await describeMembers(cluster.host('pg1'))).map((line) => line.replace(/^\S+ /u, '')).sort();
    await expect
      .poll(states, { timeout: patience(120_000), message: where })
      .toEqual(['Leader running', 'Replica streaming', 'Replica streaming']);
    const expected = cluster.hosts.map(() => String(rows));
    await expect.poll(() => everywhere('select count(*) from proof'), { timeout: patience(30_000), message: where }).toEqual(expected);
    expect(await everywhere('show work_mem'), where).toEqual(['12MB', '12MB', '12MB']);
    expect(await everywhere('show shared_buffers'), where).toEqual(['64MB', '64MB', '64MB']);
    expect(await patronictlConfig(cluster.host('pg1')), where).toContain('shared_buffers: 64MB');
    expect((await pgprov('diff', cluster.file)).code, where).toBe(0);
  }

  beforeAll(async () => {
    cluster = await TestCluster.converged();
  });

  afterAll(() => cluster?.remove());

  async function leader(): Promise<LabHost> {
    return cluster.host((await describeMembers(cluster.host('pg1'))).find((line) => line.includes(' Leader '))?.split(' ')[0] ?? '');
  }

  async function commit(host: LabHost): Promise<void> {
    await sql(host, `insert into proof select from generate_series(1, ${ROWS})`);
    rows += ROWS;
  }

  /** What Patroni is told past pgprov. */
  async function patch(body: object): Promise<void> {
    const [{ address }] = cluster.hosts as [LabHost];
    const credentials = `patroni:${await cluster.password('patroni.restapi_password')}`;
    await must(cluster.host('pg1'), `curl -sf -u '${credentials}' -X PATCH -d '${JSON.stringify(body)}' http://${address}:8008/config`);
  }

  /** The moments of the newest run at which another like it can be killed. */
  function momentsOfLast(): Moment[] {
    const counts = new Map<string, number>();
    return (lastRun(storeDirectory(cluster.directory, 'demo'))?.events ?? []).flatMap((event): Moment[] => {
      if (!('stage' in event) || event.stage === undefined) return [];
      const { stage } = event;
      const count = counts.get(stage) ?? 0;
      if (event.type === 'stage-end') return count > 0 ? [{ stage, moment: 'end' }] : [];
      if (!/^(?:chang|wait)/u.test(event.type)) return [];
      counts.set(stage, count + 1);
      return [{ stage, moment: 'nth', nth: count + 1 }];
    });
  }

  /** An apply that is killed there, and the same again; tells whether the moment came. */
  async function killedAt(moment: Moment): Promise<boolean> {
    const killed = await start(['apply', cluster.file, '--yes', '--output', 'json'], {
      NODE_OPTIONS: `--import=${HOOK}`,
      INTERRUPT_AT: JSON.stringify([moment]),
    }).finished;
    // How often a host waits is not the same in each run, so one may be over before the moment comes.
    if (killed.signal !== 'SIGKILL') expect(killed.code, `${named(moment)}\n${killed.all}`).toBe(0);
    const again = await apply();
    expect(again.code, `after ${named(moment)}\n${again.all}`).toBe(0);
    return killed.signal === 'SIGKILL';
  }

  /** Corrects once undisturbed, then each time killed at the next moment. */
  async function sweep({ name, damage, check }: Sweep): Promise<void> {
    await damage();
    const undisturbed = await apply();
    expect(undisturbed.code, undisturbed.all).toBe(0);
    const moments = momentsOfLast();
    expect(moments.map(named)).toContain(named(FIRST));
    await check('undisturbed');
    const chosen = sample(moments, 2, name, (moment) => named(moment) === named(FIRST));
    const came: string[] = [];
    for (const moment of chosen) {
      await damage();
      if (await killedAt(moment)) came.push(named(moment));
      await check(named(moment));
    }
    process.stdout.write(`${name}: killed at ${came.length} of ${moments.length} events (${DEPTH}): ${came.join(', ')}\n`);
    expect(came).toContain(named(FIRST));
    expect(came.length).toBeGreaterThanOrEqual(chosen.length / 2);
  }

  it('starts on a cluster that matches the inventory', async () => {
    await cluster.write({ postgresql: { parameters: { work_mem: '12MB', shared_buffers: '64MB' } } });
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await patronictl(cluster.host('pg1'), 'restart demo --force');
    await sql(cluster.host('pg1'), 'create table proof (n serial)');
    await expectWhole('at first');
  });

  it(
    'is finished by the same command when the loop of every Patroni had stopped, and restarts nothing',
    async () => {
      const started = await everywhere('select pg_postmaster_start_time()');
      await sweep({
        name: 'correction of a halted Patroni',
        damage: async () => {
          await commit(await leader());
          await patch({ postgresql: 5 });
        },
        check: async (where) => {
          await expectWhole(where);
          expect(await everywhere('select pg_postmaster_start_time()'), where).toEqual(started);
        },
      });
    },
    patience(1_800_000),
  );

  it.runIf(MATRIX)(
    'is finished by the same command when no PostgreSQL started, and loses no commit',
    async () => {
      const damage = async (): Promise<void> => {
        const first = await leader();
        const [last, standby] = cluster.hosts.filter((host) => host !== first) as [LabHost, LabHost];
        await patch({ postgresql: { parameters: { shared_buffers: '500GB' } } });
        // The last one takes over, and only it has what is committed from then on.
        for (const host of [standby, first]) await restartInVain(host);
        await expect.poll(() => sql(last, 'select pg_is_in_recovery()'), { timeout: patience(90_000) }).toBe('f');
        await commit(last);
        await restartInVain(last);
        await expect.poll(() => etcdctl(first, 'get /service/demo/leader --print-value-only'), { timeout: patience(60_000) }).toBe('');
      };
      await sweep({ name: 'correction of what does not start', damage, check: expectWhole });
    },
    patience(5_400_000),
  );
});
