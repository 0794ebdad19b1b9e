import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { firewall, firewallsInForce, type FirewallState } from '../../src/resources/firewall/firewall.js';
import { firewallService } from '../../src/resources/firewall/firewall-service.js';
import { parseFirewalld, policyName, policyText } from '../../src/resources/firewall/firewalld.js';
import { closesWhenLoaded, nftablesInForce, ownTables, parseNftables, type NftablesState } from '../../src/resources/firewall/nftables.js';
import { canonicalNetwork, mergeOpenings, subtractOpenings, type Opening } from '../../src/resources/firewall/opening.js';
import { parseUfw } from '../../src/resources/firewall/ufw.js';
import type { Resource } from '../../src/resources/resource.js';
import { joinScripts, sh, type Script } from '../../src/shell/quote.js';
import { freshDirectory, ME } from '../support/directory.js';
import { bringAbout, moved, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const answer = (text: string): { status: number; out: Buffer } => ({ status: 0, out: Buffer.from(text) });

const OPENINGS: readonly Opening[] = [
  { source: '10.0.0.1', ports: [2379, 5432] },
  { source: '10.0.0.2', ports: [2379, 5432] },
  { source: 'fd00::/64', ports: [5432] },
];
const NONE: FirewallState = {
  firewalld: { running: false, file: undefined, runtime: [] },
  ufw: { running: false, rules: [] },
  nftables: { enabled: false, loaded: false, config: '', included: false, file: undefined, tables: [] },
};
const inet = (rest: Partial<NftablesState['tables'][number]> = {}): NftablesState['tables'][number] => ({
  family: 'inet',
  name: 'filter',
  hooks: [{ chain: 'input', jumps: false }],
  openings: [],
  ...rest,
});
const loaded = (rest: Partial<NftablesState> = {}): NftablesState => ({
  enabled: true,
  loaded: true,
  config: 'table inet filter {\n\tchain input {',
  included: false,
  file: undefined,
  tables: [inet()],
  ...rest,
});
const auto = firewall({ cluster: 'demo', backend: 'auto', openings: OPENINGS });
const summaries = (state: Partial<FirewallState>, resource: Resource<FirewallState> = auto): string[] =>
  resource.diff({ ...NONE, ...state }).map(({ summary }) => summary);

describe('a network', () => {
  it.each([
    { text: '10.0.0.1', canonical: '10.0.0.1' },
    { text: '10.0.0.1/32', canonical: '10.0.0.1' },
    { text: '10.0.1.77/24', canonical: '10.0.1.0/24' },
    { text: '255.255.255.255/1', canonical: '128.0.0.0/1' },
    { text: '0.0.0.0/0', canonical: '0.0.0.0/0' },
    { text: '2001:DB8:0:0:0:0:0:1', canonical: '2001:db8::1' },
    { text: '2001:db8::ff:1/112', canonical: '2001:db8::ff:0/112' },
    { text: 'fd00::1/128', canonical: 'fd00::1' },
    { text: '::/0', canonical: '::/0' },
    { text: '::1', canonical: '::1' },
    { text: '1:2:3:4:5:6:7:8/16', canonical: '1::/16' },
    { text: '::ffff:10.0.0.1', canonical: '::ffff:a00:1' },
    { text: '10.0.0.1/33', canonical: undefined },
    { text: 'fd00::/129', canonical: undefined },
    { text: '10.0.0', canonical: undefined },
    { text: '10.0.0.1/', canonical: undefined },
    { text: 'fe80::1%eth0', canonical: undefined },
    { text: 'pg1.example', canonical: undefined },
    { text: '', canonical: undefined },
  ])('has $canonical as the canonical form of $text', ({ text, canonical }) => expect(canonicalNetwork(text)).toBe(canonical));
});

describe('openings', () => {
  it('are joined by source, however it is written', () => {
    expect(
      mergeOpenings([
        { sources: ['10.0.0.1', 'name'], ports: [5432, 2379] },
        { sources: ['10.0.0.1/32', '10.0.0.2'], ports: [5432, 8008] },
        { sources: ['10.0.0.3'], ports: [] },
      ]),
    ).toEqual([
      { source: '10.0.0.1', ports: [2379, 5432, 8008] },
      { source: '10.0.0.2', ports: [5432, 8008] },
    ]);
  });

  it('can be subtracted', () => {
    expect(
      subtractOpenings(OPENINGS, [
        { source: '10.0.0.1', ports: [5432] },
        { source: '10.0.0.2', ports: [2379, 5432] },
      ]),
    ).toEqual([
      { source: '10.0.0.1', ports: [2379] },
      { source: 'fd00::/64', ports: [5432] },
    ]);
  });
});

describe('firewall', () => {
  it.each<{ title: string; state: Partial<FirewallState>; names: string[] }>([
    { title: 'none', state: {}, names: [] },
    { title: 'firewalld', state: { firewalld: { ...NONE.firewalld, running: true } }, names: ['firewalld'] },
    { title: 'ufw', state: { ufw: { running: true, rules: [] } }, names: ['ufw'] },
    { title: 'nftables', state: { nftables: loaded() }, names: ['nftables'] },
    { title: 'nftables that is not loaded at boot', state: { nftables: loaded({ enabled: false }) }, names: [] },
    { title: 'nftables without an input chain', state: { nftables: loaded({ tables: [] }) }, names: [] },
  ])('knows what is in force: $title', ({ state, names }) => expect(firewallsInForce({ ...NONE, ...state })).toEqual(names));

  it('does nothing when no firewall is in force', () => expect(summaries({})).toEqual([]));

  it('plans for one that is about to be started', () => {
    const named = firewall({ cluster: 'demo', backend: 'ufw', openings: OPENINGS });
    expect(summaries({}, named)).toEqual(['open 2379, 5432 from 10.0.0.1, 10.0.0.2 in ufw', 'open 5432 from fd00::/64 in ufw']);
  });

  it('has a digest that follows what is wanted', () => {
    expect(firewall({ cluster: 'demo', backend: 'auto', openings: [] }).digest()).not.toBe(auto.digest());
  });
});

describe('firewalld', () => {
  const text = policyText('demo', OPENINGS);
  const state = (rest: Partial<FirewallState['firewalld']> = {}): Partial<FirewallState> => ({
    firewalld: { running: true, file: text, runtime: [...OPENINGS], ...rest },
  });

  it.each([
    { cluster: 'demo', name: 'pgprov-demo' },
    { cluster: 'ten-chars_', name: 'pgprov-ten-chars_' },
    { cluster: 'eleven-char', name: 'pgprov-eleve1befc' },
    { cluster: 'eleven-chat', name: 'pgprov-elevec182e' },
  ])('has a policy for $cluster whose name it accepts: $name', ({ cluster, name }) => expect(policyName(cluster)).toBe(name));

  it('has names of 17 characters at most, different for each cluster', () => {
    const names = ['demo', 'production-eu-1', 'production-eu-2', 'p'.repeat(63)].map(policyName);
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^pgprov-[a-z0-9_-]{1,10}$/u);
  });

  it('has exactly this policy', () =>
    expect(text).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="utf-8"?>
    <!-- Managed by pgprov: changes made here are undone by the next \`pgprov apply\`. -->
    <policy priority="-100" target="CONTINUE">
      <short>pgprov demo</short>
      <description>What the members and clients of the PostgreSQL cluster demo may reach here.</description>
      <ingress-zone name="ANY"/>
      <egress-zone name="HOST"/>
      <rule family="ipv4"><source address="10.0.0.1"/><port port="2379" protocol="tcp"/><accept/></rule>
      <rule family="ipv4"><source address="10.0.0.1"/><port port="5432" protocol="tcp"/><accept/></rule>
      <rule family="ipv4"><source address="10.0.0.2"/><port port="2379" protocol="tcp"/><accept/></rule>
      <rule family="ipv4"><source address="10.0.0.2"/><port port="5432" protocol="tcp"/><accept/></rule>
      <rule family="ipv6"><source address="fd00::/64"/><port port="5432" protocol="tcp"/><accept/></rule>
    </policy>
    "
  `));

  it('reads the state of the host', () => {
    const lines = [
      'running',
      'runtime rule family="ipv4" source address="10.0.0.1" port port="5432" protocol="tcp" accept',
      'file <policy>',
      'file </policy>',
    ];
    expect(parseFirewalld(lines)).toEqual({
      running: true,
      file: '<policy>\n</policy>\n',
      runtime: [{ source: '10.0.0.1', ports: [5432] }],
    });
    expect(parseFirewalld([])).toEqual(NONE.firewalld);
  });

  it.each<{ title: string; state: Partial<FirewallState>; changes: string[] }>([
    { title: 'as desired', state: state(), changes: [] },
    {
      title: 'nothing yet',
      state: state({ file: undefined, runtime: [] }),
      changes: ['open 2379, 5432 from 10.0.0.1, 10.0.0.2 in firewalld', 'open 5432 from fd00::/64 in firewalld'],
    },
    { title: 'not in force', state: state({ runtime: OPENINGS.slice(1) }), changes: ['open 2379, 5432 from 10.0.0.1 in firewalld'] },
    {
      title: 'in force, but not permanent',
      state: state({ file: undefined }),
      changes: ['open 2379, 5432 from 10.0.0.1, 10.0.0.2 in firewalld', 'open 5432 from fd00::/64 in firewalld'],
    },
    {
      title: 'a member that is gone, and an old port',
      state: state({
        file: policyText('demo', [...OPENINGS, { source: '10.0.0.9', ports: [5432] }]),
        runtime: [...OPENINGS, { source: '10.0.0.2', ports: [2379, 5432, 5433] }],
      }),
      changes: ['close 5432 from 10.0.0.9 in firewalld', 'close 5433 from 10.0.0.2 in firewalld'].sort(),
    },
    {
      title: 'written by another version',
      state: state({ file: text.replace('demo may', 'demo might') }),
      changes: ['write /etc/firewalld/policies/pgprov-demo.xml'],
    },
  ])('compares its policy: $title', ({ state: seen, changes }) => expect(summaries(seen).sort()).toEqual(changes));

  it('shows the file in its diff', () => {
    const [change] = auto.diff({ ...NONE, ...state({ file: 'old\n', runtime: [] }) });
    expect(change).toMatchObject({ before: 'old\n', after: text });
  });
});

describe('a protocol without ports', () => {
  const wanted: Opening[] = [
    { source: '10.0.0.2', ports: [5432, 'vrrp'] },
    { source: '10.0.0.8', ports: ['vrrp'] },
  ];
  const resource = firewall({ cluster: 'demo', backend: 'auto', openings: wanted });
  const OPENED = ['open 5432, vrrp from 10.0.0.2', 'open vrrp from 10.0.0.8'];

  it('is let through beside ports, which come first', () => {
    expect(
      mergeOpenings([
        { sources: ['10.0.0.2'], ports: ['vrrp'] },
        { sources: ['10.0.0.2'], ports: [5432] },
        { sources: ['10.0.0.8'], ports: ['vrrp'] },
      ]),
    ).toEqual(wanted);
  });

  it('is let through by firewalld', () => {
    const text = policyText('demo', wanted);
    expect(text).toContain('<rule family="ipv4"><source address="10.0.0.8"/><protocol value="vrrp"/><accept/></rule>\n');
    const runtime = [
      'runtime rule family="ipv4" source address="10.0.0.2" port port="5432" protocol="tcp" accept',
      'runtime rule family="ipv4" source address="10.0.0.2" protocol value="vrrp" accept',
      'runtime rule family="ipv4" source address="10.0.0.8" protocol value="vrrp" accept',
    ];
    const lines = [
      'running',
      ...runtime,
      ...text
        .trim()
        .split('\n')
        .map((line) => `file ${line}`),
    ];
    expect(summaries({ firewalld: parseFirewalld(lines) }, resource)).toEqual([]);
    expect(summaries({ firewalld: parseFirewalld(['running']) }, resource)).toEqual(OPENED.map((words) => `${words} in firewalld`));
  });

  it('is let through by ufw, in a rule of its own', () => {
    const comment = `comment=${Buffer.from('pgprov demo').toString('hex')}`;
    const rules = [
      `rule allow tcp 5432 0.0.0.0/0 any 10.0.0.2 in ${comment}`,
      `rule allow vrrp any 0.0.0.0/0 any 10.0.0.2 in ${comment}`,
      `rule allow vrrp any 0.0.0.0/0 any 10.0.0.8 in ${comment}`,
    ];
    const empty = { ...NONE, ufw: parseUfw(['running']) };
    expect(summaries({ ufw: parseUfw(['running', ...rules]) }, resource)).toEqual([]);
    expect(summaries({ ufw: empty.ufw }, resource)).toEqual(['open 5432 from 10.0.0.2 in ufw', 'open vrrp from 10.0.0.2, 10.0.0.8 in ufw']);
    expect(resource.apply([], empty).text.split('\n')).toEqual([
      "ufw prepend allow proto tcp from 10.0.0.2 to any port 5432 comment 'pgprov demo'",
      "ufw prepend allow proto vrrp from 10.0.0.2 comment 'pgprov demo'",
      "ufw prepend allow proto vrrp from 10.0.0.8 comment 'pgprov demo'",
    ]);
    const stale = { ...NONE, ufw: parseUfw(['running', ...rules, `rule allow vrrp any 0.0.0.0/0 any 10.0.0.9 in ${comment}`]) };
    expect(resource.apply([], stale).text).toBe('ufw --force delete allow proto vrrp from 10.0.0.9');
  });

  it.each([112, 'vrrp'])('is let through by nftables, which lists it as %j', (listed) => {
    const [change] = resource.diff({ ...NONE, nftables: loaded() });
    expect(change?.after).toContain('ip saddr 10.0.0.2 tcp dport 5432 accept comment "pgprov demo"\n');
    expect(change?.after).toContain('ip saddr 10.0.0.8 meta l4proto 112 accept comment "pgprov demo"\n');
    const protocol = { match: { op: '==', left: { meta: { key: 'l4proto' } }, right: listed } };
    const nftables = [
      { chain: { family: 'inet', table: 'filter', name: 'input', type: 'filter', hook: 'input' } },
      rule('input', { jump: { target: 'pgprov-demo' } }),
      rule('pgprov-demo', match('ip', 'saddr', '10.0.0.2'), match('tcp', 'dport', 5432), { accept: null }),
      rule('pgprov-demo', match('ip', 'saddr', '10.0.0.2'), protocol, { accept: null }),
      rule('pgprov-demo', match('ip', 'saddr', '10.0.0.8'), protocol, { accept: null }),
    ];
    const lines = ['unit enabled active', 'config table inet filter {', 'included', `ruleset ${JSON.stringify({ nftables })}`];
    const seen = parseNftables('demo', lines);
    expect(summaries({ nftables: { ...seen, file: change?.after } }, resource)).toEqual([]);
    expect(summaries({ nftables: loaded() }, resource)).toEqual(OPENED.map((words) => `${words} in nftables`));
  });
});

describe('a UDP port', () => {
  const wanted: Opening[] = [{ source: '10.0.0.2', ports: [5432, 8301, '8301/udp'] }];
  const resource = firewall({ cluster: 'demo', backend: 'auto', openings: wanted });
  const OPENED = 'open 5432, 8301, 8301/udp from 10.0.0.2';

  it('is let through beside the TCP port of the same number, after all of these', () => {
    expect(
      mergeOpenings([
        { sources: ['10.0.0.2'], ports: ['8301/udp', 8301] },
        { sources: ['10.0.0.2'], ports: [5432, '8301/udp'] },
      ]),
    ).toEqual(wanted);
  });

  it('is let through by firewalld', () => {
    const text = policyText('demo', wanted);
    expect(text).toContain('<rule family="ipv4"><source address="10.0.0.2"/><port port="8301" protocol="udp"/><accept/></rule>\n');
    const runtime = [
      ...[5432, 8301].map((port) => `runtime rule family="ipv4" source address="10.0.0.2" port port="${port}" protocol="tcp" accept`),
      'runtime rule family="ipv4" source address="10.0.0.2" port port="8301" protocol="udp" accept',
    ];
    const file = text
      .trim()
      .split('\n')
      .map((line) => `file ${line}`);
    expect(summaries({ firewalld: parseFirewalld(['running', ...runtime, ...file]) }, resource)).toEqual([]);
    expect(summaries({ firewalld: parseFirewalld(['running', ...runtime.slice(0, 2), ...file]) }, resource)).toEqual([
      'open 8301/udp from 10.0.0.2 in firewalld',
    ]);
    expect(summaries({ firewalld: parseFirewalld(['running']) }, resource)).toEqual([`${OPENED} in firewalld`]);
  });

  it('is let through by ufw, in a rule of its own', () => {
    const comment = `comment=${Buffer.from('pgprov demo').toString('hex')}`;
    const rules = ['tcp 5432,8301', 'udp 8301'].map((port) => `rule allow ${port} 0.0.0.0/0 any 10.0.0.2 in ${comment}`);
    expect(summaries({ ufw: parseUfw(['running', ...rules]) }, resource)).toEqual([]);
    expect(resource.apply([], { ...NONE, ufw: parseUfw(['running']) }).text.split('\n')).toEqual([
      "ufw prepend allow proto tcp from 10.0.0.2 to any port 5432,8301 comment 'pgprov demo'",
      "ufw prepend allow proto udp from 10.0.0.2 to any port 8301 comment 'pgprov demo'",
    ]);
  });

  it('is let through by nftables', () => {
    const [change] = resource.diff({ ...NONE, nftables: loaded() });
    expect(change?.after).toContain('ip saddr 10.0.0.2 udp dport 8301 accept comment "pgprov demo"\n');
    const nftables = [
      { chain: { family: 'inet', table: 'filter', name: 'input', type: 'filter', hook: 'input' } },
      rule('input', { jump: { target: 'pgprov-demo' } }),
      rule('pgprov-demo', match('ip', 'saddr', '10.0.0.2'), match('tcp', 'dport', { set: [5432, 8301] }), { accept: null }),
      rule('pgprov-demo', match('ip', 'saddr', '10.0.0.2'), match('udp', 'dport', 8301), { accept: null }),
    ];
    const lines = ['unit enabled active', 'config table inet filter {', 'included', `ruleset ${JSON.stringify({ nftables })}`];
    const seen = parseNftables('demo', lines);
    expect(summaries({ nftables: { ...seen, file: change?.after } }, resource)).toEqual([]);
    expect(summaries({ nftables: loaded() }, resource)).toEqual([`${OPENED} in nftables`]);
  });
});

describe('ufw', () => {
  const tuple = (ports: string, source: string, comment = 'pgprov demo'): string =>
    `rule allow tcp ${ports} ${source.includes(':') ? '::/0' : '0.0.0.0/0'} any ${source} in${comment === '' ? '' : ` comment=${Buffer.from(comment).toString('hex')}`}`;
  const ours = ['running', tuple('2379,5432', '10.0.0.1'), tuple('2379,5432', '10.0.0.2'), tuple('5432', 'fd00::/64')];
  const seen = (...lines: string[]): Partial<FirewallState> => ({ ufw: parseUfw(lines) });

  it('reads rules that pgprov wrote', () => {
    expect(
      parseUfw([
        tuple('22', '0.0.0.0/0', ''),
        'rule allow any any 0.0.0.0/0 any 10.0.0.1 in',
        'rule deny tcp 22 0.0.0.0/0 any ::/0 in',
        tuple('5432,5433', '10.0.0.0/8'),
      ]),
    ).toEqual({
      running: false,
      rules: [
        { source: '0.0.0.0/0', ports: [22], comment: '' },
        { source: '10.0.0.0/8', ports: [5432, 5433], comment: 'pgprov demo' },
      ],
    });
  });

  it.each<{ title: string; lines: string[]; changes: string[]; script: string }>([
    { title: 'as desired', lines: ours, changes: [], script: '' },
    {
      title: 'nothing yet',
      lines: ['running', tuple('22', '0.0.0.0/0', '')],
      changes: ['open 2379, 5432 from 10.0.0.1, 10.0.0.2 in ufw', 'open 5432 from fd00::/64 in ufw'],
      script: `ufw prepend allow proto tcp from 10.0.0.1 to any port 2379,5432 comment 'pgprov demo'
ufw prepend allow proto tcp from 10.0.0.2 to any port 2379,5432 comment 'pgprov demo'
ufw prepend allow proto tcp from fd00::/64 to any port 5432 comment 'pgprov demo'`,
    },
    {
      title: 'a member that is gone',
      lines: [...ours, tuple('5432', '10.0.0.9'), tuple('5432', '10.0.0.8', 'other'), tuple('5432', '10.0.0.7', 'pgprov other')],
      changes: ['close 5432 from 10.0.0.9 in ufw'],
      script: 'ufw --force delete allow proto tcp from 10.0.0.9 to any port 5432',
    },
    {
      title: 'another port',
      lines: [...ours.slice(0, 2), tuple('2379,5433', '10.0.0.2'), ...ours.slice(3)],
      changes: ['open 5432 from 10.0.0.2 in ufw', 'close 5433 from 10.0.0.2 in ufw'],
      script: `ufw prepend allow proto tcp from 10.0.0.2 to any port 2379,5432 comment 'pgprov demo'
ufw --force delete allow proto tcp from 10.0.0.2 to any port 2379,5433`,
    },
    {
      title: 'a foreign rule that is sufficient',
      lines: [...ours.slice(0, 3), tuple('5432', 'fd00::/64', 'mine')],
      changes: [],
      script: '',
    },
    {
      title: 'an interrupted run',
      lines: [...ours, tuple('5432', '10.0.0.1')],
      changes: ['write the rules of pgprov in ufw anew'],
      script: 'ufw --force delete allow proto tcp from 10.0.0.1 to any port 5432',
    },
  ])('compares its rules: $title', ({ lines, changes, script }) => {
    expect(summaries(seen(...lines))).toEqual(changes);
    expect(auto.apply([], { ...NONE, ...seen(...lines) }).text).toBe(script);
  });
});

/** As nft 1.0.6 lists Debian's own configuration with the chain of this test, an iptables table and one of fail2ban. */
const rule = (chain: string, ...expr: object[]): object => ({ rule: { family: 'inet', table: 'filter', chain, handle: 1, expr } });
const match = (protocol: string, field: string, right: unknown): object => ({
  match: { op: '==', left: { payload: { protocol, field } }, right },
});
const RULESET = {
  nftables: [
    { metainfo: { version: '1.0.6', json_schema_version: 1 } },
    { table: { family: 'inet', name: 'filter', handle: 2 } },
    { chain: { family: 'inet', table: 'filter', name: 'input', handle: 1, type: 'filter', hook: 'input', prio: 0, policy: 'drop' } },
    { chain: { family: 'inet', table: 'filter', name: 'output', handle: 2, type: 'filter', hook: 'output', prio: 0, policy: 'accept' } },
    { chain: { family: 'inet', table: 'filter', name: 'pgprov-demo', handle: 11 } },
    rule('input', { jump: { target: 'pgprov-demo' } }),
    rule('input', { match: { op: 'in', left: { ct: { key: 'state' } }, right: ['established', 'related'] } }, { accept: null }),
    rule('pgprov-demo', match('ip', 'saddr', '10.0.0.1'), match('tcp', 'dport', { set: [2379, 5432] }), { accept: null }),
    rule('pgprov-demo', match('ip', 'saddr', '10.0.0.2'), match('tcp', 'dport', { set: [2379, 5432] }), { accept: null }),
    rule('pgprov-demo', match('ip6', 'saddr', { prefix: { addr: 'fd00::', len: 64 } }), match('tcp', 'dport', 5432), { accept: null }),
    { table: { family: 'ip', name: 'filter', handle: 3 } },
    { chain: { family: 'ip', table: 'filter', name: 'INPUT', handle: 1, type: 'filter', hook: 'input', prio: 0, policy: 'accept' } },
    {
      chain: {
        family: 'inet',
        table: 'f2b-table',
        name: 'f2b-chain',
        handle: 1,
        type: 'filter',
        hook: 'input',
        prio: -1,
        policy: 'accept',
      },
    },
    { chain: { family: 'netdev', table: 'x', name: 'y', handle: 1, type: 'filter', hook: 'ingress', prio: -1 } },
  ],
};

describe('nftables', () => {
  const lines = [
    'unit enabled active',
    'config flush ruleset',
    'config table inet filter {',
    'included',
    'file x',
    `ruleset ${JSON.stringify(RULESET)}`,
  ];

  it('reads the ruleset', () => {
    expect(parseNftables('demo', lines)).toEqual({
      enabled: true,
      loaded: true,
      included: true,
      file: 'x\n',
      config: 'flush ruleset\ntable inet filter {',
      tables: [
        inet({ hooks: [{ chain: 'input', jumps: true }], openings: [...OPENINGS] }),
        { family: 'ip', name: 'filter', hooks: [{ chain: 'INPUT', jumps: false }], openings: [] },
        { family: 'inet', name: 'f2b-table', hooks: [{ chain: 'f2b-chain', jumps: false }], openings: [] },
      ],
    });
    expect(parseNftables('demo', [])).toEqual(NONE.nftables);
  });

  it('leaves tables alone that its configuration does not make', () => {
    expect(ownTables(parseNftables('demo', lines)).map(({ family, name }) => `${family} ${name}`)).toEqual(['inet filter']);
  });

  it.each([
    { config: 'table ip filter {', family: 'ip', own: true },
    { config: 'table filter {', family: 'ip', own: true },
    { config: 'add table inet filter', family: 'inet', own: true },
    { config: 'table inet filter2 {', family: 'inet', own: false },
    { config: 'table ip6 filter {', family: 'inet', own: false },
  ])('$config makes the table filter of $family: $own', ({ config, family, own }) => {
    expect(nftablesInForce(loaded({ config, tables: [inet({ family })] }))).toBe(own);
  });

  it.each([
    { config: 'chain input { policy accept; }', isLoaded: false, closes: false },
    { config: '# drop\nchain input { }', isLoaded: false, closes: false },
    { config: 'chain input { policy drop; }', isLoaded: false, closes: true },
    { config: 'tcp dport 25 reject', isLoaded: false, closes: true },
    { config: 'chain input { policy drop; }', isLoaded: true, closes: false },
  ])('$config would close something: $closes', ({ config, isLoaded, closes }) => {
    expect(closesWhenLoaded(loaded({ config, loaded: isLoaded }))).toBe(closes);
  });

  const file = auto.diff({ ...NONE, nftables: loaded() })[0]?.after ?? '';

  it('has exactly this file', () =>
    expect(file).toMatchInlineSnapshot(`
    "# Managed by pgprov: changes made here are undone by the next \`pgprov apply\`.
    add table inet filter
    add chain inet filter input
    add chain inet filter pgprov-demo
    flush chain inet filter pgprov-demo
    add rule inet filter pgprov-demo ip saddr 10.0.0.1 tcp dport { 2379, 5432 } accept comment "pgprov demo"
    add rule inet filter pgprov-demo ip saddr 10.0.0.2 tcp dport { 2379, 5432 } accept comment "pgprov demo"
    add rule inet filter pgprov-demo ip6 saddr fd00::/64 tcp dport 5432 accept comment "pgprov demo"
    insert rule inet filter input jump pgprov-demo comment "pgprov demo"
    "
  `));

  const jumping = inet({ hooks: [{ chain: 'input', jumps: true }], openings: [...OPENINGS] });
  it.each<{ title: string; state: NftablesState; changes: string[] }>([
    { title: 'as desired', state: loaded({ tables: [jumping], file, included: true }), changes: [] },
    {
      title: 'nothing yet',
      state: loaded(),
      changes: ['open 2379, 5432 from 10.0.0.1, 10.0.0.2 in nftables', 'open 5432 from fd00::/64 in nftables'],
    },
    {
      title: 'an unused chain',
      state: loaded({ tables: [inet({ openings: [...OPENINGS] })], file, included: true }),
      changes: ['open 2379, 5432 from 10.0.0.1, 10.0.0.2 in nftables', 'open 5432 from fd00::/64 in nftables'],
    },
    {
      title: 'a member that is gone',
      state: loaded({
        tables: [inet({ ...jumping, openings: [...OPENINGS, { source: '10.0.0.9', ports: [5432] }] })],
        file: 'old\n',
        included: true,
      }),
      changes: ['close 5432 from 10.0.0.9 in nftables'],
    },
    { title: 'in force, but not permanent', state: loaded({ tables: [jumping] }), changes: ['write /etc/nftables.d/pgprov-demo.nft'] },
    {
      title: 'not included',
      state: loaded({ tables: [jumping], file }),
      changes: ['have nftables load /etc/nftables.d/pgprov-demo.nft at boot'],
    },
  ])('compares its rules: $title', ({ state, changes }) => expect(summaries({ nftables: state })).toEqual(changes));

  it('requires of a table only what it can contain', () => {
    const tables = [
      { family: 'ip', name: 'a', hooks: [{ chain: 'in', jumps: true }], openings: OPENINGS.slice(0, 2) },
      { family: 'ip6', name: 'b', hooks: [{ chain: 'in', jumps: true }], openings: OPENINGS.slice(2) },
    ];
    const [change, ...others] = auto.diff({ ...NONE, nftables: loaded({ config: 'table ip a\ntable ip6 b', tables, included: true }) });
    expect(others).toEqual([]);
    expect(change?.summary).toBe('write /etc/nftables.d/pgprov-demo.nft');
    expect(change?.after).not.toMatch(/ip a pgprov-demo ip6|ip6 b pgprov-demo ip /u);
  });
});

describe('firewallService', () => {
  it.each([
    { backend: 'firewalld' as const, text: 'enabled\nrunning\n', changes: [] },
    { backend: 'ufw' as const, text: 'enabled\n', changes: ['start ufw, with SSH (22, 2222) allowed'] },
    { backend: 'nftables' as const, text: '', changes: ['enable nftables', 'start nftables'] },
    { backend: 'firewalld' as const, text: 'running\n', changes: ['enable firewalld'] },
  ])('$backend: $text', ({ backend, text, changes }) => {
    const resource = firewallService({ backend, sshPorts: [22, 2222] });
    expect(resource.diff(resource.parse(answer(text))).map(({ summary }) => summary)).toEqual(changes);
  });

  it('only enables a running unit', () => {
    expect(
      firewallService({ backend: 'ufw', sshPorts: [22] }).apply([{ action: 'enable', summary: '' }], { enabled: false, running: true })
        .text,
    ).toBe('systemctl -q enable ufw');
  });
});

describe('the scripts, with programs that imitate the firewalls', () => {
  const work = freshDirectory();

  /** A program that the scripts find before the machine's own. */
  function program(name: string, body: string): void {
    const path = work.at('bin', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\ncd '${work.path}'\n${body}\n`);
    chmodSync(path, 0o755);
  }

  function put(path: string, text: string): void {
    mkdirSync(dirname(work.at(path)), { recursive: true });
    writeFileSync(work.at(path), text);
  }

  /** The resource in the test's directory, with its owner in the place of root. */
  function here<State>(resource: Resource<State>): Resource<State> {
    const wrap = (script: Script): Script =>
      joinScripts([
        sh`PATH=${work.at('bin')}:$PATH`,
        moved(moved(script, '/etc/', `${work.path}/etc/`), 'chown root:root', `chown ${ME.owner}:${ME.group}`),
      ]);
    return { ...resource, probe: () => wrap(resource.probe()), apply: (changes, state) => wrap(resource.apply(changes, state)) };
  }

  const services = (...active: string[]): void =>
    program(
      'systemctl',
      `case "$2" in ${active.join('|') || '-'}) case $1 in is-active) echo active ;; is-enabled) echo enabled ;; esac ;; *) echo inactive; exit 3 ;; esac`,
    );

  inEveryShell(HOST_SHELLS, (shell) => {
    it('see nothing when there is nothing', async () => {
      services();
      expect(firewallsInForce(await observe(shell, here(auto)))).toEqual([]);
    });

    describe('firewalld', () => {
      const play = (): void => {
        services('firewalld');
        program(
          'firewall-cmd',
          `echo "$*" >>calls
case "$*" in
--check-config) [ ! -e broken ] || { echo 'Error: INVALID_ZONE'; exit 1; } ;;
--reload) sed -n 's|.*family="\\(ipv.\\)"><source address="\\([^"]*\\)"/><port port="\\([0-9]*\\)".*|rule family="\\1" source address="\\2" port port="\\3" protocol="tcp" accept|p' etc/firewalld/policies/*.xml >runtime ;;
*--list-rich-rules) cat runtime ;;
esac`,
        );
        put('runtime', '');
      };

      it('applies the rules permanently and at once', async () => {
        play();
        const { answer: done, left } = await bringAbout(shell, here(auto));
        expect(done).toEqual({ status: 0, words: '' });
        expect(left).toEqual([]);
        expect(readFileSync(work.at('etc/firewalld/policies/pgprov-demo.xml'), 'utf8')).toBe(policyText('demo', OPENINGS));
        expect((await bringAbout(shell, here(auto))).changes).toEqual([]);
      });

      it('restores the former file when firewalld rejects the new one', async () => {
        play();
        put('etc/firewalld/policies/pgprov-demo.xml', 'former\n');
        put('broken', '');
        const { answer: done } = await bringAbout(shell, here(auto));
        expect(done?.status).toBe(1);
        expect(done?.words).toBe('firewalld does not accept its configuration; the former rules are back:\nError: INVALID_ZONE\n');
        expect(readFileSync(work.at('etc/firewalld/policies/pgprov-demo.xml'), 'utf8')).toBe('former\n');
      });

      it('restores everything when firewalld does not bring the rules into force', async () => {
        play();
        program('firewall-cmd', ':');
        program('sleep', ':');
        program('journalctl', "echo 'ERROR: COMMAND_FAILED'");
        const { answer: done } = await bringAbout(shell, here(auto));
        expect(done).toEqual({
          status: 1,
          words: 'firewalld did not put the rules in force; the former rules are back:\nERROR: COMMAND_FAILED\n',
        });
        expect(existsSync(work.at('etc/firewalld/policies/pgprov-demo.xml'))).toBe(false);
      });

      it.each([
        { title: 'starts at boot from then on', fails: '', status: 0, words: '', last: 'systemctl -q enable firewalld' },
        { title: 'says why it did not start', fails: 'exit 1', status: 1, words: 'Failed to load\n', last: 'systemctl start firewalld' },
      ])('lets SSH in before it is started, and $title', async ({ fails, status, words, last }) => {
        program(
          'systemctl',
          `echo "systemctl $*" >>calls
case "$1" in start) cp etc/firewalld/policies/ssh-by-pgprov.xml loaded; ${fails || ':'} ;; reload | reset-failed | is-*) exit 1 ;; esac`,
        );
        program('journalctl', "echo 'Failed to load'");
        const { answer: done } = await bringAbout(shell, here(firewallService({ backend: 'firewalld', sshPorts: [22, 2222] })));
        expect(done).toEqual({ status, words });
        const ports = [...readFileSync(work.at('loaded'), 'utf8').matchAll(/<port port="(\d+)" protocol="tcp"\/>/gu)].map(
          ([, number]) => number,
        );
        expect(ports).toEqual(['22', '2222']);
        expect(
          readFileSync(work.at('calls'), 'utf8')
            .split('\n')
            .filter((line) => !/ is-/u.test(line))
            .at(-2),
        ).toBe(last);
      });

      it('says that its version is too old', async () => {
        play();
        program('firewall-cmd', '[ "$*" != --version ] || echo 0.8.2; [ "$*" != --get-policies ]');
        expect((await bringAbout(shell, here(auto))).answer).toEqual({
          status: 1,
          words: 'firewalld 0.8.2 has no policies: 0.9 or later is needed\n',
        });
      });
    });

    it('ufw lets SSH in before it is started', async () => {
      program('ufw', 'echo "ufw $*" >>calls');
      program('systemctl', 'echo "systemctl $*" >>calls; exit $(case $1 in is-*) echo 1 ;; *) echo 0 ;; esac)');
      const { answer: done } = await bringAbout(shell, here(firewallService({ backend: 'ufw', sshPorts: [22, 2222] })));
      expect(done).toEqual({ status: 0, words: '' });
      expect(
        readFileSync(work.at('calls'), 'utf8')
          .split('\n')
          .filter((line) => !/ status| is-|^$/u.test(line)),
      ).toEqual([
        'ufw allow proto tcp from any to any port 22 comment SSH',
        'ufw allow proto tcp from any to any port 2222 comment SSH',
        'ufw --force enable',
        'systemctl -q enable ufw',
      ]);
    });

    it('ufw adds missing rules and removes stale ones', async () => {
      services();
      program(
        'ufw',
        `tuples=etc/ufw/user.rules
hex() { printf %s "$1" | od -An -tx1 | tr -d ' \\n'; }
case "$1" in
status) echo 'Status: active' ;;
prepend) echo "### tuple ### allow tcp $(shift 9; echo "$1") 0.0.0.0/0 any $6 in comment=$(shift 11; hex "$1")" >>$tuples ;;
--force) grep -v "allow tcp $(shift 10; echo "$1") 0.0.0.0/0 any $7 in" $tuples >new; mv new $tuples ;;
esac`,
      );
      put(
        'etc/ufw/user.rules',
        '### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n### tuple ### allow tcp 5432 0.0.0.0/0 any 10.0.0.9 in comment=706770726f762064656d6f\n',
      );
      const resource = here(firewall({ cluster: 'demo', backend: 'auto', openings: OPENINGS.slice(0, 2) }));
      const { answer: done, after } = await bringAbout(shell, resource);
      expect(done).toEqual({ status: 0, words: '' });
      expect(after.ufw.rules).toEqual([
        { source: '0.0.0.0/0', ports: [22], comment: '' },
        ...OPENINGS.slice(0, 2).map((opening) => ({ ...opening, comment: 'pgprov demo' })),
      ]);
      expect((await bringAbout(shell, resource)).changes).toEqual([]);
    });

    describe('nftables', () => {
      const play = (): void => {
        services('nftables');
        program(
          'nft',
          `case "$1" in
-j) cat ruleset ;;
-c) [ ! -e broken ] || [ "$3" != '${work.at('etc/nftables.conf')}' ] || { echo 'Error: no such table'; exit 1; } ;;
-f) cp "$2" loaded; cp ruleset.after ruleset ;;
esac`,
        );
        const before = RULESET.nftables.filter((entry) => !JSON.stringify(entry).includes('pgprov-demo'));
        put('ruleset', JSON.stringify({ nftables: before }));
        put('ruleset.after', JSON.stringify(RULESET));
        // Without a line feed at its end, and a table in a file of its own.
        put('etc/nftables.conf', 'flush ruleset\ninclude "tables/*.nft"');
        put('etc/tables/filter.nft', 'table inet filter {\n}\n');
      };

      it('applies the rules permanently and at once', async () => {
        play();
        const { answer: done, left } = await bringAbout(shell, here(auto));
        expect(done).toEqual({ status: 0, words: '' });
        expect(left).toEqual([]);
        const directory = work.at('etc/nftables.d');
        expect(readFileSync(work.at('etc/nftables.conf'), 'utf8')).toBe(
          `flush ruleset\ninclude "tables/*.nft"\ninclude "${directory}/pgprov-*.nft"\n`,
        );
        expect(readFileSync(work.at('loaded'), 'utf8')).toBe(readFileSync(`${directory}/pgprov-demo.nft`, 'utf8'));
        expect((await bringAbout(shell, here(auto))).changes).toEqual([]);
      });

      it('leaves everything unchanged when the whole could not be loaded', async () => {
        play();
        put('broken', '');
        const { answer: done, left } = await bringAbout(shell, here(auto));
        expect(done?.status).toBe(1);
        expect(done?.words).toContain('could not be loaded with the rules of pgprov; the former ones are back:\nError: no such table\n');
        expect(readFileSync(work.at('etc/nftables.conf'), 'utf8')).toBe('flush ruleset\ninclude "tables/*.nft"');
        expect(left).toHaveLength(2);
      });
    });
  });
});
