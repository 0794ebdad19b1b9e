import { describe, expect, it } from 'vitest';
import proxyCutOff from '../../../src/diagnoses/proxies/proxy-cut-off.js';
import type { Finding } from '../../../src/lib/finding.js';
import { HAPROXY, type ProxyServer, type ProxyState } from '../../../src/resources/haproxy.js';
import { PORTS, type Listener } from '../../../src/resources/ports.js';
import { REACHABILITY, type Reach } from '../../../src/resources/reachability.js';
import { inventoryOf } from '../../support/inventory.js';
import { runSeen } from '../../operations/run-seen.js';

const inventory = await inventoryOf(
  `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni]
hosts:
  pg1: 10.0.0.1
  pg2: 10.0.0.2
  pg3: 10.0.0.3
  lb1: {address: 10.0.0.9, roles: [base, haproxy]}
postgresql: {hba: [host all all 10.0.0.0/24 scram-sha-256]}
`,
);

interface Scene {
  /** What HAProxy says of the members. */
  servers?: Record<string, Partial<ProxyServer>>;
  /** What comes of connections from its host, by `pg2 8008`. */
  reaches?: Record<string, Reach['result']>;
  /** Members whose Patroni does not answer their own host. */
  silent?: readonly string[];
}

function found({ servers = {}, reaches = {}, silent = [] }: Scene): readonly Finding[] {
  const usual = (name: string): ProxyServer =>
    name === 'pg1'
      ? { name, up: true, status: 'UP', check: 'L7OK/200', sessions: 0 }
      : { name, up: false, status: 'DOWN', check: 'L7STS/503', sessions: 0 };
  const state: ProxyState = {
    answers: true,
    backends: new Map([['leader', ['pg1', 'pg2', 'pg3'].map((name) => ({ ...usual(name), ...servers[name] }))]]),
  };
  const seen: Reach[] = ['pg1', 'pg2', 'pg3'].flatMap((name, index) =>
    [5432, 8008].map((port) => ({ address: `10.0.0.${index + 1}`, port, result: reaches[`${name} ${port}`] ?? ('open' as const) })),
  );
  const listening = [5432, 8008].map((port) => ({ port, address: '0.0.0.0', process: '', unit: '' }) as unknown as Listener);
  const more = {
    lb1: { [HAPROXY.id]: state, [REACHABILITY.id]: seen },
    ...Object.fromEntries(['pg1', 'pg2', 'pg3'].map((name) => [name, { [PORTS.id]: listening }])),
  };
  const own = Object.fromEntries(silent.map((name) => [name, null]));
  const { view } = runSeen(inventory, { more, own }, {});
  return proxyCutOff.find({ view, now: 0, unseen: new Map(), gone: [], log: () => [] });
}

const down = { up: false, status: 'DOWN' };

describe('an HAProxy that is cut off from a member', () => {
  it.each<{ title: string; scene: Scene; level: string; what: RegExp; evidence: RegExp; mend: RegExp }>([
    {
      title: 'a Patroni that turns it away',
      scene: { servers: { pg2: { ...down, check: 'L4CON', words: 'Connection refused' } }, reaches: { 'pg2 8008': 'refused' } },
      level: 'danger',
      what: /^HAProxy gets no answer of Patroni on pg2, port 8008: it is turned away \(connection refused\)/u,
      evidence: /pg2: DOWN, L4CON, Connection refused\nrefused: 8008\nit answers its own host/u,
      mend: /the rule that turns lb1 \(10\.0\.0\.9\) away.*as root on pg2, and `ss -ltnp sport = :8008`/u,
    },
    {
      title: 'no packet that comes back, from the leader',
      scene: { servers: { pg1: { ...down, check: 'L4TOUT' } }, reaches: { 'pg1 8008': 'filtered' } },
      level: 'broken',
      what: /on pg1, port 8008: no packet comes back \(filtered\)/u,
      evidence: /pg1: DOWN, L4TOUT\nfiltered: 8008/u,
      mend: /^find the rule that keeps lb1 \(10\.0\.0\.9\) out, on pg1 or between the two/u,
    },
    {
      title: 'an answer that takes too long',
      scene: { servers: { pg3: { ...down, check: 'L7TOUT' } } },
      level: 'danger',
      what: /on pg3, port 8008: it connects, and no answer comes in time \(slow\)/u,
      evidence: /L7TOUT\nopen: 8008/u,
      mend: /^see on pg3 what takes Patroni so long/u,
    },
    {
      title: 'HAProxy alone that is held up',
      scene: { servers: { pg3: { ...down, check: 'L4CON', words: 'Permission denied' } } },
      level: 'danger',
      what: /on pg3, port 8008: its own host forbids it/u,
      evidence: /Permission denied\nopen: 8008/u,
      mend: /^the host itself gets through, so something holds up HAProxy alone/u,
    },
    {
      title: 'a PostgreSQL that is out of reach, which HAProxy does not check',
      scene: { reaches: { 'pg1 5432': 'filtered' } },
      level: 'broken',
      what: /^it gets no connection to PostgreSQL on pg1, port 5432: no packet comes back/u,
      evidence: /filtered: 5432\npg1: UP, by what Patroni says on another port\nsomething listens on 5432/u,
      mend: /the rule that keeps lb1/u,
    },
    {
      title: 'a PostgreSQL of a standby that turns it away',
      scene: { reaches: { 'pg2 5432': 'refused' } },
      level: 'danger',
      what: /^it gets no connection to PostgreSQL on pg2, port 5432: it is turned away/u,
      evidence: /refused: 5432/u,
      mend: /turns lb1 \(10\.0\.0\.9\) away/u,
    },
  ])('tells of $title', ({ scene, level, what, evidence, mend }) => {
    const findings = found(scene);
    expect(findings.map((finding) => [finding.level, finding.host])).toEqual([[level, 'lb1']]);
    expect(findings[0]?.what).toMatch(what);
    expect(findings[0]?.evidence.map(({ line }) => line).join('\n')).toMatch(evidence);
    expect(findings[0]?.mend).toMatch(mend);
  });

  it('finds nothing where all is well, nor where a member does not answer its own host either', () => {
    expect(found({})).toEqual([]);
    expect(found({ servers: { pg2: { ...down, check: 'L4CON' } }, silent: ['pg2'] })).toEqual([]);
    // It was too busy to tell.
    expect(found({ reaches: { 'pg2 5432': 'unknown' } })).toEqual([]);
  });
});
