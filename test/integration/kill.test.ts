import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunEvent, StageShape } from '../../src/events.js';
import { type LabHost, type System, SYSTEMS } from '../lab/index.js';
import { networkId } from '../lab/network.js';
import { DEPTH, MATRIX, sample } from '../support/depth.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, etcdctl, must, sql } from './support/outside.js';
import { placesOf } from './support/places.js';
import { start, type Finished } from './support/pgprov.js';

/** The matrix runs this file on each system. */
const OS = (process.env['PGPROV_OS'] ?? 'debian13') as System;

/** The stage that installs the packages of all roles; interrupted before it, a run has little to lose. */
const PACKAGES = 'postgresql/packages';

const HOOK = fileURLToPath(new URL('support/interrupt.mjs', import.meta.url));

/** A moment of a run; what they are is told in interrupt.mjs. */
interface Moment {
  stage: string;
  moment: 'install' | 'middle' | 'later' | 'end';
  /** The command that interrupts the run; default: kill -9. */
  by?: string;
}

type Matches = (at: Moment) => boolean;

/** Where runs were interrupted, and the moments that did not come because nothing was left to do. */
interface Tally {
  interrupted: Moment[];
  passed: Moment[];
}

const events = (run: Finished): RunEvent[] =>
  run.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as RunEvent);

/** All moments of a run, from the stages that it announces before it connects to anything. */
async function momentsOf(cluster: TestCluster, by?: (stage: string, moment: Moment['moment']) => string): Promise<Moment[]> {
  const file = await cluster.write({ ssh: { port: 1 } }, join(cluster.directory, 'unreachable.yml'));
  const [first] = events(await start(['plan', file, '--output', 'json']).finished);
  await rm(file);
  const stages: readonly StageShape[] = first?.type === 'run-start' ? first.stages : [];
  const kinds = ['middle', 'later', 'end'] as const;
  // First of all, as nothing would be left to install where the first change in the stage was cut off a moment late.
  const kindsOf = (id: string): readonly Moment['moment'][] => (id.endsWith('/packages') ? ['install', ...kinds] : kinds);
  return stages.flatMap(({ id }) =>
    kindsOf(id).map((moment) => ({ stage: id, moment, ...(by === undefined ? {} : { by: by(id, moment) }) })),
  );
}

/** Runs apply again and again, each time interrupted at the next moment that comes, until none is left. */
async function interruptEverywhere(
  cluster: TestCluster,
  moments: readonly Moment[],
  check: (run: Finished, at: Moment) => Promise<void>,
): Promise<Tally> {
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
    tally.passed.push(
      ...left.splice(
        0,
        left.findIndex(({ stage, moment }) => stage === at.stage && moment === at.moment),
      ),
    );
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
  await expect.poll(held, { timeout: patience(60_000), interval: 500 }).toEqual([]);
}

/** Whether a moment is one of these, each written as `etcd/start end`. */
const oneOf =
  (...names: readonly string[]): Matches =>
  ({ stage, moment }) =>
    names.includes(`${stage} ${moment}`);

/**
 * All moments in the matrix, otherwise a sample in the order of the run, which has the last one: what comes after it would be
 * left to the plain apply, whose plan could not foresee what an interrupted step still does.
 * @param counts of those before the stage `from`, and of those from there on, with what is `always` in
 */
function choose(
  moments: readonly Moment[],
  from: string,
  counts: { before: number; after: number },
  how: string,
  always: Matches,
): Moment[] {
  const at = moments.findIndex(({ stage }) => stage === from);
  expect(at, `there is no stage ${from}`).toBeGreaterThan(0);
  const last = moments.at(-1);
  return [
    ...sample(moments.slice(0, at), counts.before, `${how} before`),
    ...sample(moments.slice(at), counts.after, how, (moment) => moment === last || always(moment)),
  ];
}

function report(how: string, { interrupted, passed }: Tally): void {
  const all = (list: readonly Moment[], kind: Moment['moment']): string[] =>
    list.filter(({ moment }) => moment === kind).map(({ stage }) => stage);
  const [middle, end, later, install] = (['middle', 'end', 'later', 'install'] as const).map((kind) => all(interrupted, kind));
  const parts = [
    [middle, 'in the middle of a stage'],
    [end, 'at its end'],
    [later, 'at a second host'],
    [install, 'as packages were installed'],
  ] as const;
  const told = parts.flatMap(([stages = [], where]) => (stages.length === 0 ? [] : [`${stages.length} ${where} (${stages.join(', ')})`]));
  const missed =
    passed.length === 0 ? '' : `; nothing was left to do at ${passed.map(({ stage, moment }) => `${stage} ${moment}`).join(', ')}`;
  process.stdout.write(`${how} ${interrupted.length} times (${DEPTH}): ${told.join(', ')}${missed}\n`);
}

/**
 * Every chosen moment came, but for those within a stage in which an interrupted run had left nothing to do; what is `always`
 * chosen came for sure. In the matrix that is every stage at its end, and most of those from `from` on in their middle.
 */
function expectAll(moments: readonly Moment[], { interrupted, passed }: Tally, from: string, always: Matches): void {
  const of = (list: readonly Moment[], kind: Moment['moment']): string[] =>
    list.filter(({ moment }) => moment === kind).map(({ stage }) => stage);
  expect(moments.filter((moment) => interrupted.includes(moment) || passed.includes(moment))).toEqual(moments);
  expect(of(interrupted, 'end')).toEqual(of(moments, 'end'));
  expect(interrupted.filter(always)).toEqual(moments.filter(always));
  expect(interrupted.at(-1)).toBe(moments.at(-1));
  if (!MATRIX) return;
  const stages = of(moments, 'end');
  const concerned = stages.slice(stages.indexOf(from));
  expect(stages.length).toBeGreaterThan(9);
  expect(of(interrupted, 'middle').filter((stage) => concerned.includes(stage)).length).toBeGreaterThan(concerned.length / 2);
  expect(of(interrupted, 'later').length).toBeGreaterThan(0);
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
      .poll(() => describeMembers(cluster().host('pg1')), { timeout: patience(60_000) })
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

  it('leaves no drafts, and puts aside no more data than bootstraps and copies were interrupted', async () => {
    const starts = tally().interrupted.filter(({ stage }) => stage.startsWith('patroni/')).length;
    const audit = SYSTEMS[OS].family === 'debian' ? 'dpkg --audit; ' : '';
    for (const host of cluster().hosts) {
      expect(
        await must(
          host,
          `${audit}ls /usr/sbin/policy-rc.d 2>/dev/null; ls -A /run/pgprov-work 2>/dev/null; find / -xdev \\( -name '*.pgprov.??????' -o -name '*.pgprov-initdb*' \\)`,
        ),
      ).toBe('');
      expect(Number(await must(host, `find ${placesOf(OS).home} -name '*.aside-*' | wc -l`))).toBeLessThanOrEqual(starts);
    }
  });
}

const WHERE = MATRIX ? 'in every stage and between all of them' : 'in some stages and between some';

describe(`apply, killed with kill -9 ${WHERE} (${OS}, ${DEPTH})`, () => {
  let cluster: TestCluster;
  let tally: Tally;
  const always = oneOf(`${PACKAGES} install`, 'etcd/start end', 'patroni/start middle');

  beforeAll(async () => {
    cluster = await TestCluster.start('itkill', OS);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it(
    'continues with --resume each time, up to the last stage',
    async () => {
      const moments = choose(await momentsOf(cluster), PACKAGES, { before: 1, after: 4 }, 'kill', always);
      tally = await interruptEverywhere(cluster, moments, async (run, at) => {
        expect(run.signal, run.all).toBe('SIGKILL');
        const newest = await newestRun(cluster);
        expect(newest, run.all).toMatchObject({ ending: 'broke off' });
        if (at.moment !== 'end') expect(newest?.broke.map(({ stage }) => stage)).toContain(at.stage);
      });
      report('killed', tally);
      expectAll(moments, tally, 'base/prepare', always);
    },
    patience(900_000),
  );

  checkCluster(
    () => cluster,
    () => tally,
  );
});

// Nothing here is about installing: a sample begins on hosts that have their packages.
describe(`apply, with all connections cut ${WHERE} (${OS}, ${DEPTH})`, () => {
  let cluster: TestCluster;
  let tally: Tally;
  const always = oneOf('patroni/start middle');
  /** The first stage that has something to do where the packages are there. */
  const FIRST = 'etcd/configure';

  beforeAll(async () => {
    cluster = await TestCluster.start('itcut', OS, 3, MATRIX ? 'bare' : 'packages');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it(
    'ends each time with a message, and continues with --resume up to the last stage',
    async () => {
      const each = (command: (host: LabHost) => string): string => `${cluster.hosts.map((host) => `${command(host)} &`).join(' ')} wait`;
      const cut = each(({ container, user }) => `docker exec ${container} pkill -KILL -u ${user} sshd`);
      const unplug = each(({ container }) => `docker network disconnect ${networkId(cluster.name)} ${container}`);
      const unplugs = (stage: string, moment: Moment['moment']): boolean => stage.endsWith('/start') && moment === 'middle';
      const all = await momentsOf(cluster, (stage, moment) => (unplugs(stage, moment) ? unplug : cut));
      const moments = choose(all, FIRST, { before: 0, after: 3 }, 'cut', always);
      tally = await interruptEverywhere(cluster, moments, async (run, at) => {
        if (unplugs(at.stage, at.moment)) await plugIn(cluster);
        // A run that has nothing left to do needs its connections no more.
        expect(at.moment === 'end' ? [0, 1, 3] : [1, 3], run.all).toContain(run.code);
        expect(events(run).at(-1)?.type, run.all).toBe('run-end');
      });
      report('cut off', tally);
      expectAll(moments, tally, FIRST, always);
    },
    patience(900_000),
  );

  checkCluster(
    () => cluster,
    () => tally,
  );
});
