import { describe, expect, it } from 'vitest';
import agent from '../../../src/diagnoses/consul/agent.js';
import peers from '../../../src/diagnoses/consul/peers.js';
import quorum from '../../../src/diagnoses/consul/quorum.js';
import serverDown from '../../../src/diagnoses/consul/server-down.js';
import token from '../../../src/diagnoses/consul/token.js';
import { consulAccessHandle, type ConsulAccess } from '../../../src/resources/consul/access.js';
import type { ConsulServer } from '../../../src/resources/consul/client.js';
import { CONSUL_AGENT, CONSUL_MEMBER } from '../../../src/resources/consul/member.js';
import { serviceHandle, type ServiceState } from '../../../src/resources/service.js';
import { findings, found, seen, type ExaminedHost } from '../../support/examination.js';
import { THREE } from '../../support/inventory.js';

const YAML = `dcs: consul\n${THREE}`;
const server = (name: string, more: Partial<ConsulServer> = {}): ConsulServer => ({
  name,
  address: `10.0.0.${name.slice(-1)}`,
  version: '1.8.7',
  healthy: true,
  voter: true,
  leader: name === 'pg1',
  ...more,
});
const ALL = ['pg1', 'pg2', 'pg3'].map((name) => server(name));

interface Given {
  leader?: string;
  servers?: readonly ConsulServer[];
  runs?: boolean;
  log?: ExaminedHost['log'];
  access?: Partial<Record<'patroni' | 'management', ConsulAccess>>;
}

function host({ leader, servers, runs = true, log = [], access = {} }: Given): ExaminedHost {
  return {
    states: [
      seen(CONSUL_MEMBER, { leader, servers, hasData: true }),
      seen(serviceHandle('consul'), { active: runs ? 'active' : 'inactive' } as ServiceState),
      ...Object.entries(access).map(([owner, state]) => seen(consulAccessHandle(owner as 'patroni'), state)),
    ],
    log,
  };
}
const well = (servers: readonly ConsulServer[] = ALL): Given => ({ leader: '10.0.0.1:8300', servers });

describe('the quorum of Consul', () => {
  it.each<{ title: string; hosts: Record<string, Given>; says: string[] }>([
    { title: 'is there', hosts: { pg1: well(), pg2: well(), pg3: well() }, says: [] },
    { title: 'is there, as one of them knows', hosts: { pg1: well(), pg2: { runs: false }, pg3: {} }, says: [] },
    {
      title: 'is lost',
      hosts: { pg1: {}, pg2: { runs: false }, pg3: { runs: false } },
      says: ['broken Consul has no quorum: of its 3 servers pg2 and pg3 do not run'],
    },
    { title: 'does not find itself', hosts: { pg1: {}, pg2: {}, pg3: {} }, says: ['broken no server of Consul leads, though all 3 run'] },
    {
      title: 'lacks a leader with one gone',
      hosts: { pg1: {}, pg2: {}, pg3: { runs: false } },
      says: ['broken no server of Consul leads, though 2 of 3 run'],
    },
  ])('$title', async ({ hosts, says }) => {
    const examined = Object.fromEntries(Object.entries(hosts).map(([name, given]) => [name, host(given)]));
    expect(await found(quorum, examined, YAML)).toEqual(says);
  });

  it('is not judged by one host that answers of three', async () => {
    const away = { unseen: 'it could not be reached' };
    expect(await found(quorum, { pg1: host({ runs: false }), pg2: away, pg3: away }, YAML)).toEqual([]);
  });

  it('comes back by starting what does not run, or what all must do first', async () => {
    const [down] = await findings(quorum, { pg1: host({}), pg2: host({ runs: false }), pg3: host({ runs: false }) }, YAML);
    expect(down?.mend).toMatch(/^start the missing ones: `systemctl start --no-block consul`, as root on pg2 and pg3/u);
    expect(down?.explains).toEqual(expect.arrayContaining(['no-leader', 'consul-token']));
    const [apart] = await findings(
      quorum,
      { pg1: host({ log: [['consul', 4, '[ERROR] agent: failed: error="No cluster leader"']] }), pg2: host({}), pg3: host({}) },
      YAML,
    );
    expect([apart?.mend, apart?.evidence.at(-1)?.line]).toEqual([
      expect.stringContaining('8300'),
      expect.stringContaining('No cluster leader'),
    ]);
  });
});

describe('a server of Consul', () => {
  const ill = [server('pg1'), server('pg2'), server('pg3', { healthy: false })];

  it.each<{ title: string; pg3: Given; servers?: readonly ConsulServer[]; says: string[] }>([
    { title: 'does not run', pg3: { runs: false }, servers: ill, says: ['danger pg3 its server of Consul does not run'] },
    {
      title: 'is not healthy',
      pg3: well(ill),
      servers: ill,
      says: ['danger pg3 its server of Consul runs, and the leader does not call it healthy'],
    },
    { title: 'knows no leader', pg3: {}, servers: ALL, says: ['danger pg3 its server of Consul runs, and knows no leader'] },
    {
      title: 'has not joined',
      pg3: {},
      servers: ALL.slice(0, 2),
      says: ['danger pg3 its server of Consul runs, and is not among those that vote'],
    },
    { title: 'is well', pg3: well(), says: [] },
  ])('$title', async ({ pg3, servers = ALL, says }) => {
    expect(await found(serverDown, { pg1: host(well(servers)), pg2: host(well(servers)), pg3: host(pg3) }, YAML)).toEqual(says);
  });

  it('that is down leaves nothing to spare of three', async () => {
    const [finding] = await findings(serverDown, { pg1: host(well(ill)), pg2: host(well(ill)), pg3: host({ runs: false }) }, YAML);
    expect([finding?.follows, finding?.mend]).toEqual([
      expect.stringContaining('the next server that fails'),
      expect.stringContaining('systemctl start consul'),
    ]);
  });
});

describe('Consul’s list of servers', () => {
  const three = (servers: readonly ConsulServer[]): Record<string, ExaminedHost> =>
    Object.fromEntries(['pg1', 'pg2', 'pg3'].map((name) => [name, host(well(servers))]));

  it('has exactly those of the inventory', async () => {
    expect(await found(peers, three(ALL), YAML)).toEqual([]);
  });

  it.each<{ title: string; servers: ConsulServer[]; what: RegExp; mend: string }>([
    {
      title: 'one too many',
      servers: [...ALL, server('old9', { address: '10.0.0.9', healthy: false })],
      what: /^Consul counts on a server that is not in the inventory: old9 \(10\.0\.0\.9\)$/u,
      mend: 'consul force-leave old9`, as root on pg1',
    },
    {
      title: 'one without a name',
      servers: [...ALL, server('', { address: '10.0.0.9' })],
      what: /one without a name \(10\.0\.0\.9\)$/u,
      mend: 'operator raft remove-peer -address=10.0.0.9:8300',
    },
    {
      title: 'one elsewhere',
      servers: [...ALL.slice(0, 2), server('pg3', { address: '10.0.0.77' })],
      what: /^Consul knows its server by the address 10\.0\.0\.77/u,
      mend: 'pgprov apply',
    },
    { title: 'one too few', servers: ALL.slice(0, 2), what: /^its server of Consul runs, and is not in the list/u, mend: 'pgprov logs' },
  ])('has $title', async ({ servers, what, mend }) => {
    const all = await findings(peers, three(servers), YAML);
    expect(all.map((finding) => finding.what)).toEqual([expect.stringMatching(what)]);
    expect(all[0]?.mend).toContain(mend);
  });
});

describe('a token of Consul', () => {
  const refused: ConsulAccess = { hasFile: true, isLetIn: false, said: 'ACL not found' };
  const taken: ConsulAccess = { hasFile: true, isLetIn: true, said: '' };

  it('that is taken, or that nobody could ask about, is nothing to tell', async () => {
    const untold: ConsulAccess = { hasFile: true, isLetIn: undefined, said: '' };
    const hosts = {
      pg1: host({ access: { patroni: taken, management: taken } }),
      pg2: host({ access: { patroni: untold } }),
      pg3: host({}),
    };
    expect(await found(token, hosts, YAML)).toEqual([]);
  });

  it('of Patroni that is refused is told of once for all hosts, with Consul’s words and whether the file is there', async () => {
    const hosts = {
      pg1: host({ access: { patroni: refused } }),
      pg2: host({ access: { patroni: { ...refused, hasFile: false } } }),
      pg3: host({}),
    };
    const [finding, ...others] = await findings(token, hosts, YAML);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ level: 'broken', what: 'Consul refuses the token of Patroni on pg1 and pg2' });
    expect(finding?.evidence.map(({ line }) => line)).toEqual(['ACL not found', 'ACL not found; the file with the token is not there']);
    expect(finding?.mend).toMatch(/^`?pgprov apply|pgprov apply/u);
  });

  it('of management that Consul does not know takes a new leader first', async () => {
    const [finding] = await findings(token, { pg1: host({ access: { management: refused } }), pg2: host({}), pg3: host({}) }, YAML);
    expect(finding).toMatchObject({ level: 'danger', host: 'pg1' });
    expect(finding?.mend).toMatch(/systemctl restart consul[\s\S]*pgprov apply/u);
  });

  it('of an agent is told of by its own words, as long as it says them', async () => {
    const blocked = '[WARN]  agent: Coordinate update blocked by ACLs: accessorID=';
    const at = (...seconds: number[]): ExaminedHost => host({ log: seconds.map((ago) => ['consul', ago, blocked]) });
    expect(await found(token, { pg1: at(30, 10), pg2: at(10), pg3: at(900, 800) }, YAML)).toEqual([
      'danger pg1 Consul refuses the token of its agent',
    ]);
  });
});

it('an agent that reaches no server is told of while the servers have a leader', async () => {
  const yaml = `cluster: demo\ndcs: consul\nroles: [base, pgdg, postgresql, replication, consul-agent, patroni]\nhosts:\n  pg1: 10.0.0.1\n  c1: {address: 10.0.0.9, roles: [base, consul]}\n`;
  const alone = (active: ServiceState['active'], leader?: string): ExaminedHost => ({
    states: [seen(CONSUL_AGENT, { leader }), seen(serviceHandle('consul'), { active } as ServiceState)],
  });
  const c1 = host(well([server('c1', { address: '10.0.0.9' })]));
  expect(await found(agent, { pg1: alone('active', '10.0.0.9:8300'), c1 }, yaml)).toEqual([]);
  expect(await found(agent, { pg1: alone('active'), c1 }, yaml)).toEqual([
    'broken pg1 its agent of Consul runs, and reaches no server that knows the leader',
  ]);
  expect(await found(agent, { pg1: alone('inactive'), c1 }, yaml)).toEqual(['broken pg1 its agent of Consul does not run']);
  expect(await found(agent, { pg1: alone('active'), c1: host({}) }, yaml)).toEqual([]);
});
