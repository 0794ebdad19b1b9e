import { expect, it } from 'vitest';
import hostUnreachable from '../../../src/diagnoses/host/host-unreachable.js';
import namesWrong from '../../../src/diagnoses/host/names-wrong.js';
import portHeld from '../../../src/diagnoses/host/port-held.js';
import wayClosed from '../../../src/diagnoses/host/way-closed.js';
import { names } from '../../../src/resources/names.js';
import { PATRONI_MEMBER, type PatroniMemberState } from '../../../src/resources/patroni/member.js';
import { PORTS } from '../../../src/resources/ports.js';
import { REACHABILITY, type Reach } from '../../../src/resources/reachability.js';
import { RUNNING } from '../../../src/resources/running.js';
import { serviceHandle } from '../../../src/resources/service.js';
import { answered, findings, found, seen, type ExaminedHost } from '../../support/examination.js';

const PEERS = { pg1: '10.0.0.1', pg2: '10.0.0.2', pg3: '10.0.0.3' } as const;

/** What a host sees of the others: all open but for what is given, as `pg3:2380`. */
function reaches(own: keyof typeof PEERS, other: Readonly<Record<string, Reach['result']>> = {}): ExaminedHost {
  const peers = (Object.keys(PEERS) as (keyof typeof PEERS)[]).filter((name) => name !== own);
  const state = peers.flatMap((name) =>
    [2379, 2380, 5432, 8008].map(
      (port): Reach => ({ address: PEERS[name], port, result: other[`${name}:${port}`] ?? other[name] ?? 'open' }),
    ),
  );
  return { states: [seen(REACHABILITY, state)] };
}

it('finds no way closed where all are open, or nobody listens yet', async () => {
  expect(
    await found(wayClosed, { pg1: reaches('pg1'), pg2: reaches('pg2', { pg1: 'refused' }), pg3: reaches('pg3', { pg1: 'unknown' }) }),
  ).toEqual([]);
});

it('finds a way that is closed in one direction, and says which', async () => {
  expect(await found(wayClosed, { pg1: reaches('pg1', { 'pg3:2380': 'filtered' }), pg2: reaches('pg2'), pg3: reaches('pg3') })).toEqual([
    'broken pg1 it does not reach pg3 on port 2380, in this direction only: pg3 reaches pg1; pg2 gets through to pg3',
  ]);
});

it('calls no way closed to a Patroni that hangs, whose queue is full', async () => {
  const full = { 'pg3:8008': 'filtered' } as const;
  const hosts = (answers: boolean): Record<string, ExaminedHost> => ({
    pg1: reaches('pg1', full),
    pg2: reaches('pg2', full),
    pg3: {
      states: [
        ...(reaches('pg3').states ?? []),
        seen(PORTS, [{ port: 8008, process: 'patroni', unit: 'patroni.service' }]),
        seen(PATRONI_MEMBER, (answers ? { answers: true, cluster: [] } : { answers: false }) as PatroniMemberState),
      ],
    },
  });
  expect(await found(wayClosed, hosts(false))).toEqual([]);
  expect(await found(wayClosed, hosts(true))).toHaveLength(2);
});

it('finds two members that do not reach each other', async () => {
  expect(
    await found(wayClosed, { pg1: reaches('pg1', { pg3: 'filtered' }), pg2: reaches('pg2'), pg3: reaches('pg3', { pg1: 'unreachable' }) }),
  ).toEqual([
    'broken pg1 it does not reach pg3 on ports 2379, 2380, 5432 and 8008, nor does pg3 reach pg1; pg2 gets through to pg3',
    'broken pg3 it does not reach pg1 on ports 2379, 2380, 5432 and 8008, nor does pg1 reach pg3; pg2 gets through to pg1',
  ]);
});

it('leaves a host that is off to the finding about that host', async () => {
  const off = { pg1: reaches('pg1', { pg3: 'unreachable' }), pg2: reaches('pg2', { pg3: 'filtered' }) };
  const hosts = { ...off, pg3: { unseen: 'cannot connect to pg3 (admin@192.0.2.3:22): timed out after 10 s' } };
  expect(await found(wayClosed, hosts)).toEqual([]);
  expect(await found(hostUnreachable, hosts)).toEqual([
    'broken pg3 it cannot be asked over SSH, and the other members do not reach it either: it is off, or cut off from the network',
  ]);
});

it('tells a host whose SSH alone is down from one whose services are', async () => {
  const unseen = 'cannot connect to pg3 (admin@192.0.2.3:22): connection refused';
  const [works] = await findings(hostUnreachable, { pg1: reaches('pg1'), pg2: reaches('pg2'), pg3: { unseen } });
  expect(works).toMatchObject({ level: 'danger', what: 'it cannot be asked over SSH, while its services answer the other members' });
  expect(works?.mend).toContain('systemctl enable --now ssh');
  const [up] = await findings(hostUnreachable, { pg1: reaches('pg1', { pg3: 'refused' }), pg3: { unseen } });
  expect(up).toMatchObject({ level: 'broken', what: expect.stringContaining('none of its services answers') as string });
});

it('does not say that the cluster lacks a member where a host with backups alone is off', async () => {
  const yaml = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 10.0.0.1
  pg2: 10.0.0.2
  pg3: {address: 10.0.0.3, roles: [base, pgdg, backup-repository]}
`;
  const unseen = 'cannot connect to pg3 (admin@10.0.0.3:22): no route';
  const [off] = await findings(hostUnreachable, { pg1: reaches('pg1', { pg3: 'filtered' }), pg3: { unseen } }, yaml);
  expect(off?.follows).toMatch(/^no backup is taken there and no WAL arrives; PostgreSQL goes on/u);
});

it('says nothing of the services of a host that no other could look at', async () => {
  expect(await found(hostUnreachable, { pg3: { unseen: 'lost the connection to pg3' } })).toEqual([
    'broken pg3 it cannot be asked over SSH',
  ]);
});

const NAMES = names(['pg1', 'pg2', 'pg3']);

function resolves(...lines: readonly string[]): Record<string, ExaminedHost> {
  return { pg1: { states: [answered(NAMES, lines.join('\n'))] } };
}

it('finds nothing where names lead to the members, the own one maybe to a loopback address', async () => {
  const lines = ['asked\tpg1', 'address\tpg1\t127.0.1.1', 'asked\tpg2', 'address\tpg2\t10.0.0.2', 'asked\tpg3', 'address\tpg3\t192.0.2.3'];
  expect(await found(namesWrong, resolves(...lines))).toEqual([]);
  // The host took too long to tell.
  expect(await found(namesWrong, resolves('asked\tpg1'))).toEqual([]);
});

it('finds a name that leads to another machine, with the line that says so', async () => {
  const lines = [
    'asked\tpg2',
    'address\tpg2\t10.0.0.2',
    'asked\tpg3',
    'address\tpg3\t10.9.9.9',
    'address\tpg3\t10.9.9.9',
    'line\t10.9.9.9 pg3',
  ];
  const [finding] = await findings(namesWrong, resolves(...lines));
  expect(finding).toMatchObject({
    level: 'danger',
    host: 'pg1',
    what: 'the name pg3 resolves to 10.9.9.9, and the inventory has 10.0.0.3',
  });
  expect(finding?.evidence.at(-1)).toEqual({ host: 'pg1', source: '/etc/hosts', line: '10.9.9.9 pg3' });
});

it('finds a name that does not resolve though pgprov wrote it', async () => {
  expect(await found(namesWrong, resolves('asked\tpg2'))).toEqual(['danger pg1 the name pg2 does not resolve']);
});

it('finds who has a port that is meant for a service', async () => {
  const hosts = (unit: string, active: 'active' | 'failed'): Record<string, ExaminedHost> => ({
    pg2: {
      states: [
        seen(PORTS, [{ port: 2379, process: 'python3', unit }]),
        seen(serviceHandle('etcd'), { loaded: true, enabled: true, active, applied: undefined }),
      ],
    },
  });
  expect(await found(portHeld, hosts('etcd.service', 'active'))).toEqual([]);
  expect(await found(portHeld, hosts('other.service', 'failed'))).toEqual([
    'broken pg2 port 2379, meant for etcd clients, is held by python3 (other.service)',
  ]);
  const [byHand] = await findings(portHeld, hosts('', 'active'));
  expect(byHand).toMatchObject({
    level: 'danger',
    what: 'port 2379, meant for etcd clients, is held by python3 (of no unit: somebody started it by hand)',
  });
  expect(byHand?.mend).toContain("ss -Hltnp 'sport = :2379'");
});

it('does not have the cluster’s own server ended that somebody started by hand', async () => {
  const postmaster = {
    dataDirectory: '/data',
    realDirectory: '/data',
    port: 5432,
    unit: '',
    version: '17',
    systemIdentifier: '7',
    ours: false,
    clusters: [],
  };
  const hosts = (wantedDirectory: string): Record<string, ExaminedHost> => ({
    pg2: {
      states: [
        seen(PORTS, [{ port: 5432, process: 'postgres', unit: '' }]),
        seen(serviceHandle('patroni'), { loaded: true, enabled: true, active: 'active', applied: undefined }),
        seen(RUNNING, {
          wantedDirectory,
          postmasters: [postmaster],
          databases: [],
          patroniFile: undefined,
          patroniData: undefined,
          made: undefined,
        }),
      ],
    },
  });
  expect(await found(portHeld, hosts('/data'))).toEqual([]);
  expect(await found(portHeld, hosts('/other'))).toHaveLength(1);
});
