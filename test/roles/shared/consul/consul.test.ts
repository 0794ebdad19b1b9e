import { describe, expect, it } from 'vitest';
import consul from '../../../../roles/consul.js';
import consulAgent from '../../../../roles/consul-agent.js';
import { consulServiceName, patroniToken } from '../../../../roles/shared/consul/patroni-token.js';
import { consulUnitGuard } from '../../../../roles/shared/consul/unit-guard.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostFirewall } from '../../../../roles/shared/firewall.js';
import { renderConfig } from '../../../../roles/shared/patroni/config-file.js';
import { View } from '../../../../src/plan/view.js';
import { CONSUL_MEMBER, type ConsulMemberState } from '../../../../src/resources/consul/member.js';
import { fileHandle } from '../../../../src/resources/files/path.js';
import { HOST_FACTS } from '../../../../src/resources/host-facts.js';
import type { Change } from '../../../../src/resources/resource.js';
import { RUNNING } from '../../../../src/resources/running.js';
import { serviceHandle } from '../../../../src/resources/service.js';
import { contextOf, hostOf, inventoryOf, MATERIAL } from '../../../support/inventory.js';

const NOTHING_RUNS = {
  wantedDirectory: '',
  postmasters: [],
  databases: [],
  patroniFile: undefined,
  patroniData: undefined,
  made: undefined,
};
const MEMBER = '[base, firewall, pgdg, postgresql, replication, consul-agent, patroni]';
const THREE = 'cluster: demo\ndcs: consul\nhosts: {pg1: 10.0.0.1, pg2: 10.0.0.2, pg3: 10.0.0.3}\n';
const APART = `cluster: demo\ndcs: consul\nroles: ${MEMBER}\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n  c1: {address: 10.0.0.9, roles: [base, firewall, consul]}\n`;

describe('dcs: consul', () => {
  it('has the role consul in place of the usual store in the default list of roles', async () => {
    const { hosts } = await inventoryOf(THREE);
    expect(hosts.map(({ roles }) => roles.join(' '))).toEqual(
      Array.from({ length: 3 }, () => 'base firewall pgdg postgresql replication consul patroni'),
    );
    expect(dcsOf({ hosts }).name).toBe('Consul');
  });

  it('has Patroni ask the agent of its own host', async () => {
    const config = renderConfig(contextOf(await inventoryOf(THREE), 'pg2'), {});
    expect(config).toMatch(/^consul:\n {2}host: "?127\.0\.0\.1:8501"?\n {2}scheme: https\n {2}verify: true$/mu);
    expect(config).toMatch(/^ {2}token: "?made-for-consul\.patroni_token"?$/mu);
    expect(config).not.toMatch(/etcd/u);
  });

  it.each([
    {
      title: 'two stores',
      yaml: `${THREE.replace('}', ', c1: {address: 10.0.0.9, roles: [base, pgdg, etcd]}}')}`,
      says: /one store, and hosts have the roles consul and etcd/u,
    },
    {
      title: 'no server',
      yaml: APART.replace('firewall, consul]', 'firewall]').replace('dcs: consul\n', ''),
      says: /no host has the role consul/u,
    },
    {
      title: 'a store that no host runs',
      yaml: APART.replace('firewall, consul]', 'firewall, etcd]').replace(', consul-agent', ''),
      says: /dcs: is consul, and no host has the role consul/u,
    },
    { title: 'a member without an agent', yaml: APART.replace(', consul-agent', ''), says: /pg1 and pg2 have none/u },
    {
      title: 'both roles on a host',
      yaml: APART.replace('firewall, consul]', 'firewall, consul, consul-agent]'),
      says: /a server of Consul is an agent already/u,
    },
    { title: 'a name for an address', yaml: THREE.replace('10.0.0.3', 'pg3.example.com'), says: /Consul takes IP addresses only/u },
  ])('is refused with $title', async ({ yaml, says }) => {
    await expect(inventoryOf(yaml)).rejects.toThrow(says);
  });
});

describe('agents that Consul has', () => {
  const told = async (yaml: string, agents: readonly string[], servers = agents): Promise<View> => {
    const inventory = await inventoryOf(yaml);
    const state: ConsulMemberState = {
      hasData: true,
      leader: '10.0.0.1:8300',
      agents,
      servers: servers.map((name) => ({ name, address: '', version: '1.8.7', healthy: true, voter: true, leader: name === 'pg1' })),
    };
    return new View(inventory, new Map(inventory.hosts.map(({ name }) => [name, new Map<string, unknown>([[CONSUL_MEMBER.id, state]])])));
  };
  const ABSENT = THREE.replace('pg3: 10.0.0.3', 'pg3: {address: 10.0.0.3, absent: true}');

  it.each<{ title: string; yaml: string; agents: string[]; servers?: string[]; says: string[] }>([
    { title: 'as the inventory says', yaml: THREE, agents: ['pg1', 'pg2', 'pg3'], says: [] },
    {
      title: 'and the inventory has as absent',
      yaml: ABSENT,
      agents: ['pg1', 'pg2', 'pg3'],
      says: ['Consul has the server pg3, which is absent in the inventory'],
    },
    {
      title: 'no more, but for the quorum',
      yaml: ABSENT,
      agents: ['pg1', 'pg2'],
      servers: ['pg1', 'pg2', 'pg3'],
      says: ['Consul has the server pg3, which is absent in the inventory'],
    },
    { title: 'no more', yaml: ABSENT, agents: ['pg1', 'pg2'], says: [] },
  ])('are told: $title', async ({ yaml, agents, servers, says }) => {
    const view = await told(yaml, agents, servers);
    expect(consul.preflight?.(view).map(({ message }) => message)).toEqual(says);
    // Status and diff ask no preflight.
    expect(consul.drift?.(view).map(({ host, what }) => [host, what])).toEqual(says.map((what) => ['pg1', what]));
    expect(dcsOf(view.inventory).leaving?.lists(view, { name: 'pg3', host: undefined })).toBe((servers ?? agents).includes('pg3'));
  });
});

describe('the firewall', () => {
  it('lets gossip through by both protocols, and the rest by TCP', async () => {
    const inventory = await inventoryOf(THREE);
    const resource = hostFirewall(hostOf(inventory, 'pg1'), inventory);
    const state = {
      firewalld: { running: true, file: undefined, runtime: [] },
      ufw: { running: false, rules: [] },
      nftables: { enabled: false, loaded: false, config: '', included: false, file: undefined, tables: [] },
    };
    const [first] = resource?.diff(state) as [Change];
    expect(first.summary).toBe('open 5432, 8008, 8300, 8301, 8301/udp from 10.0.0.1, 10.0.0.2, 10.0.0.3 in firewalld');
    expect(first.after).toContain('<source address="10.0.0.2"/><port port="8301" protocol="udp"/>');
  });
});

describe('Patroni’s token', () => {
  it('may do what Patroni needs and nothing else', async () => {
    const rules = async (yaml: string): Promise<string> => {
      const [token] = patroniToken(contextOf(await inventoryOf(yaml), 'c1'));
      return token?.diff({ told: false, hasData: false })[0]?.after ?? '';
    };
    expect((await rules(APART)).split('\n')).toEqual([
      'key_prefix "service/demo/" { policy = "write" }',
      ...['pg1', 'pg2'].flatMap((name) =>
        ['session', 'agent', 'node'].map((what) => `${what} "${name}" { policy = "${what === 'session' ? 'write' : 'read'}" }`),
      ),
      '',
    ]);
    expect(await rules(`${APART}consul: {register_service: true}\npatroni: {scope: My_Cluster}\n`)).toMatch(
      /^key_prefix "service\/My_Cluster\/" [\s\S]*\nservice "my-cluster" \{ policy = "write" \}\n$/u,
    );
  });

  it.each([
    ['demo', 'demo'],
    ['My.big_Cluster', 'my-big-cluster'],
    ['a+b', 'au0043b'],
  ])('names the service of %s as Patroni does', (scope, name) => expect(consulServiceName(scope)).toBe(name));
});

describe('guards of Consul', () => {
  const server = (name: string, healthy: boolean): NonNullable<ConsulMemberState['servers']>[number] => ({
    name,
    address: `10.0.0.${name.slice(2)}`,
    version: '1.8.7',
    healthy,
    voter: true,
    leader: name === 'pg1',
  });
  const viewOf = async (
    states: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    facts = { os: 'debian', version: '13', memory: 2 ** 33 },
  ): Promise<View> => {
    const inventory = await inventoryOf(THREE);
    return new View(
      inventory,
      new Map(Object.entries(states).map(([name, own]) => [name, new Map(Object.entries({ [HOST_FACTS.id]: facts, ...own }))])),
    );
  };
  const sees = (...servers: ReturnType<typeof server>[]): Record<string, unknown> => ({
    [CONSUL_MEMBER.id]: { leader: '10.0.0.1:8300', servers, hasData: true },
  });

  it('refuse a restart that would leave no quorum, also of servers that a run leaves out', async () => {
    const { objection } = consulUnitGuard(contextOf(await inventoryOf(THREE), 'pg1'));
    const move = { host: 'pg1', action: 'restart', before: new Set<string>() } as const;
    const ill = await viewOf({ pg1: sees(server('pg1', true), server('pg2', true), server('pg3', false)) });
    expect(objection(ill, move)?.message).toMatch(/pg3 is not healthy: a restart of consul here would leave 1 of 3 members/u);
    const well = await viewOf({ pg1: sees(server('pg1', true), server('pg2', true), server('pg3', true)) });
    expect(objection(well, move)).toBeUndefined();
    // A server that was never there counts as down.
    const two = await viewOf({ pg1: sees(server('pg1', true), server('pg2', true)) });
    expect(objection(two, move)?.message).toMatch(/pg3 is not healthy/u);
    expect(objection(ill, { ...move, action: 'start' })).toBeUndefined();
  });

  it('leave a Consul alone that pgprov did not make, or made for another inventory', async () => {
    const said = async (own: Record<string, unknown>): Promise<string[]> =>
      (consul.guards?.(await viewOf({ pg1: own }), MATERIAL) ?? []).map(({ message }) => message);
    const written = (cluster: string): unknown => ({
      type: 'file',
      content: Buffer.from(JSON.stringify({ bind_addr: '10.0.0.1', node_meta: { pgprov_cluster: cluster } })),
    });
    const path = fileHandle('/etc/consul.d/pgprov.json').id;
    expect(await said({ [CONSUL_MEMBER.id]: { leader: undefined, servers: undefined, hasData: true } })).toEqual([
      'pg1 has data of a Consul in /var/lib/consul that pgprov did not make',
    ]);
    expect(await said({ [serviceHandle('consul').id]: { active: 'active' } })).toEqual(['pg1 runs a Consul that pgprov did not make']);
    expect(await said({ [path]: written('other'), ...sees(server('pg1', true)) })).toEqual([
      expect.stringMatching(/pg1 is a member of the cluster other, made by pgprov from another inventory/u),
    ]);
    expect(await said({ [path]: written('demo'), ...sees(server('pg1', true)) })).toEqual([]);
    expect(
      await said({ [path]: written('demo'), [RUNNING.id]: NOTHING_RUNS, ...sees({ ...server('pg1', true), address: '10.0.0.7' }) }),
    ).toEqual([expect.stringMatching(/cluster_address is 10\.0\.0\.1.* but Consul’s list of servers has the member at 10\.0\.0\.7/u)]);
  });

  it('refuse systems on which nobody has tried it', async () => {
    const view = await viewOf({ pg1: {} }, { os: 'rocky', version: '9', memory: 2 ** 33 });
    expect((consul.preflight?.(view) ?? []).map(({ message }) => message)).toEqual([
      'pg1: pgprov was not tried with Consul on Rocky Linux 9: neither it nor PGDG has a package of Consul',
    ]);
    expect(consulAgent.preflight?.(view)).toEqual([]);
  });
});
