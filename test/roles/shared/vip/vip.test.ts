import { describe, expect, it } from 'vitest';
import { addressLine, KEEPALIVED, keepalivedConfiguration, ownerWords } from '../../../../roles/shared/vip/config-file.js';
import { vipObjections } from '../../../../roles/shared/vip/guards.js';
import { addressChecks, addressFollowed, addressLines } from '../../../../roles/shared/vip/told.js';
import type { Inventory } from '../../../../src/model/index.js';
import { View } from '../../../../src/plan/view.js';
import { serviceHandle } from '../../../../src/resources/service.js';
import { FOREIGN_ADDRESS, VIRTUAL_ADDRESS, type HostAddress } from '../../../../src/resources/virtual-address.js';
import { contextOf, hostOf, inventoryOf } from '../../../support/inventory.js';

const MEMBERS = (roles: string): string =>
  `cluster: demo\nroles: [base, firewall, pgdg, postgresql, replication, etcd, patroni${roles}]\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n  pg3: 10.0.0.3\n`;
const LEADING = `${MEMBERS(', vip')}vip: {address: 10.0.0.100/24}\n`;
const PROXIES =
  '  lb1: {address: 10.0.0.8, roles: [base, haproxy, vip]}\n  lb2: {address: 10.0.0.9, roles: [base, haproxy, vip]}\npostgresql: {hba: [host all all 10.0.0.0/24 scram-sha-256]}\n';
const PROXIED = `${MEMBERS('')}${PROXIES}vip: {address: 10.0.0.100/24}\n`;

async function textOf(yaml: string, host: string): Promise<string> {
  const { config } = keepalivedConfiguration(contextOf(await inventoryOf(yaml), host));
  const [change] = config.diff({ interface: 'eth0', file: { type: 'absent' } });
  return change?.after ?? '';
}

describe('keepalived’s configuration', () => {
  it('has the other hosts of the role as peers, and the interface that the host names', async () => {
    const text = await textOf(LEADING, 'pg2');
    expect(text).toMatchInlineSnapshot(`
      "# Managed by pgprov for the cluster demo: changes made here are undone by the next \`pgprov apply\`.
      # Address 10.0.0.100 of the cluster demo.
      global_defs {
          router_id pg2
          vrrp_version 3
          enable_script_security
          script_user root
          vrrp_check_unicast_src
          # By its name pgprov sees which configuration runs.
          vrrp_process_name pgprov-1d46ce91
      }

      vrrp_script able {
          script "/usr/libexec/keepalived/pgprov-check able"
          interval 1
          timeout 3
          fall 2
          rise 1
      }

      # All are equal, so that the address stays where it is when a host comes back.
      vrrp_instance pgprov {
          state BACKUP
          interface eth0
          virtual_router_id 51
          priority 100
          advert_int 0.50
          unicast_src_ip 10.0.0.2
          unicast_peer {
              10.0.0.1
              10.0.0.3
          }
          virtual_ipaddress {
              10.0.0.100/24 dev eth0
          }
          track_script {
              able
          }
      }
      "
    `);
  });

  it('asks HAProxy twice on a proxy: whether it runs, and whether it knows the leader', async () => {
    const text = await textOf(PROXIED, 'lb1');
    expect(text).toMatch(/"\/usr\/libexec\/keepalived\/pgprov-check leads"[^]*weight 50[^]*unicast_peer \{\n {8}10\.0\.0\.9\n {4}\}/u);
    const { before } = keepalivedConfiguration(contextOf(await inventoryOf(PROXIED), 'lb1'));
    const [change] = before[1]?.diff({ type: 'absent' }) ?? [];
    expect(change?.after).toContain("curl -q -s -m 2 --unix-socket /var/lib/haproxy/statistics 'http://localhost/;csv'");
  });

  it('gives the process another name whenever anything is another, of 15 characters', async () => {
    const markOf = async (yaml: string, host = 'pg2'): Promise<string> =>
      keepalivedConfiguration(contextOf(await inventoryOf(yaml), host)).mark;
    const mark = await markOf(LEADING);
    expect(mark).toMatch(/^pgprov-[0-9a-f]{8}$/u);
    expect(await markOf(LEADING)).toBe(mark);
    expect(await markOf(LEADING.replace('.100', '.101'))).not.toBe(mark);
    expect(await markOf(`${LEADING}patroni: {restapi_port: 8018}\n`)).not.toBe(mark);
  });

  it('finds the interface by the cluster address, unless the inventory names it', async () => {
    const { config } = keepalivedConfiguration(contextOf(await inventoryOf(LEADING), 'pg1'));
    expect(config.probe().text).toContain('ip -o -4 addr show to 10.0.0.1/32');
    expect(config.parse({ status: 0, out: Buffer.from('eth1\nabsent\n') })).toEqual({ interface: 'eth1', file: { type: 'absent' } });
    expect(config.parse({ status: 0, out: Buffer.from('\nabsent\n') }).interface).toBeUndefined();
    const named = keepalivedConfiguration(contextOf(await inventoryOf(LEADING.replace('24}', '24, interface: bond0.7}')), 'pg1'));
    expect(named.config.probe().text).toMatch(/^echo bond0\.7\n/u);
  });
});

describe('the role vip', () => {
  it.each([
    { title: 'an address of a host', yaml: LEADING.replace('.100', '.3'), says: /10\.0\.0\.3 is the address of pg3/u },
    { title: 'a network', yaml: LEADING.replace('.100', '.0'), says: /10\.0\.0\.0 stands for the whole network/u },
    { title: 'a broadcast address', yaml: LEADING.replace('.100', '.255'), says: /10\.0\.0\.255 stands for the whole network/u },
    { title: 'no address', yaml: LEADING.replace('.100', '.400'), says: /must be an IPv4 address/u },
    {
      title: 'an address of IPv6',
      yaml: LEADING.replace('10.0.0.100/24', 'fd00::100/64'),
      says: /must be an IPv4 address with the length.*fd00::100/u,
    },
    { title: 'an address without a prefix', yaml: LEADING.replace('/24', ''), says: /must be an IPv4 address with the length/u },
    { title: 'nothing', yaml: MEMBERS(', vip'), says: /address/u },
    {
      title: 'one host',
      yaml: `${MEMBERS('')}  pg4: {address: 10.0.0.4, roles: [base, pgdg, postgresql, replication, etcd, patroni, vip]}\nvip: {address: 10.0.0.100/24}\n`,
      says: /only one host has the role vip/u,
    },
    {
      title: 'proxies and members',
      yaml: PROXIED.replace('  lb1', '  pg4: {address: 10.0.0.4, roles: [base, pgdg, postgresql, replication, etcd, patroni, vip]}\n  lb1'),
      says: /would follow HAProxy on some hosts and Patroni on others, pg4 and lb1/u,
    },
    {
      title: 'hosts with nothing to follow',
      yaml: `${MEMBERS('')}  x1: {address: 10.0.0.4, roles: [base, vip]}\n  x2: {address: 10.0.0.5, roles: [base, vip]}\nvip: {address: 10.0.0.100/24}\n`,
      says: /x1 has neither/u,
    },
    {
      title: 'hosts with IPv6',
      yaml: LEADING.replace('10.0.0.2', "{address: 10.0.0.2, cluster_address: 'fd00::2'}"),
      says: /pg2 has no IPv4 address as cluster_address/u,
    },
  ])('refuses $title', async ({ yaml, says }) => {
    await expect(inventoryOf(yaml)).rejects.toThrow(says);
  });

  it('warns where a member may lead that cannot have the address', async () => {
    const yaml = LEADING.replace('pg3: 10.0.0.3', 'pg3: {address: 10.0.0.3, roles: [base, pgdg, postgresql, replication, etcd, patroni]}');
    const { warnings } = await inventoryOf(yaml);
    expect(warnings.map(({ message }) => message)).toContain('pg3 may lead without the role vip, and nobody has the virtual address then');
    const { warnings: none } = await inventoryOf(yaml.replace('patroni]}', 'patroni], patroni: {tags: {nofailover: true}}}'));
    expect(none.map(({ message }) => message).filter((message) => message.includes('vip'))).toEqual([]);
  });

  it('lets VRRP through between its hosts, and gives clients the ports behind the address', async () => {
    const { hosts } = await inventoryOf(PROXIED);
    const lb1 = hosts.find(({ name }) => name === 'lb1');
    expect(lb1?.protocols).toMatchObject([{ protocol: 'vrrp', units: ['keepalived.service'] }]);
    expect(lb1?.entrances).toEqual([
      { address: '10.0.0.100', port: 5000, leadsTo: 'leader' },
      { address: '10.0.0.100', port: 5001, leadsTo: 'replicas' },
    ]);
    expect(hostOf(await inventoryOf(LEADING), 'pg1').entrances).toEqual([{ address: '10.0.0.100', port: 5432, leadsTo: 'leader' }]);
  });
});

interface Seen {
  addresses?: HostAddress[];
  interfaces?: string[];
  down?: string[];
  state?: string;
  inForce?: boolean;
  interface?: string;
  text?: string;
  active?: 'active' | 'inactive';
  answer?: 'ours' | 'silent' | 'answers' | 'unknown';
}

const OWN = (host: string): HostAddress => ({ interface: 'eth0', address: `10.0.0.${host.slice(-1)}`, prefix: 24 });
const VIRTUAL: HostAddress = { interface: 'eth0', address: '10.0.0.100', prefix: 24 };

function viewOf(inventory: Inventory, seen: Record<string, Seen>): View {
  const states = Object.entries(seen).map(([name, { text, ...given }]): [string, Map<string, unknown>] => {
    const { addresses = [OWN(name)], interfaces = ['lo', 'eth0'], inForce = true, active = 'inactive', answer = 'silent' } = given;
    const file =
      text === undefined ? { type: 'absent' } : { type: 'file', owner: 'root', group: 'root', mode: '0644', content: Buffer.from(text) };
    return [
      name,
      new Map<string, unknown>([
        [VIRTUAL_ADDRESS.id, { addresses, interfaces, down: given.down ?? [], inForce, state: given.state }],
        [KEEPALIVED.id, { interface: 'interface' in given ? given.interface : 'eth0', file }],
        [FOREIGN_ADDRESS.id, { answer, ...(answer === 'answers' ? { hardware: '02:42:ac:11:00:09' } : {}) }],
        [serviceHandle('keepalived').id, { active, enabled: active === 'active' }],
      ]),
    ];
  });
  return new View(inventory, new Map(states));
}

describe('before the address is given to hosts', () => {
  const ours = (inventory: Inventory, host: string): string =>
    `${ownerWords('demo')} changes\n${addressLine(hostOf(inventory, host), inventory)}\nglobal_defs {\n`;

  it.each<{ title: string; yaml?: string; seen: (inventory: Inventory) => Record<string, Seen>; says: RegExp[] }>([
    { title: 'nobody has it', seen: () => ({ pg1: {}, pg2: {}, pg3: {} }), says: [] },
    {
      title: 'another machine has it',
      seen: () => ({ pg1: {}, pg2: { answer: 'answers' }, pg3: {} }),
      says: [/pg2: 10\.0\.0\.100.* in use already.*02:42:ac:11:00:09/u],
    },
    {
      title: 'another machine, or a host that was left out, has it',
      seen: () => ({ pg1: {}, pg2: { answer: 'answers' } }),
      says: [/in use already/u],
    },
    {
      title: 'one of the hosts that were left out has it, and one of the others was given it',
      seen: (inventory) => ({ pg1: { text: ours(inventory, 'pg1'), answer: 'ours' }, pg2: { answer: 'answers' } }),
      says: [],
    },
    {
      title: 'a host was given it, and was killed',
      seen: (inventory) => ({ pg1: { text: ours(inventory, 'pg1'), addresses: [OWN('pg1'), VIRTUAL], inForce: false }, pg2: {}, pg3: {} }),
      says: [],
    },
    {
      title: 'a host has it otherwise',
      seen: () => ({ pg1: { addresses: [OWN('pg1'), VIRTUAL], answer: 'ours' }, pg2: {}, pg3: {} }),
      says: [/pg1: it has 10\.0\.0\.100 \(vip\.address\) already, and not from pgprov/u],
    },
    {
      title: 'nobody could ask',
      seen: () => ({ pg1: { answer: 'unknown' }, pg2: { answer: 'unknown' } }),
      says: [/pg1: it cannot tell whether/u],
    },
    { title: 'one could ask', seen: () => ({ pg1: { answer: 'unknown' }, pg2: {} }), says: [] },
    {
      title: 'no interface has the cluster address',
      seen: () => ({ pg1: { interface: undefined as unknown as string } }),
      says: [/no network interface has 10\.0\.0\.1/u],
    },
    { title: 'there is no such interface', seen: () => ({ pg1: { interface: 'eth7' } }), says: [/no network interface eth7/u] },
    {
      title: 'it is of another network',
      yaml: LEADING.replace('10.0.0.100', '10.0.1.100'),
      seen: () => ({ pg1: {} }),
      says: [/10\.0\.1\.100 \(vip\.address\) is outside of the network of eth0, 10\.0\.0\.0\/24/u],
    },
    {
      title: 'its prefix is another',
      yaml: LEADING.replace('/24', '/25'),
      seen: () => ({ pg1: {} }),
      says: [/prefix of 25 bits, and the network of eth0 one of 24/u],
    },
    { title: 'it is a route of its own', yaml: LEADING.replace('/24', '/32'), seen: () => ({ pg1: {} }), says: [] },
    {
      title: 'keepalived does something else',
      seen: () => ({ pg1: { text: 'vrrp_instance VI_1 {\n', active: 'active' } }),
      says: [/pg1: keepalived runs there with a configuration that is not pgprov’s/u],
    },
    { title: 'the package’s sample is there', seen: () => ({ pg1: { text: 'vrrp_instance VI_1 {\n' } }), says: [] },
    {
      title: 'another cluster has it',
      seen: () => ({ pg1: { text: `${ownerWords('other')} changes\n` } }),
      says: [/pg1: keepalived has the virtual address of the cluster other/u],
    },
  ])('is told that $title', async ({ yaml = LEADING, seen, says }) => {
    const inventory = await inventoryOf(yaml);
    const found = vipObjections(viewOf(inventory, seen(inventory))).map(({ message, hint }) => `${message} -> ${hint}`);
    expect(found).toHaveLength(says.length);
    says.forEach((pattern, index) => expect(found[index]).toMatch(pattern));
  });

  it('names the hosts that were left out, since one of them may have it', async () => {
    const inventory = await inventoryOf(LEADING);
    const [objection] = vipObjections(viewOf(inventory, { pg2: { answer: 'answers' } }));
    expect(objection?.hint).toContain('include pg1 and pg3');
  });
});

describe('what is told of the address', () => {
  it('is whether the new leader has it', async () => {
    const inventory = await inventoryOf(LEADING);
    const view = viewOf(inventory, { pg1: { addresses: [OWN('pg1'), VIRTUAL] }, pg2: {}, pg3: {} });
    expect(addressFollowed(view, 'pg1')).toMatchObject([{ ok: true, detail: 'pg1' }]);
    expect(addressFollowed(view, 'pg2')).toMatchObject([{ title: 'the leader has 10.0.0.100', ok: false, settles: true }]);
    expect(addressFollowed(viewOf(await inventoryOf(PROXIED), { lb1: {} }), 'pg1')).toEqual([]);
  });

  it.each<{ title: string; seen: Record<string, Seen>; lines: string[]; checks: string[] }>([
    {
      title: 'one host has it',
      seen: { pg1: { addresses: [OWN('pg1'), VIRTUAL] }, pg2: {}, pg3: {} },
      lines: ['has 10.0.0.100, on eth0', 'would take 10.0.0.100 over from pg1', 'would take 10.0.0.100 over from pg1'],
      checks: [],
    },
    {
      title: 'two hosts have it',
      seen: { pg1: { addresses: [OWN('pg1'), VIRTUAL] }, pg2: { addresses: [VIRTUAL] }, pg3: {} },
      lines: [
        'problem has 10.0.0.100, and so has pg2',
        'problem has 10.0.0.100, and so has pg1',
        'would take 10.0.0.100 over from pg1 and pg2',
      ],
      checks: ['one host has 10.0.0.100: pg1 and pg2'],
    },
    {
      title: 'no host has it',
      seen: { pg1: {}, pg2: {}, pg3: {} },
      lines: Array.from({ length: 3 }, () => 'problem no host that answered has 10.0.0.100'),
      checks: ['one host has 10.0.0.100: no host has it'],
    },
    {
      title: 'none of those that were asked has it',
      seen: { pg1: {}, pg2: {} },
      lines: Array.from({ length: 2 }, () => 'problem no host that answered has 10.0.0.100'),
      checks: [],
    },
    {
      title: 'one runs with something else',
      seen: { pg1: { addresses: [OWN('pg1'), VIRTUAL] }, pg2: { inForce: false }, pg3: {} },
      lines: [
        'has 10.0.0.100, on eth0',
        'problem keepalived does not run, or with another configuration',
        'would take 10.0.0.100 over from pg1',
      ],
      checks: ['keepalived runs with its configuration: it does not run, or with another configuration; its log says why'],
    },
  ])('says that $title', async ({ seen, lines, checks }) => {
    const inventory = await inventoryOf(LEADING);
    const view = viewOf(inventory, seen);
    const told = inventory.hosts.flatMap((host) => addressLines(view, host));
    expect(told.map(({ level, text }) => (level === undefined ? text : `${level} ${text}`))).toEqual(lines);
    const failed = addressChecks(view).filter(({ ok }) => !ok);
    expect(failed.map(({ title, detail }) => `${title}: ${detail}`)).toEqual(checks);
  });

  const CONFIG = 'vrrp_instance pgprov {\n    state BACKUP\n    interface eth1\n';
  it.each<{ title: string; yaml: string; other: Seen; says: RegExp }>([
    {
      title: 'its interface is gone',
      yaml: LEADING,
      other: { text: CONFIG, state: 'FAULT', interface: undefined as unknown as string },
      says: /^problem cannot take 10\.0\.0\.100 over: its network interface eth1 is gone, and keepalived is in the state FAULT; bring it back .*vip\.interface for (?:pg|lb)2/u,
    },
    {
      title: 'its cluster address is on another interface',
      yaml: LEADING,
      other: { text: CONFIG, interface: 'eth0' },
      says: /eth1 is gone, and keepalived cannot use it; its cluster address is on eth0 now: run `pgprov apply [^`]*`$/u,
    },
    {
      title: 'its interface is down',
      yaml: LEADING,
      other: { text: CONFIG, interfaces: ['lo', 'eth0', 'eth1'], down: ['eth1'], state: 'FAULT' },
      says: /eth1 is down, and keepalived is in the state FAULT; run `ip link set eth1 up`/u,
    },
    {
      title: 'its HAProxy does not answer',
      yaml: PROXIED,
      other: { text: CONFIG, interfaces: ['lo', 'eth0', 'eth1'], state: 'FAULT' },
      says: /keepalived is in the state FAULT: HAProxy does not answer there/u,
    },
    {
      title: 'nothing, where it only does not lead',
      yaml: LEADING,
      other: { text: CONFIG, interfaces: ['lo', 'eth0', 'eth1'], state: 'FAULT' },
      says: /^would take 10\.0\.0\.100 over from pg1$/u,
    },
  ])('says what keeps a host from taking it over: $title', async ({ yaml, other, says }) => {
    const inventory = await inventoryOf(yaml);
    const [first, second] = yaml === PROXIED ? ['lb1', 'lb2'] : ['pg1', 'pg2'];
    const view = viewOf(inventory, { [first]: { addresses: [OWN(first), VIRTUAL] }, [second]: other });
    const [line] = addressLines(view, hostOf(inventory, second));
    expect([line?.level ?? [], line?.text].flat().join(' ')).toMatch(says);
  });
});
