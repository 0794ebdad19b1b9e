import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { IDENTITY_FILE } from '../../lab/index.js';
import { type Bench, assertDone } from '../bench.js';
import { playbookChangedNothing, runPlaybook, type Strategy } from '../contenders/ansible.js';
import type { Endpoint } from '../contenders/contender.js';
import type { ContenderName } from '../contenders/names.js';
import { plainConnections } from '../contenders/ssh2.js';
import { type LightHost, type LightHosts, resetLightHosts, startLightHosts, verifyLightHosts } from '../hosts/light-hosts.js';
import { type Finished, timed } from '../lib/child.js';
import { programFile } from '../lib/program.js';
import { type Failure, isSample, type Sample, type Series } from '../lib/sample.js';
import { medianSeconds, ratioOf, ratioTarget, seriesOf, target } from '../lib/targets.js';
import { median } from '../lib/statistics.js';
import { seconds } from '../report/numbers.js';
import type { Ratio, Target } from '../report/results.js';
import type { Measure } from './measure.js';

const LOGIN = { user: 'admin', identityFile: IDENTITY_FILE };

/** Of the file that is copied. */
const COPIED_BYTES = 20_000;

/** Ansible, which takes minutes, is measured with so many hosts and with the most. */
const FEW = 10;

/** Everybody that does the work and can do it again. */
type Taker = 'pgprov' | 'ansible' | 'mitogen';

interface Wide extends LightHosts {
  directory: string;
  /** The file that is copied, and its SHA-256. */
  copied: string;
  digest: string;
}

export const width: Measure = {
  name: 'width',
  title: 'Width',
  work: `A user with a home, a file with owner and mode, a copied file of ${COPIED_BYTES / 1000} kB and a command that is run once, on light hosts: containers
that run nothing but sshd, each with a file system and an address of its own. "First" is on hosts that have nothing of it, "again" on the
same hosts afterwards. After the first every host is checked, and the second counts only if it changed nothing. Ansible, which takes
minutes, is measured with ${FEW} hosts and with the most. pgprov has no roles for such work, so it is a role written for this
([wide-role.ts](../../test/bench/programs/wide-role.ts): two \`file\` and two \`command\` resources) that pgprov's own engine applies over SSH with
survey, locks and proof as ever, started by a program of a few lines ([wide.ts](../../test/bench/programs/wide.ts)). Ansible and Mitogen run
a playbook of four tasks with 25 forks, without gathering facts. Plain ssh2 is one process that connects to all hosts, at most 50
handshakes at once as pgprov, and runs \`true\` without sudo; "by hand" it runs one script with sudo that does the first work and asks
nothing, which shows what the work itself takes on these hosts. The hosts' sshd share the machine's cores with what is measured.`,
  contenders: ['pgprov', 'ansible', 'mitogen', 'ssh2'],
  async run(bench) {
    const most = Math.max(...bench.widths);
    bench.say(`starting ${most} light hosts`);
    const directory = await bench.directory('wide');
    const copied = join(directory, 'copied.txt');
    const text = 'All work and no play makes a dull benchmark.\n'.repeat(Math.ceil(COPIED_BYTES / 45)).slice(0, COPIED_BYTES);
    await writeFile(copied, text);
    const wide: Wide = {
      ...(await startLightHosts(most, bench.image, directory)),
      directory,
      copied,
      digest: createHash('sha256').update(text).digest('hex'),
    };
    const series: Series[] = [];
    for (const count of bench.widths) series.push(...(await at(bench, wide, count)));
    return { series, ...conclude(series, bench.widths) };
  },
};

/** Everybody on so many hosts, in turn. */
async function at(bench: Bench, wide: Wide, count: number): Promise<Series[]> {
  const hosts = wide.hosts.slice(0, count);
  const slow = count === FEW || count === Math.max(...bench.widths);
  const takers = (['pgprov', 'ansible', 'mitogen'] as const).filter((name) => bench.names.has(name) && (name === 'pgprov' || slow));
  const point = (which: string): string => `${count} ${count === 1 ? 'host' : 'hosts'}, ${which}`;
  const again: Series[] = takers.map((contender) => ({ contender, point: point('again'), runs: [] }));
  const byHand: Series | undefined = bench.names.has('ssh2')
    ? { contender: 'ssh2', point: point('the work by hand'), runs: [] }
    : undefined;
  const first = await bench.alternate(
    [...takers, ...(bench.names.has('ssh2') ? ['ssh2' as const] : [])].map((name) => ({ name })),
    async ({ name }) => {
      if (name === 'ssh2') {
        byHand?.runs.push(await plainWork(wide, hosts));
        return plainConnections(endpoints(hosts), LOGIN, { command: 'true' });
      }
      await resetLightHosts(hosts);
      const done = assertDone(await work(name, wide, hosts));
      await verifyLightHosts(hosts, wide.digest);
      const repeated = await work(name, wide, hosts);
      seriesOf(again, name, point('again'))?.runs.push(
        changedNothing(name, repeated) ? assertDone(repeated) : { failed: `it changed something, or failed with ${repeated.code}` },
      );
      return done;
    },
    { point: point('first') },
  );
  return [
    ...first.map((one) => (one.contender === 'ssh2' ? { ...one, point: point('true') } : one)),
    ...(byHand === undefined ? [] : [byHand]),
    ...again,
  ];
}

/** One script a host that does the first work without asking what is there: what the work itself takes. */
async function plainWork({ copied, digest }: Wide, hosts: readonly LightHost[]): Promise<Sample | Failure> {
  await resetLightHosts(hosts);
  const input = `set -e
useradd --create-home --home-dir /home/bench --shell /bin/bash bench
install -o bench -g root -m 664 /dev/null /var/log/bench.log
cat >/home/bench/copied.txt <<'END'
${await readFile(copied, 'utf8')}
END
truncate -s ${COPIED_BYTES} /home/bench/copied.txt
chown bench:bench /home/bench/copied.txt
chmod 644 /home/bench/copied.txt
touch /var/lib/bench.done
`;
  try {
    const sample = await plainConnections(endpoints(hosts), LOGIN, { command: 'sudo -n sh -s', input });
    await verifyLightHosts(hosts, digest);
    return sample;
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

function endpoints(hosts: readonly LightHost[]): Endpoint[] {
  return hosts.map(({ address }) => ({ address, port: 22 }));
}

function changedNothing(name: Taker, run: Finished): boolean {
  return run.code === 0 && (name === 'pgprov' ? run.stdout === '0 changes\n' : playbookChangedNothing(run));
}

async function work(name: Taker, wide: Wide, hosts: readonly LightHost[]): Promise<Finished> {
  return name === 'pgprov' ? engine(wide, hosts) : playbook(name === 'mitogen' ? 'mitogen' : 'linear', wide, hosts);
}

async function engine({ directory, copied, knownHosts }: Wide, hosts: readonly LightHost[]): Promise<Finished> {
  const file = join(directory, `inventory-${hosts.length}.yml`);
  const ssh = { user: LOGIN.user, identity_file: LOGIN.identityFile, known_hosts: knownHosts, config: false };
  await writeFile(
    file,
    stringify({ cluster: 'wide', roles: ['wide'], ssh, hosts: Object.fromEntries(hosts.map(({ name, address }) => [name, address])) }),
  );
  return timed([process.execPath, programFile('wide'), file, copied]);
}

async function playbook(strategy: Strategy, { directory, copied, knownHosts }: Wide, hosts: readonly LightHost[]): Promise<Finished> {
  const inventory = join(directory, `inventory-${hosts.length}.ini`);
  await writeFile(inventory, `[cluster]\n${hosts.map(({ name, address }) => `${name} ansible_host=${address}`).join('\n')}\n`);
  return runPlaybook(strategy, { playbook: 'width.yml', inventory, values: { copied }, knownHosts, ...LOGIN, directory });
}

function conclude(series: readonly Series[], widths: readonly number[]): { ratios: Ratio[]; targets: Target[]; notes: string[] } {
  const most = Math.max(...widths);
  const of = (name: ContenderName, which: string, count = most): Series | undefined =>
    seriesOf(series, name, `${count} ${count === 1 ? 'host' : 'hosts'}, ${which}`);
  const both = ['first', 'again'];
  const floor = both.map((which) => ratioOf(`pgprov, ${which} ÷ plain ssh2, ${most} hosts`, of('pgprov', which), of('ssh2', 'true')));
  const byHand = ratioOf(
    `pgprov, first ÷ plain ssh2 with the work by hand, ${most} hosts`,
    of('pgprov', 'first'),
    of('ssh2', 'the work by hand'),
  );
  const ansible = both.map((which) => ratioOf(`Ansible ÷ pgprov, ${which}, ${most} hosts`, of('ansible', which), of('pgprov', which)));
  const mitogen = both.map((which) => ratioOf(`Mitogen ÷ pgprov, ${which}, ${most} hosts`, of('mitogen', which), of('pgprov', which)));
  const peak = median(
    [...(of('pgprov', 'first')?.runs ?? []), ...(of('pgprov', 'again')?.runs ?? [])].filter(isSample).flatMap(({ peak }) => peak ?? []),
  );
  return {
    ratios: [...floor, byHand, ...ansible, ...mitogen],
    targets: [
      ...floor.map((ratio, index) =>
        ratioTarget(`${most} hosts, ${both[index]}: at most 1.5 times plain ssh2 that runs \`true\``, ratio, (value) => value <= 1.5),
      ),
      ...ansible.map((ratio, index) =>
        ratioTarget(`${most} hosts, ${both[index]}: at least 20 times faster than Ansible with 25 forks`, ratio, (value) => value >= 20),
      ),
      ...both.flatMap((which) => linear(widths, which, (count) => medianSeconds(of('pgprov', which, count)))),
      target(
        `memory, ${most} hosts: 150 MB resident`,
        peak,
        (value) => value <= 150,
        (value) => `${value.toFixed(0)} MB`,
      ),
    ],
    notes: both.map(
      (which) =>
        `pgprov, ${which}, time for each host: ${widths.map((count) => perHost(count, medianSeconds(of('pgprov', which, count)))).join(', ')}`,
    ),
  };
}

/** Time is linear where a host among the most costs no more, but for a tenth, than one among fewer: the start is shared. */
function linear(widths: readonly number[], which: string, of: (count: number) => number | undefined): Target[] {
  const [fewer, most] = widths.slice(-2);
  if (fewer === undefined || most === undefined) return [];
  const [some, all] = [of(fewer), of(most)];
  const growth = all === undefined || some === undefined ? undefined : all / most / (some / fewer);
  return [
    target(
      `time linear in hosts, ${which}: a host of ${most} takes no more than 1.1 times one of ${fewer}`,
      growth,
      (value) => value <= 1.1,
      (value) => `${value.toFixed(2)} times`,
    ),
  ];
}

function perHost(count: number, total: number | undefined): string {
  return `${count}: ${total === undefined ? 'not measured' : seconds(total / count)}`;
}
