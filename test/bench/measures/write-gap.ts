import { type Bench, assertDone } from '../bench.js';
import type { Site } from '../contenders/contender.js';
import { INVENTORY, PGPROV } from '../contenders/pgprov.js';
import { PATRONI_CONFIG, settled, type Standing } from '../hosts/standing.js';
import { must, sql } from '../hosts/verify.js';
import { timed } from '../lib/child.js';
import type { Sample, Series } from '../lib/sample.js';
import { ratioOf, ratioTarget, seriesOf } from '../lib/targets.js';
import { WritingClient } from '../lib/writing-client.js';
import type { Measure } from './measure.js';

const CLIENT = { user: 'clerk', password: 'clerk-of-the-benchmark' };

const SWITCHOVER = 'switchover';
const IN_PLACE = 'leader restarted in place';
const BY_SWITCHOVER = 'leader restarted by a switchover';
const synchronous = (point: string): string => `${point}, synchronous_mode`;

/** One way to do one thing: the program's command for a cluster as it stands. */
interface Way {
  contender: 'pgprov' | 'patronictl';
  point: string;
  command(site: Site, standing: Standing): Promise<Partial<Sample>>;
}

export const writeGap: Measure = {
  name: 'write-gap',
  title: 'Write gap',
  work: `For how long a client cannot write: the time between the last commit on one server and the first on the next one, or on the same one after
its restart. The client is a psql that has all three hosts in its connection string (\`target_session_attrs=read-write\`), commits about fifty times a
second and connects anew at once when it loses its connection. The times are such gaps; the time of the command is not in them. One cluster that pgprov made, a small database; whoever takes the lead next is another member
each time, the synchronous standby where there is one. Before every run all members stream. patronictl runs on the leader's host, pgprov here, over SSH.`,
  contenders: ['pgprov', 'patronictl'],
  async run(bench) {
    const own = bench.clusterContenders.find(({ name }) => name === 'pgprov');
    if (own === undefined) return { series: [], ratios: [], targets: [], notes: [] };
    const site = { ...(await bench.freshSite('gap')), hba: [`host postgres ${CLIENT.user} 0.0.0.0/0 scram-sha-256`] };
    assertDone(await own.apply(site));
    const first = await settled(site.hosts);
    await sql(
      first.leader,
      `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'; GRANT CREATE ON SCHEMA public TO ${CLIENT.user}`,
    );
    const client = await WritingClient.start({ ...CLIENT, addresses: site.hosts.map(({ address }) => address) });
    try {
      const series = await all(bench, site, client);
      return { series, ...conclude(series) };
    } finally {
      client.stop();
    }
  },
};

async function all(bench: Bench, site: Site, client: WritingClient): Promise<Series[]> {
  const inTurn = async (ways: readonly Way[]): Promise<Series[]> => {
    const present = ways.filter(({ contender }) => bench.names.has(contender));
    const taken = await bench.alternate(
      present.map((way) => ({ ...way, name: `${way.contender}, ${way.point}` })),
      (way) => gapOf(way, site, client),
    );
    return present.map(({ contender, point }, index) => ({ contender, point, runs: taken[index]?.runs ?? [] }));
  };
  const series = await inTurn([
    pgprov(SWITCHOVER, 'switchover', ({ next }) => ['--to', next.name]),
    patronictl(SWITCHOVER, 'switchover', ({ leader, next }) => ['--leader', leader.name, '--candidate', next.name]),
    pgprov(IN_PLACE, 'restart', inPlace),
    patronictl(IN_PLACE, 'restart', ({ leader }) => [leader.name]),
    pgprov(BY_SWITCHOVER, 'restart', bySwitchover),
  ]);
  const { leader } = await settled(site.hosts);
  await must(leader, `patronictl -c ${PATRONI_CONFIG} edit-config demo -s synchronous_mode=true --force`);
  return [
    ...series,
    ...(await inTurn([pgprov(synchronous(IN_PLACE), 'restart', inPlace), pgprov(synchronous(BY_SWITCHOVER), 'restart', bySwitchover)])),
  ];
}

async function gapOf({ command }: Way, site: Site, client: WritingClient): Promise<Sample> {
  const standing = await settled(site.hosts);
  const { gap, result } = await client.gapDuring(async () => {
    const spent = await command(site, standing);
    // What fails only after the command's end counts as well.
    await settled(site.hosts);
    return spent;
  });
  return { ...result, seconds: gap };
}

type Words = (standing: Standing) => readonly string[];
const inPlace: Words = ({ leader }) => ['--host', leader.name, '--in-place'];
const bySwitchover: Words = ({ leader }) => ['--host', leader.name, '--switchover'];

function pgprov(point: string, command: string, words: Words): Way {
  return {
    contender: 'pgprov',
    point,
    command: async ({ directory }, standing) => {
      const argv = [process.execPath, PGPROV, command, INVENTORY, ...words(standing), '--yes'];
      return assertDone(await timed(argv, { cwd: directory }));
    },
  };
}

function patronictl(point: string, command: string, words: Words): Way {
  return {
    contender: 'patronictl',
    point,
    command: async (_site, standing) => {
      await must(standing.leader, `patronictl -c ${PATRONI_CONFIG} ${command} demo ${words(standing).join(' ')} --force`);
      return {};
    },
  };
}

function conclude(series: readonly Series[]): Pick<Awaited<ReturnType<Measure['run']>>, 'ratios' | 'targets' | 'notes'> {
  const of = (name: Way['contender'], point: string): Series | undefined => seriesOf(series, name, point);
  const compared = [SWITCHOVER, IN_PLACE].map((point) =>
    ratioOf(`pgprov ÷ patronictl, ${point}`, of('pgprov', point), of('patronictl', point)),
  );
  const ways = [(point: string) => point, synchronous].map((as) =>
    ratioOf(`pgprov: ${as(IN_PLACE)} ÷ ${BY_SWITCHOVER}`, of('pgprov', as(IN_PLACE)), of('pgprov', as(BY_SWITCHOVER))),
  );
  return {
    ratios: [...compared, ...ways],
    targets: compared.map((ratio, index) =>
      ratioTarget(`${[SWITCHOVER, IN_PLACE][index]}: at most 1.10 times patronictl`, ratio, (value) => value <= 1.1),
    ),
    notes: [],
  };
}
