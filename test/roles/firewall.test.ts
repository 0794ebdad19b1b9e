import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { debian13 } from '../../src/platform/debian.js';
import type { Inventory, PortAudience, RolePort } from '../../src/model/index.js';
import { buildHostWork, type HostWork } from '../../src/plan/host-work.js';
import type { Role } from '../../src/plan/role.js';
import { View } from '../../src/plan/view.js';
import { FIREWALL, type FirewallState } from '../../src/resources/firewall/firewall.js';
import type { Reach } from '../../src/resources/reachability.js';
import { contextOf, inventoryOf, THREE } from '../support/inventory.js';

const NONE: FirewallState = {
  firewalld: { running: false, file: undefined, runtime: [] },
  ufw: { running: false, rules: [] },
  nftables: { enabled: false, loaded: false, config: '', included: false, file: undefined, tables: [] },
};
const UFW: FirewallState = { ...NONE, ufw: { running: true, rules: [] } };
const three = await inventoryOf(THREE);

const shapeOf = (inventory: Inventory, host = 'pg1'): HostWork =>
  buildHostWork(
    CATALOG.filter(({ name }) => name === 'firewall'),
    contextOf(inventory, host, debian13),
  );
const stages = (inventory: Inventory, host?: string): string[] =>
  shapeOf(inventory, host).stages.map(({ stage }) => `${stage.name}: ${stage.resources.map(({ id }) => id).join(' ')}`);

/** What the firewall stage would open on a host where ufw is active and empty. */
function opened(inventory: Inventory, host?: string): string[] {
  const resource = shapeOf(inventory, host)
    .stages.flatMap(({ stage }) => stage.resources)
    .find(({ id }) => id === FIREWALL.id);
  return (resource?.diff(UFW) ?? []).map(({ summary }) => summary);
}

const viewOf = (inventory: Inventory, seen: Record<string, Record<string, unknown>>): View =>
  new View(inventory, new Map(Object.entries(seen).map(([host, states]) => [host, new Map(Object.entries(states))])));

function preflight(role: string, inventory: Inventory, seen: Record<string, Record<string, unknown>>): string[] {
  const found = CATALOG.find(({ name }) => name === role)?.preflight?.(viewOf(inventory, seen)) ?? [];
  return found.map(({ kind, message, hint }) => `${kind}: ${message} -> ${hint}`);
}

describe('the role firewall', () => {
  it.each([
    { title: 'by default', yaml: '', stages: ['open: firewall'] },
    { title: 'with an unmanaged firewall', yaml: 'firewall: {backend: none}', stages: [] },
    {
      title: 'with a firewall that is named',
      yaml: 'firewall: {backend: ufw}',
      stages: ['packages: packages:firewall', 'start: firewall-service:ufw', 'open: firewall'],
    },
  ])('has stages: $title', async ({ yaml, stages: expected }) => expect(stages(await inventoryOf(`${THREE}${yaml}\n`))).toEqual(expected));

  it('opens nothing on a host that serves nothing', async () => {
    expect(stages(await inventoryOf('cluster: one\nroles: [base, firewall]\nhosts: {db: {address: 192.0.2.1}}\n'), 'db')).toEqual([]);
  });

  it('opens a port of any role once, to the clients that the role names', async () => {
    const port = (number: number, openTo: PortAudience): RolePort => ({ port: number, what: `port ${number}`, units: [], openTo });
    const role: Role = {
      name: 'own',
      description: 'own',
      variables: { type: 'object', properties: {} },
      ports: () => [
        port(1, {}),
        port(2, { members: true }),
        port(3, { clients: true }),
        port(4, { networks: ['10.9.0.0/24', '10.1.0.0/16'] }),
        port(5, { clients: true, networks: ['10.1.0.7/16'] }),
      ],
      stages: () => [],
    };
    const yaml = 'cluster: own\nroles: [base, firewall, own]\nfirewall: {client_networks: [10.1.0.0/16]}\nhosts: {lb1: 10.0.0.9}\n';
    const inventory = await inventoryOf(yaml, [...CATALOG, role]);
    expect(opened(inventory, 'lb1')).toEqual([
      'open 2 from 10.0.0.9 in ufw',
      'open 3, 4, 5 from 10.1.0.0/16 in ufw',
      'open 4 from 10.9.0.0/24 in ufw',
    ]);
  });

  it('refuses a role’s network that is invalid', async () => {
    const role: Role = {
      name: 'own',
      description: 'own',
      variables: { type: 'object', properties: {} },
      ports: () => [{ port: 80, what: 'the web', units: [], openTo: { networks: ['10.0.0.0/33', 'example.com'] } }],
      stages: () => [],
    };
    const inventory = await inventoryOf('cluster: own\nroles: [firewall, own]\nhosts: {lb1: 10.0.0.9}\n', [...CATALOG, role]);
    expect(preflight('firewall', inventory, { lb1: { [FIREWALL.id]: UFW } })).toEqual(
      ['10.0.0.0/33', 'example.com'].map(
        (network) =>
          `preflight: lb1: ${network} in the networks that a role opens the web to is neither an IP address nor a network -> write it as 10.0.0.7, 10.0.0.0/24 or 2001:db8::/64`,
      ),
    );
  });

  it.each([
    { title: 'by default', yaml: '', expected: ['open 2379, 2380, 5432, 8008 from 10.0.0.1, 10.0.0.2, 10.0.0.3 in ufw'] },
    {
      title: 'with other ports',
      yaml: 'postgresql: {port: 5433}\npatroni: {restapi_port: 8009}\netcd: {client_port: 12379, peer_port: 12380}',
      expected: ['open 5433, 8009, 12379, 12380 from 10.0.0.1, 10.0.0.2, 10.0.0.3 in ufw'],
    },
    {
      title: 'with clients',
      yaml: 'firewall: {client_networks: [10.1.0.7/16, "2001:DB8::/64", 10.0.0.2]}',
      expected: [
        'open 2379, 2380, 5432, 8008 from 10.0.0.1, 10.0.0.2, 10.0.0.3 in ufw',
        'open 5432, 8008 from 10.1.0.0/16, 2001:db8::/64 in ufw',
      ],
    },
    {
      title: 'with members behind NAT',
      yaml: 'firewall: {member_networks: [10.9.0.1]}',
      expected: ['open 2379, 2380, 5432, 8008 from 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.9.0.1 in ufw'],
    },
  ])('opens the ports of a host: $title', async ({ yaml, expected }) =>
    expect(opened(await inventoryOf(`${THREE}${yaml}\n`))).toEqual(expected),
  );

  it('opens on each host only the ports that it serves', async () => {
    const mixed = await inventoryOf(
      `${THREE.replace('cluster_address: 10.0.0.3', 'cluster_address: 10.0.0.3, roles: [base, firewall, etcd]')}`,
    );
    expect(opened(mixed, 'pg3')).toEqual(['open 2379, 2380 from 10.0.0.1, 10.0.0.2, 10.0.0.3 in ufw']);
  });

  it('lets SSH in at every port that it may use', async () => {
    const inventory = await inventoryOf(`${THREE}firewall: {backend: ufw}\nssh: {port: 2222}\n`);
    const service = shapeOf(inventory)
      .stages.flatMap(({ stage }) => stage.resources)
      .find(({ id }) => id === 'firewall-service:ufw');
    expect(service?.diff({ enabled: true, running: false }).map(({ summary }) => summary)).toEqual([
      'start ufw, with SSH (22, 2222) allowed',
    ]);
  });
});

describe('the preflight of the role firewall', () => {
  it.each<{ title: string; yaml: string; state: FirewallState; objections: RegExp[] }>([
    { title: 'openings without a problem', yaml: THREE, state: UFW, objections: [] },
    { title: 'host names without a firewall', yaml: THREE.replace('10.0.0.2}', 'two.example}'), state: NONE, objections: [] },
    {
      title: 'host names with an unmanaged firewall',
      yaml: `${THREE.replace('10.0.0.2}', 'two.example}')}firewall: {backend: none}\n`,
      state: UFW,
      objections: [],
    },
    {
      title: 'host names',
      yaml: THREE.replace('10.0.0.2}', 'two.example}'),
      state: UFW,
      objections: [
        /^preflight: pg1: ufw allows IP addresses only, and cluster_address is a name for pg2 \(two\.example\) -> give IP addresses/u,
      ],
    },
    {
      title: 'an invalid network',
      yaml: `${THREE}firewall: {client_networks: [10.0.0.0/33]}\n`,
      state: NONE,
      objections: [/^preflight: pg1: 10\.0\.0\.0\/33 in firewall\.client_networks is neither an IP address nor a network/u],
    },
    {
      title: 'another firewall',
      yaml: `${THREE}firewall: {backend: firewalld}\n`,
      state: UFW,
      objections: [/^preflight: pg1: ufw is in force, and firewall\.backend says firewalld -> stop ufw there/u],
    },
    {
      title: 'rules that could lock out',
      yaml: `${THREE}firewall: {backend: nftables}\n`,
      state: { ...NONE, nftables: { ...NONE.nftables, config: 'table inet filter { chain input { policy drop; } }' } },
      objections: [/^preflight: pg1: the configuration of nftables is not loaded, and would turn connections away/u],
    },
    { title: 'the default nftables configuration', yaml: `${THREE}firewall: {backend: nftables}\n`, state: NONE, objections: [] },
  ])('decides about $title', async ({ yaml, state, objections }) => {
    const found = preflight('firewall', await inventoryOf(yaml), { pg1: { [FIREWALL.id]: state } });
    expect(found).toHaveLength(objections.length);
    objections.forEach((pattern, index) => expect(found[index]).toMatch(pattern));
  });
});

describe('the preflight of base', () => {
  const filtered = (result: Reach['result']): Record<string, unknown> => ({ reachability: [{ address: '10.0.0.2', port: 5432, result }] });

  it.each<{ title: string; result: Reach['result']; peer: FirewallState; objections: number }>([
    { title: 'a firewall that this run opens', result: 'filtered', peer: UFW, objections: 0 },
    { title: 'a firewall that this run opens, and that says so', result: 'unreachable', peer: UFW, objections: 0 },
    { title: 'no firewall there', result: 'filtered', peer: NONE, objections: 1 },
    { title: 'a name that does not resolve', result: 'unresolved', peer: UFW, objections: 1 },
  ])('decides about $title', ({ result, peer, objections }) => {
    expect(preflight('base', three, { pg1: filtered(result), pg2: { [FIREWALL.id]: peer } })).toHaveLength(objections);
  });

  it('names the role that would help', async () => {
    const without = await inventoryOf(
      THREE.replace('cluster_address: 10.0.0.2', 'cluster_address: 10.0.0.2, roles: [base, pgdg, postgresql]'),
    );
    expect(preflight('base', without, { pg1: filtered('unreachable'), pg2: {} })).toEqual([
      'preflight: pg1: pg2 (10.0.0.2) port 5432 cannot be reached (no route, or rejected by a firewall)' +
        ' -> check cluster_address and the network between the hosts, and allow the cluster members through the firewalls on that host or in front of it; the role firewall does it on pg2',
    ]);
  });
});

describe('the checks of the role firewall', () => {
  const reach = (...results: [string, Reach['result']][]): Record<string, unknown> => ({
    reachability: results.map(([to, result]) => ({ address: to.split(':')[0] ?? '', port: Number(to.split(':')[1]), result })),
  });
  const checks = (seen: Record<string, Record<string, unknown>>): string[] =>
    (CATALOG.find(({ name }) => name === 'firewall')?.checks?.(viewOf(three, seen)) ?? []).map(
      ({ ok, host, detail }) => `${ok ? 'ok' : 'NO'} ${host ?? ''}: ${detail}`,
    );

  it('succeed when every member gets through', () => {
    expect(
      checks({ pg1: {}, pg2: reach(['10.0.0.1:5432', 'open'], ['10.0.0.1:2379', 'refused']), pg3: reach(['10.0.0.1:5432', 'open']) }),
    ).toEqual(['ok pg1: 5432, 2379, 2380, 8008 reached from pg2, pg3']);
  });

  it('fail for a port that a member cannot reach', () => {
    expect(
      checks({ pg1: reach(['10.0.0.2:5432', 'open']), pg2: reach(['10.0.0.1:5432', 'filtered'], ['10.0.0.1:8008', 'unreachable']) }),
    ).toEqual(['NO pg1: pg2 cannot reach port 5432; pg2 cannot reach port 8008', 'ok pg2: 5432, 2379, 2380, 8008 reached from pg1']);
  });

  it('report nothing when no host was asked', () => expect(checks({ pg1: {}, pg2: {}, pg3: {} })).toEqual([]));
});
