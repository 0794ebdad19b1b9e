import { describe, expect, it } from 'vitest';
import { proxyConfiguration } from '../../../../roles/shared/haproxy/config-file.js';
import { proxyLine } from '../../../../roles/shared/haproxy/told.js';
import type { Change } from '../../../../src/resources/resource.js';
import type { ProxyServer, ProxyState } from '../../../../src/resources/haproxy.js';
import { contextOf, inventoryOf } from '../../../support/inventory.js';

const MEMBERS = '  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n';
const THIRD = '  pg3: 10.0.0.3\n';
const inventoryWith = (proxy: string, rest = ''): string =>
  `cluster: demo\nroles: [base, pgdg, postgresql, replication, etcd, patroni]\nhosts:\n${MEMBERS}  lb1: {address: ${proxy}, roles: [base, haproxy]}\n${rest}`;

async function configOf(yaml: string): Promise<{ text: string; mark: string }> {
  const { file, mark } = proxyConfiguration(contextOf(await inventoryOf(yaml), 'lb1'));
  const [change] = file.diff({ type: 'absent' }) as [Change];
  return { text: change.after ?? '', mark };
}

describe('HAProxy’s configuration', () => {
  it('has every member twice, asked of Patroni for what each way is for', async () => {
    const { text, mark } = await configOf(inventoryWith('10.0.0.9', 'postgresql: {port: 5433}\npatroni: {restapi_port: 8018}\n'));
    expect(text.match(/^ {4}server .*$/gmu)).toEqual(
      ['pg1 10.0.0.1', 'pg2 10.0.0.2', 'pg1 10.0.0.1', 'pg2 10.0.0.2'].map((server) => `    server ${server}:5433 check port 8018`),
    );
    expect(text).toContain('bind 0.0.0.0:5000\n');
    expect(text).toContain("stats auth 'admin:made-for-haproxy.stats_password'\n");
    expect(text).toContain(`\nbackend ${mark}\n`);
    // HAProxy takes no line without an end.
    expect(text.endsWith('\n')).toBe(true);
    expect(text).toContain('on-marked-down shutdown-sessions tcp-ut 30s init-addr last,libc,none\n');
  });

  it('closes a connection at once that the leader refuses, asks again soon, and tries another replica for readers', async () => {
    const { text } = await configOf(inventoryWith('10.0.0.9', 'haproxy: {check_interval: 2000}\n'));
    expect(text).toContain('backend leader\n    retries 0\n');
    expect(text).toContain('backend replicas\n    balance leastconn\n    retries 2\n    option redispatch\n');
    expect(text).toContain(
      'inter 2000ms fastinter 500ms downinter 500ms fall 2 rise 1 observe layer4 error-limit 1 on-error sudden-death on-marked-down',
    );
  });

  it('has another mark whenever anything in it is another, and the same one again', async () => {
    const first = await configOf(inventoryWith('10.0.0.9'));
    expect((await configOf(inventoryWith('10.0.0.9'))).mark).toBe(first.mark);
    expect((await configOf(inventoryWith('10.0.0.9', 'haproxy: {check_interval: 900}\n'))).mark).not.toBe(first.mark);
  });

  it('listens and asks over IPv6 where the cluster does, and leads readers nowhere else where it is told so', async () => {
    const ipv6 = inventoryWith("'fd00::9'", 'haproxy: {replica_fallback: false, server_maxconn: 80}\n').replace('10.0.0.1', 'fd00::1');
    const { text } = await configOf(ipv6);
    expect(text).toContain('bind [::]:5001 v4v6\n    default_backend replicas\n');
    expect(text).toContain('server pg1 [fd00::1]:5432 check');
    expect(text).toContain('init-addr last,libc,none maxconn 80\n');
  });
});

describe('the role haproxy', () => {
  it('is refused where nobody could say who leads', async () => {
    await expect(
      inventoryOf('cluster: demo\nhosts:\n  pg1: {address: 10.0.0.1, roles: [base, pgdg, postgresql, replication, haproxy]}\n'),
    ).rejects.toThrow(/asks Patroni who leads/u);
  });

  it('warns where PostgreSQL would turn its address away', async () => {
    const { warnings } = await inventoryOf(inventoryWith('10.0.0.9', THIRD));
    expect(warnings.map(({ message, hint }) => `${message}; ${hint}`)).toEqual([
      'no line lets clients in that come through lb1: PostgreSQL sees its address, 10.0.0.9; add a line such as "host all all 10.0.0.9/32 scram-sha-256"',
    ]);
    const admitted = await inventoryOf(inventoryWith('10.0.0.9', `${THIRD}postgresql: {hba: [host app app 10.0.0.0/24 scram-sha-256]}\n`));
    expect(admitted.warnings).toEqual([]);
  });
});

describe('what is told of HAProxy', () => {
  const server = (name: string, up: boolean, check: string): ProxyServer => ({
    name,
    up,
    status: up ? 'UP' : 'DOWN',
    check,
    sessions: 0,
  });
  const seen = (leader: ProxyServer[], replicas: ProxyServer[]): ProxyState => ({
    answers: true,
    backends: new Map([
      ['leader', leader],
      ['replicas', replicas],
    ]),
  });
  const [up1, up2, down1, down2] = [
    server('pg1', true, 'L7OK/200'),
    server('pg2', true, 'L7OK/200'),
    server('pg1', false, 'L4CON'),
    server('pg2', false, ''),
  ];

  it.each([
    { title: 'no answer', state: { answers: false, backends: new Map() }, level: 'problem', text: 'HAProxy does not answer' },
    { title: 'one leader', state: seen([up1, down2], [down1, up2]), level: 'ok', text: 'leads to pg1; reads go to pg2' },
    { title: 'no replica', state: seen([up1, down2], [down1, down2]), level: 'warning', text: 'leads to pg1; no replica is fit for reads' },
    {
      title: 'a member that it cannot ask',
      state: seen([up1, server('pg2', false, 'L7STS/503'), server('pg3', false, 'L4TOUT')], [up2]),
      level: 'warning',
      text: 'leads to pg1; reads go to pg2; gets no answer of Patroni from pg3 L4TOUT, and would not lead there',
    },
    { title: 'no leader', state: seen([down1, down2], [up2]), level: 'problem', text: 'sees no leader: pg1 L4CON, pg2 DOWN' },
    { title: 'two leaders', state: seen([up1, up2], []), level: 'problem', text: 'sees several leaders, pg1 and pg2' },
  ])('says $title', ({ state, level, text }) => expect(proxyLine(state)).toEqual({ level, text }));
});
