import { type Bench, assertDone } from '../bench.js';
import type { ClusterContender, Site } from '../contenders/contender.js';
import { contenderTitle } from '../contenders/names.js';
import { plainConnections } from '../contenders/ssh2.js';
import { startRelays } from '../hosts/relays.js';
import { isSample, known, type Sample, secondsOf, type Series } from '../lib/sample.js';
import { median, slope, summarize } from '../lib/statistics.js';
import { target } from '../lib/targets.js';
import type { Target } from '../report/results.js';
import type { Measure } from './measure.js';

/** Added round-trip times in milliseconds. */
const DELAYS = [0, 25, 50, 100];

/** Contenders that take long are measured at two distances, which is what a slope needs. */
const FEW_DELAYS = [0, 50];

export const distance: Measure = {
  name: 'distance',
  title: 'Distance',
  work: `The changeless apply with 0, 25, 50 and 100 ms of round-trip time added by a TCP relay in front of each host's sshd; Ansible, which
takes long, at 0 and 50 ms. The relay runs in a process of its own, keeps the order of bytes, limits no bandwidth and also takes the
time of TCP's handshake. Plain ssh2 connections that are made and closed, without a command, show what the handshake is.
How many round trips a run waits for is how much longer it takes for each second of added time: least squares over the fastest runs,
because whatever else the machine does only ever adds time.`,
  contenders: ['pgprov', 'ansible', 'mitogen', 'ssh2'],
  async run(bench) {
    const series: Series[] = [];
    for (const delay of DELAYS) series.push(...(await at(bench, delay)));
    const trips = (name: string): number | undefined => roundTrips(series.filter(({ contender }) => contender === name));
    return {
      series,
      ratios: [],
      targets: [growth(trips('pgprov'), trips('ssh2'))],
      notes: [...new Set(series.map(({ contender }) => contender))].flatMap((name) => [
        ...described(name, trips(name)),
        ...counted(name, series),
      ]),
    };
  },
};

/** Everybody at one distance, in turn. */
async function at(bench: Bench, delay: number): Promise<Series[]> {
  const repeatable = bench.clusterContenders.filter(({ unchanged }) => unchanged !== undefined);
  const [own] = repeatable;
  const takers = repeatable
    .filter(({ name }) => name === 'pgprov' || FEW_DELAYS.includes(delay))
    .map((contender) => ({
      name: contender.name as string,
      work: (site: Site) => apply(contender, site),
      site: () => bench.standingSite(contender),
    }));
  const handshake = { name: 'ssh2', work: handshakes, site: () => bench.standingSite(own as ClusterContender) };
  return bench.alternate(
    bench.names.has('ssh2') && own !== undefined ? [...takers, handshake] : takers,
    async ({ work, site }) => throughRelays(await site(), delay, work),
    { point: `${delay} ms` },
  );
}

/** Relays of its own for each run, started before the clock and ended after it. */
async function throughRelays(site: Site, delay: number, work: (site: Site) => Promise<Sample>): Promise<Sample> {
  const relays = await startRelays(site.hosts, delay);
  try {
    const sample = await work({ ...site, through: relays.through });
    const traffic = (await relays.traffic()).flat();
    return { ...sample, more: { connections: traffic.length / site.hosts.length, turns: Math.max(...traffic.map(({ turns }) => turns)) } };
  } finally {
    await relays.close();
  }
}

async function apply(contender: ClusterContender, site: Site): Promise<Sample> {
  const run = await contender.apply(site);
  const sample = assertDone(run);
  if (contender.unchanged?.(run) !== true) throw new Error('it changed something');
  return sample;
}

async function handshakes(site: Site): Promise<Sample> {
  const [host] = site.hosts as [Site['hosts'][number]];
  return plainConnections([...(site.through?.values() ?? [])], host);
}

/** Seconds more for each second of distance. */
function roundTrips(series: readonly Series[]): number | undefined {
  return slope(
    series.flatMap((one) => {
      const fastest = summarize(known(secondsOf(one)))?.min;
      return fastest === undefined ? [] : [[milliseconds(one) / 1000, fastest] as const];
    }),
  );
}

function milliseconds({ point }: Series): number {
  return Number.parseInt(point ?? '', 10);
}

/** Times are no whole numbers; the nearest one counts. */
function growth(pgprov: number | undefined, handshake: number | undefined): Target {
  const more = pgprov === undefined || handshake === undefined ? undefined : pgprov - handshake;
  return target(
    'pgprov: grows by the handshake and two round trips',
    more,
    (value) => Math.round(value) <= 2,
    (value) => `the handshake (${handshake?.toFixed(1)} round trips) and ${value.toFixed(1)}`,
  );
}

function described(name: string, trips: number | undefined): string[] {
  return trips === undefined ? [] : [`${contenderTitle(name)}: ${trips.toFixed(1)} round trips by the slope, TCP's handshake among them`];
}

/** What the relays saw at the farthest, where what is said at once also arrives at once. */
function counted(name: string, series: readonly Series[]): string[] {
  const [farthest] = series.filter(({ contender }) => contender === name).sort((a, b) => milliseconds(b) - milliseconds(a));
  const samples = farthest?.runs.filter(isSample) ?? [];
  const [turns, connections] = ['turns', 'connections'].map((what) => median(samples.flatMap(({ more }) => more?.[what] ?? [])));
  if (turns === undefined || connections === undefined) return [];
  const [each, often] = [connections === 1 ? 'one connection' : `${connections} connections`, `${turns} times`];
  return [
    `${contenderTitle(name)}: ${each} a host, on which the client spoke ${often} after it had heard something, as the relay counted at ${farthest?.point} (at most that many round trips, TCP's handshake not among them)`,
  ];
}
