import { loadavg } from 'node:os';
import { type Bench, assertDone } from '../bench.js';
import type { Site } from '../contenders/contender.js';
import { INVENTORY, PGPROV } from '../contenders/pgprov.js';
import { MEMBERS } from '../hosts/cluster-hosts.js';
import { settled } from '../hosts/standing.js';
import { must, sql } from '../hosts/verify.js';
import { timed } from '../lib/child.js';
import type { Failure, Sample, Series } from '../lib/sample.js';
import { isSample } from '../lib/sample.js';
import { ratioOf, ratioTarget, seriesOf, target } from '../lib/targets.js';
import { type Seen, WritingClient } from '../lib/writing-client.js';
import type { Measure } from './measure.js';

const CLIENT = { user: 'clerk', password: 'clerk-of-the-benchmark' };

const DIRECT = 'all members';
const HAPROXY = 'HAProxy';
const PGBOUNCER = 'PgBouncer';
const VIP = 'virtual address';
const WAYS = [DIRECT, HAPROXY, PGBOUNCER, VIP] as const;
type Way = (typeof WAYS)[number];

/** What the client of each way writes beside its numbers. */
const NAMES: Record<Way, string> = { [DIRECT]: 'direct', [HAPROXY]: 'haproxy', [PGBOUNCER]: 'pgbouncer', [VIP]: 'vip' };

const SWITCHOVER = 'switchover';
const RESTART = 'rolling restart';
const POWER = 'the leader’s host without power';
/** What happens once more with `synchronous_mode` has this behind its name. */
const SYNCHRONOUS = ', synchronous_mode';
const PLANNED = [SWITCHOVER, RESTART, `${SWITCHOVER}${SYNCHRONOUS}`];

/** Something that happens to a cluster in which all members stream; over when it is whole again. */
interface Event {
  name: string;
  /** Whether commits wait for a standby meanwhile. */
  synchronous?: true;
  happen(ground: Ground): Promise<void>;
}

interface Ground {
  site: Site;
  /** Has the cluster's commits wait for a standby, or not. */
  synchronize(on: boolean): Promise<void>;
  clients: ReadonlyMap<Way, WritingClient>;
}

const switchover: Event = {
  name: SWITCHOVER,
  happen: async ({ site }) => pgprov(site, 'switchover', '--to', (await settled(site.hosts)).next.name),
};

const powerLoss: Event = {
  name: POWER,
  happen: async ({ site, clients }) => {
    const { leader } = await settled(site.hosts);
    await leader.kill();
    await allWrite(clients);
    await leader.start();
  },
};

const EVENTS: readonly Event[] = [
  switchover,
  { name: RESTART, happen: ({ site }) => pgprov(site, 'restart') },
  powerLoss,
  {
    name: 'a proxy without power',
    happen: async ({ site, clients }) => {
      const [proxy] = site.proxies?.hosts ?? [];
      await proxy?.kill();
      await allWrite(clients);
      await proxy?.start();
    },
  },
  {
    name: 'a member of etcd stopped',
    happen: async ({ site, clients }) => {
      const { next } = await settled(site.hosts);
      await must(next, 'systemctl stop etcd; sleep 20');
      await allWrite(clients);
      await must(next, 'systemctl start etcd');
    },
  },
  ...[switchover, powerLoss].map((event): Event => ({ ...event, name: `${event.name}${SYNCHRONOUS}`, synchronous: true })),
];

export const waysIn: Measure = {
  name: 'ways-in',
  title: 'Ways in',
  work: `For how long clients cannot write, by the way they come in, while the same thing happens to all of them: the longest time between two commits of
a psql that commits about fifty times a second and connects anew at once when it loses its connection. One has all three members in its connection string
(\`target_session_attrs=read-write\`), one both proxies with the port of HAProxy, one both with that of PgBouncer (transaction pools), one the proxies’ virtual
address with the port of HAProxy. Switchover and restart are \`pgprov switchover --pause-pools\` and \`pgprov restart --pause-pools\`. One cluster that pgprov
made, three members and two proxies; replication is asynchronous but for what says \`synchronous_mode\`.`,
  contenders: ['pgprov'],
  async run(bench) {
    const own = bench.clusterContenders.find(({ name }) => name === 'pgprov');
    if (own === undefined) return { series: [], ratios: [], targets: [], notes: [] };
    const all = await bench.freshSite('ways', [...MEMBERS, 'lb1', 'lb2']);
    const hosts = all.hosts.filter(({ name }) => MEMBERS.includes(name));
    const proxies = all.hosts.filter(({ name }) => !MEMBERS.includes(name));
    const vip = await addressBeside(hosts);
    const sections = { roles: ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni'], vip: { address: vip } };
    const proxied = { hosts: proxies, roles: ['base', 'pgdg', 'haproxy', 'pgbouncer', 'vip'], sections };
    const site: Site = {
      ...all,
      hosts,
      proxies: proxied,
      hba: [`host postgres ${CLIENT.user} 0.0.0.0/0 scram-sha-256`],
    };
    assertDone(await own.apply(site));
    const { leader } = await settled(hosts);
    await sql(leader, `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'; GRANT CREATE ON SCHEMA public TO ${CLIENT.user}`);
    const addresses = { members: hosts.map(({ address }) => address), proxies: proxies.map(({ address }) => address) };
    const clients = new Map<Way, WritingClient>();
    try {
      // One after the other: the first makes the table.
      clients.set(DIRECT, await WritingClient.start({ ...CLIENT, addresses: addresses.members }, NAMES[DIRECT]));
      clients.set(HAPROXY, await WritingClient.start({ ...CLIENT, addresses: addresses.proxies, port: 5000 }, NAMES[HAPROXY]));
      clients.set(PGBOUNCER, await WritingClient.start({ ...CLIENT, addresses: addresses.proxies, port: 6432 }, NAMES[PGBOUNCER]));
      clients.set(VIP, await WritingClient.start({ ...CLIENT, addresses: [vip.split('/')[0] ?? vip], port: 5000 }, NAMES[VIP]));
      const synchronize = async (synchronous_mode: boolean): Promise<void> => {
        const changed = { ...site, proxies: { ...proxied, sections: { ...sections, patroni: { synchronous_mode } } } };
        assertDone(await own.apply(changed));
      };
      return conclude(await everything(bench, { site, clients, synchronize }));
    } finally {
      for (const client of clients.values()) client.stop();
    }
  },
};

/** An address of the hosts' network that none of them has, as `10.0.0.200/24`. */
async function addressBeside(hosts: Site['hosts']): Promise<string> {
  const [host] = hosts as [Site['hosts'][number]];
  const own = await must(host, `ip -o -4 addr show to ${host.address} | awk '{ print $4 }'`);
  return own.replace(/\.\d+\//u, '.200/');
}

async function everything(bench: Bench, ground: Ground): Promise<Series[]> {
  const series = EVENTS.flatMap(({ name }) => WAYS.map((way): Series => ({ contender: way, point: name, runs: [] })));
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const event of EVENTS) {
      const runs = await take(event, ground).catch((error: unknown) => failedBy(error));
      for (const way of WAYS) {
        const run = runs.get(way);
        if (run !== undefined) seriesOf(series, way, event.name)?.runs.push(run);
      }
      bench.say(`round ${round + 1}/${bench.rounds}, ${event.name}: ${WAYS.map((way) => `${way} ${words(runs.get(way))}`).join('; ')}`);
    }
  }
  return series;
}

function failedBy(error: unknown): Map<Way, Failure> {
  const failed = String(error instanceof Error ? error.message : error);
  return new Map(WAYS.map((way) => [way, { failed }]));
}

/** Has something happen while all clients write, and looks afterwards whether all that they were told is there. */
async function take(event: Event, ground: Ground): Promise<Map<Way, Sample>> {
  const { site, clients } = ground;
  await settled(site.hosts);
  await ground.synchronize(event.synchronous ?? false);
  await settled(site.hosts);
  await allWrite(clients);
  let ended = (): void => undefined;
  const over = new Promise<void>((resolve) => (ended = resolve));
  const watched = Promise.all([...clients].map(async ([way, client]) => [way, await client.seenDuring(() => over)] as const));
  try {
    await event.happen(ground);
    // What fails only after the event counts as well.
    await settled(site.hosts);
  } finally {
    ended();
  }
  const { leader } = await settled(site.hosts);
  const runs = new Map<Way, Sample>();
  for (const [way, seen] of await watched) runs.set(way, sampleOf(seen, await thereOf(way, leader)));
  return runs;
}

async function thereOf(way: Way, leader: Site['hosts'][number]): Promise<Set<number>> {
  return new Set((await sql(leader, `SELECT number FROM written WHERE client = '${NAMES[way]}'`)).split('\n').map(Number));
}

function sampleOf({ pause, told, broken }: Seen, there: ReadonlySet<number>): Sample {
  return { seconds: pause, more: { told: told.length, lost: told.filter((number) => !there.has(number)).length, broken } };
}

async function allWrite(clients: Ground['clients']): Promise<void> {
  await Promise.all([...clients.values()].map((client) => client.writes()));
}

async function pgprov(site: Site, command: string, ...words: string[]): Promise<void> {
  const argv = [process.execPath, PGPROV, command, INVENTORY, ...words, '--pause-pools', '--yes'];
  assertDone(await timed(argv, { cwd: site.directory }));
}

function words(run: Sample | Failure | undefined): string {
  if (run === undefined || !isSample(run)) return `failed: ${run?.failed ?? 'not seen'}`;
  const { told = 0, lost = 0, broken = 0 } = run.more ?? {};
  return `${run.seconds.toFixed(2)} s (told ${told}, lost ${lost}, ${broken} broken)`;
}

/** The sum of something over the runs of a way; undefined where none was measured. */
function sumOf(series: Series | undefined, what: 'told' | 'lost' | 'broken'): number | undefined {
  const runs = series?.runs.filter(isSample) ?? [];
  return runs.length === 0 ? undefined : runs.reduce((sum, { more }) => sum + (more?.[what] ?? 0), 0);
}

function conclude(series: readonly Series[]): Awaited<ReturnType<Measure['run']>> {
  const ratios = EVENTS.flatMap(({ name }) =>
    [HAPROXY, PGBOUNCER, VIP].map((way) =>
      ratioOf(`${way} ÷ all members, ${name}`, seriesOf(series, way, name), seriesOf(series, DIRECT, name)),
    ),
  );
  const [throughHaproxy] = ratios;
  const lost = (names: readonly string[]): number | undefined => total(series, names, WAYS, 'lost');
  return {
    series: [...series],
    ratios,
    targets: [
      ...(throughHaproxy === undefined
        ? []
        : [ratioTarget('switchover through HAProxy: at most 1.2 times all members', throughHaproxy, (value) => value <= 1.2)]),
      target(
        'connections through PgBouncer that a switchover or restart breaks: 0',
        total(series, PLANNED, [PGBOUNCER], 'broken'),
        (value) => value === 0,
        String,
      ),
      target('commits that were told and are lost over a switchover or restart: 0', lost(PLANNED), (value) => value === 0, String),
      target(
        'commits that were told and are lost with the leader’s host and synchronous_mode: 0',
        lost([`${POWER}${SYNCHRONOUS}`]),
        (value) => value === 0,
        String,
      ),
    ],
    notes: [
      ...EVENTS.map(({ name }) => `${name}: ${WAYS.map((way) => tallied(way, seriesOf(series, way, name))).join('; ')}`),
      `the machine’s load average over the last five minutes was ${(loadavg()[1] ?? 0).toFixed(1)}; on a busy machine these are partly its own pauses`,
    ],
  };
}

function total(series: readonly Series[], names: readonly string[], ways: readonly Way[], what: 'lost' | 'broken'): number | undefined {
  const sums = names.flatMap((name) => ways.map((way) => sumOf(seriesOf(series, way, name), what)));
  const seen = sums.filter((sum) => sum !== undefined);
  return seen.length === 0 ? undefined : seen.reduce((all, sum) => all + sum, 0);
}

function tallied(way: Way, series: Series | undefined): string {
  const [told, lost, broken] = (['told', 'lost', 'broken'] as const).map((what) => sumOf(series, what) ?? 0);
  return `${way}: ${told} commits told, ${lost} of them lost, ${broken} connections broken`;
}
