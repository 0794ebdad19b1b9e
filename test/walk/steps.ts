import type { LabHost } from '../lab/index.js';
import { must, patronictlList } from '../integration/support/outside.js';
import { start } from '../integration/support/pgprov.js';
import type { Walk } from './walk.js';

/** Something that happens to a cluster between two applies. */
export interface WalkStep {
  /** For the log. */
  name: string;
  /** Relative to the others; default 1. */
  weight?: number;
  /** Does it, and says what it did. */
  take(walk: Walk): Promise<string>;
}

/** What somebody may have done to a host by hand, or what may have become of it. */
const DRIFT: readonly (readonly [says: string, command: string])[] = [
  ['a changed hosts file', 'sed -i "s/BEGIN pgprov/begin pgprov/" /etc/hosts'],
  ['a setting in etcd’s file', 'echo ETCD_SNAPSHOT_COUNT=50000 >>/etc/default/etcd'],
  ['a readable key', 'chmod 0644 /etc/patroni/tls/node.key'],
  ['a comment in patroni.yml', 'echo "# looked at" >>/etc/patroni/config.yml'],
  ['a line in .pgpass', 'echo "*:1:*:x:y" >>/var/lib/postgresql/.pgpass && chmod 644 /var/lib/postgresql/.pgpass'],
  ['a unit that is not enabled', 'systemctl -q disable patroni'],
];

/** Every kind of step, for `Random.pick` by weight. */
export const STEPS: readonly WalkStep[] = [
  {
    name: 'change the inventory',
    weight: 5,
    take: async (walk) => {
      const { says, sections } = walk.inventory.change();
      await walk.cluster.write(sections);
      return says;
    },
  },
  {
    name: 'ask for what is fixed',
    weight: 2,
    take: async (walk) => {
      const { says, sections } = walk.inventory.forbidden();
      await walk.cluster.write(sections);
      const run = await walk.cluster.run('apply');
      await walk.cluster.write(walk.inventory.sections());
      if (run.code !== 4) throw new Error(`${says} was not refused with exit code 4 but ended with ${run.code}:\n${run.all}`);
      return says;
    },
  },
  {
    name: 'drift',
    weight: 3,
    take: async (walk) => {
      const host = walk.random.pick(walk.cluster.hosts);
      const [says, command] = walk.random.pick(DRIFT);
      await must(host, command);
      return `${host.name}: ${says}`;
    },
  },
  {
    name: 'stop a service',
    weight: 2,
    take: async (walk) => {
      const host = walk.random.pick(walk.cluster.hosts);
      const unit = walk.random.pick(['patroni', 'etcd']);
      await must(host, `systemctl stop ${unit}`);
      return `${unit} on ${host.name}`;
    },
  },
  {
    name: 'stop Patroni everywhere',
    weight: 2,
    take: async (walk) => {
      const hosts = walk.random.shuffle(walk.cluster.hosts);
      for (const host of hosts) {
        await must(host, 'systemctl stop patroni');
        // Clients go on writing where they can.
        await new Promise((resolve) => setTimeout(resolve, walk.random.between(0, 3000)));
      }
      return hosts.map(({ name }) => name).join(', then ');
    },
  },
  {
    name: 'switch over',
    weight: 2,
    take: async (walk) => {
      const members = await patronictlList(walk.cluster.host('pg1'));
      const leader = members.find(({ Role }) => Role === 'Leader')?.Member;
      const candidates = members.filter(({ State }) => State === 'streaming').map(({ Member }) => Member);
      if (leader === undefined || candidates.length === 0) return 'nobody to switch to';
      const to = walk.random.pick(candidates);
      await must(walk.cluster.host('pg1'), `patronictl -c /etc/patroni/config.yml switchover --leader ${leader} --candidate ${to} --force`);
      return `${leader} to ${to}`;
    },
  },
  {
    name: 'cut the power of a host',
    weight: 2,
    take: async (walk) => {
      const host = walk.random.pick(walk.cluster.hosts);
      await losePower(walk, [host], walk.random.between(0, 5000));
      return host.name;
    },
  },
  {
    name: 'kill an apply',
    weight: 3,
    take: async (walk) => {
      const { says, sections } = walk.inventory.change();
      await walk.cluster.write(sections);
      const run = start(['apply', walk.cluster.file, '--yes']);
      const ms = walk.random.between(200, 6000);
      await Promise.race([run.finished, new Promise((resolve) => setTimeout(resolve, ms))]);
      run.process.kill('SIGKILL');
      await run.finished;
      return `after ${ms} ms, ${says}`;
    },
  },
];

/** Cuts the power of hosts and gives it back; what a leader acknowledged shortly before may be lost by asynchronous replication. */
export async function losePower(walk: Walk, hosts: readonly LabHost[], ms: number): Promise<void> {
  const from = Date.now() - 10_000;
  await Promise.all(hosts.map((host) => host.kill()));
  await new Promise((resolve) => setTimeout(resolve, ms));
  await Promise.all(hosts.map((host) => host.start()));
  walk.doubts.push({ from, to: Date.now() });
}
