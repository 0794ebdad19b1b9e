import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunEvent, StageShape } from '../../src/events.js';
import type { LabHost } from '../lab/index.js';
import { networkId } from '../lab/network.js';
import { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, etcdctl, must, sql } from './support/outside.js';
import { start, type Finished } from './support/pgprov.js';

const HOOK = fileURLToPath(new URL('support/interrupt.mjs', import.meta.url));

/** A moment of a run; what they are is told in interrupt.mjs. */
interface Moment {
  stage: string;
  moment: 'install' | 'middle' | 'later' | 'end';
  /** The command that interrupts the run; default: kill -9. */
  by?: string;
}

/** Where runs were interrupted, and the moments that did not come because nothing was left to do. */
interface Tally {
  interrupted: Moment[];
  passed: Moment[];
}

const events = (run: Finished): RunEvent[] => run.stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as RunEvent);

/** All moments of a run, from the stages that it announces before it connects to anything. */
async function momentsOf(cluster: TestCluster, by?: (stage: string, moment: Moment['moment']) => string): Promise<Moment[]> {
  const file = await cluster.write({ ssh: { port: 1 } }, join(cluster.directory, 'unreachable.yml'));
  const [first] = events(await start(['plan', file, '--output', 'json']).finished);
  await rm(file);
  const stages: readonly StageShape[] = first?.type === 'run-start' ? first.stages : [];
  const kinds = ['middle', 'later', 'end'] as const;
  // First of all, as nothing would be left to install where the first change in the stage was cut off a moment late.
  const kindsOf = (id: string): readonly Moment['moment'][] => (id.endsWith('/packages') ? ['install', ...kinds] : kinds);
  return stages.flatMap(({ id }) => kindsOf(id).map((moment) => ({ stage: id, moment, ...(by === undefined ? {} : { by: by(id, moment) }) })));
}

/** Runs apply again and again, each time interrupted at the next moment that comes, until none is left. */
async function interruptEverywhere(cluster: TestCluster, moments: readonly Moment[], check: (run: Finished, at: Moment) => Promise<void>): Promise<Tally> {
  const left = [...moments];
  const tally: Tally = { interrupted: [], passed: [] };
  let broken = false;
  while (left.length > 0) {
    const run: Finished = await start(['apply', cluster.file, '--yes', '--output', 'json', ...(broken ? ['--resume'] : [])], {
      NODE_OPTIONS: `--import=${HOOK}`,
      INTERRUPT_AT: JSON.stringify(left),
    }).finished;
    const said = /^interrupted at (.*)$/mu.exec(run.stderr)?.[1];
    expect(said, `the run ended by itself before ${JSON.stringify(left[0])}\n${run.all}`).toBeDefined();
    const at = JSON.parse(said ?? '') as Moment;
    tally.passed.push(...left.splice(0, left.findIndex(({ stage, moment }) => stage === at.stage && moment === at.moment)));
    tally.interrupted.push(...left.splice(0, 1));
    await check(run, at);
    broken = run.code !== 0;
  }
  return tally;
}

/** The newest journaled run. */
async function newestRun(cluster: TestCluster): Promise<{ ending: string; broke: { host?: string; stage?: string }[] } | undefined> {
  const { stdout } = await cluster.run('runs', '--json');
  return (JSON.parse(stdout) as { ending: string; broke: { host?: string; stage?: string }[] }[])[0];
}

/** The hosts were never told that their connections are no more; they must find out, for the locks go with those. */
async function plugIn(cluster: TestCluster): Promise<void> {
  await Promise.all(cluster.hosts.map((host) => host.connect()));
  const held = async (): Promise<string[]> => {
    const codes = await Promise.all(cluster.hosts.map(async (host) => (await host.exec('flock -n /run/pgprov.lock true')).code));
    return cluster.hosts.filter((_, index) => codes[index] !== 0).map(({ name }) => name);
  };
  await expect.poll(held, { timeout: 60_000, interval: 500 }).toEqual([]);
}

function report(how: string, { interrupted, passed }: Tally): void {
  const all = (list: readonly Moment[], kind: Moment['moment']): string[] => list.filter(({ moment }) => moment === kind).map(({ stage }) => stage);
  const missed = all(passed, 'middle');
  process.stdout.write(
    `${how} ${interrupted.length} times: ${all(interrupted, 'middle').length} in the middle of a stage, ${all(interrupted, 'end').length} at its end, ` +
      `${all(interrupted, 'later').length} at a second host (${all(interrupted, 'later').join(', ')}), ${all(interrupted, 'install').length} as packages were installed; nothing was left to do in ${missed.join(', ')}\n`,
  );
}

/** Every stage was interrupted at its end, and in its middle unless an interrupted run had left nothing to do; so was the installation of packages. */
function expectAll(moments: readonly Moment[], { interrupted, passed }: Tally): void {
  const stages = new Set(moments.map(({ stage }) => stage)).size;
  const of = (list: readonly Moment[], kind: Moment['moment']): number => list.filter(({ moment }) => moment === kind).length;
  expect(stages).toBeGreaterThan(9);
  expect(of(interrupted, 'end')).toBe(stages);
  expect(of(interrupted, 'middle')).toBe(stages - of(passed, 'middle'));
  expect(of(interrupted, 'middle')).toBeGreaterThan(stages / 2);
  expect(of(interrupted, 'later')).toBeGreaterThan(0);
  expect(interrupted.filter(({ moment }) => moment === 'install').map(({ stage }) => stage)).toEqual(['postgresql/packages']);
}

/** The same checks for both ways, made from outside of pgprov. */
function checkCluster(cluster: () => TestCluster, tally: () => Tally): void {
  it('is finished by a plain apply, and a further one changes nothing', async () => {
    const run = await cluster().run('apply');
    expect(run.code, run.all).toBe(0);
    expect((await cluster().run('apply')).all).toContain('No changes');
    const resumed = await cluster().run('apply', '--resume');
    expect(resumed).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to resume') as string });
  });

  it('has one leader and two streaming replicas of one cluster, with checksums', async () => {
    const [leader] = cluster().hosts;
    await expect
      .poll(() => describeMembers(cluster().host('pg1')), { timeout: 60_000 })
      .toEqual(['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming']);
    expect(await sql(cluster().host('pg1'), "select count(*) from pg_stat_replication where state = 'streaming'")).toBe('2');
    const systems = await Promise.all(cluster().hosts.map((host) => controldata(host, 'Database system identifier')));
    expect(new Set(systems).size).toBe(1);
    for (const host of cluster().hosts) expect(await controldata(host, 'Data page checksum version')).toBe('1');
    expect(leader === undefined ? '' : await etcdctl(leader, 'get /service/demo/initialize --print-value-only')).toContain(systems[0]);
  });

  it('has three members of etcd', async () => {
    const lines = (await etcdctl(cluster().host('pg1'), 'member list')).split('\n');
    expect(lines.map((line) => line.split(', ').slice(1, 3).join(' ')).sort()).toEqual(['started pg1', 'started pg2', 'started pg3']);
  });

  it('is left with no drafts, and no more data put aside than bootstraps and copies were interrupted', async () => {
    const starts = tally().interrupted.filter(({ stage }) => stage.startsWith('patroni/')).length;
    for (const host of cluster().hosts) {
      expect(await must(host, "dpkg --audit; ls /usr/sbin/policy-rc.d 2>/dev/null; ls -A /run/pgprov-work 2>/dev/null; find / -xdev \\( -name '*.pgprov.??????' -o -name '*.pgprov-initdb*' \\)")).toBe('');
      expect(Number(await must(host, "find /var/lib/postgresql -name '*.aside-*' | wc -l"))).toBeLessThanOrEqual(starts);
    }
  });
}

describe('apply, killed with kill -9 in every stage and between all of them', () => {
  let cluster: TestCluster;
  let tally: Tally;

  beforeAll(async () => {
    cluster = await TestCluster.start('itkill', 'debian13');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('goes on with --resume each time, up to the last stage', async () => {
    const moments = await momentsOf(cluster);
    tally = await interruptEverywhere(cluster, moments, async (run, at) => {
      expect(run.signal, run.all).toBe('SIGKILL');
      const newest = await newestRun(cluster);
      expect(newest, run.all).toMatchObject({ ending: 'broke off' });
      if (at.moment !== 'end') expect(newest?.broke.map(({ stage }) => stage)).toContain(at.stage);
    });
    report('killed', tally);
    expectAll(moments, tally);
  }, 900_000);

  checkCluster(() => cluster, () => tally);
});

describe('apply, with all connections cut in every stage and between all of them', () => {
  let cluster: TestCluster;
  let tally: Tally;

  beforeAll(async () => {
    cluster = await TestCluster.start('itcut', 'debian13');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('ends each time, saying so, and goes on with --resume up to the last stage', async () => {
    const each = (command: (host: LabHost) => string): string => `${cluster.hosts.map((host) => `${command(host)} &`).join(' ')} wait`;
    const cut = each(({ container, user }) => `docker exec ${container} pkill -KILL -u ${user} sshd`);
    const unplug = each(({ container }) => `docker network disconnect ${networkId(cluster.name)} ${container}`);
    const unplugs = (stage: string, moment: Moment['moment']): boolean => stage.endsWith('/start') && moment === 'middle';
    const moments = await momentsOf(cluster, (stage, moment) => (unplugs(stage, moment) ? unplug : cut));
    tally = await interruptEverywhere(cluster, moments, async (run, at) => {
      if (unplugs(at.stage, at.moment)) await plugIn(cluster);
      // A run that has nothing left to do needs its connections no more.
      expect(at.moment === 'end' ? [0, 1, 3] : [1, 3], run.all).toContain(run.code);
      expect(events(run).at(-1)?.type, run.all).toBe('run-end');
    });
    report('cut off', tally);
    expectAll(moments, tally);
  }, 900_000);

  checkCluster(() => cluster, () => tally);
});
