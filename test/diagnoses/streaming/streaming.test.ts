import { describe, expect, it } from 'vitest';
import unitStopped from '../../../src/diagnoses/host/unit-stopped.js';
import accessRefused from '../../../src/diagnoses/postgresql/access-refused.js';
import slots from '../../../src/diagnoses/postgresql/slots.js';
import walRemoved from '../../../src/diagnoses/postgresql/wal-removed.js';
import primaryDiffers from '../../../src/diagnoses/streaming/primary-differs.js';
import standbyCutOff from '../../../src/diagnoses/streaming/standby-cut-off.js';
import standbyPassword from '../../../src/diagnoses/streaming/standby-password.js';
import standbySignal from '../../../src/diagnoses/streaming/standby-signal.js';
import standbyTimeline from '../../../src/diagnoses/streaming/standby-timeline.js';
import twoPrimaries from '../../../src/diagnoses/streaming/two-primaries.js';
import { DIAGNOSES } from '../../../src/diagnoses/index.js';
import type { SlotStatus } from '../../../src/lib/cluster-status.js';
import type { Finding } from '../../../src/lib/finding.js';
import type { Diagnosis } from '../../../src/plan/diagnosis.js';
import { CATALOG } from '../../../roles/index.js';
import { diagnosesFor } from '../../../src/cli/doctor/examine.js';
import type { Inventory } from '../../../src/model/index.js';
import { View } from '../../../src/plan/view.js';
import { REPLICATION_LOGIN } from '../../../src/resources/replication-login.js';
import { serviceHandle } from '../../../src/resources/service.js';
import { SERVER_REPLICATION } from '../../../src/resources/server-replication.js';
import { primary, standby, statesOf, streaming, type Scene } from '../../roles/shared/streaming/scene.js';
import { inventoryOf, THREE } from '../../support/inventory.js';
import { NOW, type Said } from '../examined.js';

const inventory = await streaming();
const SENDS = ['pg2', 'pg3'].map((name) => ({ name, state: 'streaming' }));
const well = { pg1: primary({ sends: SENDS }), pg2: standby(), pg3: standby() };
/** pg3 runs and gets nothing. */
const away = { ...well, pg1: primary({ sends: SENDS.slice(0, 1) }), pg3: standby({ receives: false }) };

const WRONG = 'connection to server failed: FATAL:  password authentication failed for user "replicator"';

interface Gathered {
  logs?: Record<string, readonly Said[]>;
  slots?: readonly SlotStatus[];
  /** Who is refused by whom when it logs in for replication. */
  refused?: Record<string, string>;
  /** Default: three servers of which two stream from the primary. */
  of?: Inventory;
}

function findings(
  diagnosis: Diagnosis,
  scene: Record<string, Scene>,
  { logs = {}, slots: held, refused = {}, of = inventory }: Gathered = {},
): readonly Finding[] {
  const states = new Map([...statesOf(scene)].map(([name, each]) => [name, new Map(each)]));
  if (held !== undefined) states.get('pg1')?.set(SERVER_REPLICATION.id, { standby: false, sends: [], slots: held, usualWalBytes: 2 ** 30 });
  for (const [name, address] of Object.entries(refused))
    states.get(name)?.set(REPLICATION_LOGIN.id, [{ address, systemIdentifier: undefined, error: WRONG }]);
  return diagnosis.find({
    view: new View(of, states),
    now: NOW,
    unseen: new Map(),
    gone: [],
    log: (host, ...units) =>
      (logs[host] ?? [])
        .map(([ago, unit, text]) => ({ host, unit, text, at: NOW - 1000 * ago }))
        .filter(({ unit }) => units.length === 0 || units.includes(unit)),
  });
}

function one(diagnosis: Diagnosis, scene: Record<string, Scene>, gathered?: Gathered): Finding {
  const [first, ...more] = findings(diagnosis, scene, gathered);
  if (first === undefined || more.length > 0) throw new Error(`${diagnosis.name} finds ${more.length + (first === undefined ? 0 : 1)}`);
  return first;
}

const fatal = (text: string): Record<string, readonly Said[]> => ({
  pg3: [
    [30, 'postgresql', `FATAL:  ${text}`],
    [25, 'postgresql', `FATAL:  ${text}`],
  ],
});

describe('servers that stream without Patroni', () => {
  it.each(DIAGNOSES.map((diagnosis) => [diagnosis.name, diagnosis] as const))(
    '%s finds nothing where they are well',
    (_name, diagnosis) => {
      expect(findings(diagnosis, well, { slots: [] })).toEqual([]);
    },
  );

  it('have diagnoses of their own, which a cluster of Patroni has not', async () => {
    const namesOf = (of: Inventory): string[] => diagnosesFor(of, CATALOG).map(({ name }) => name);
    expect(namesOf(inventory)).toEqual(expect.arrayContaining(['two-primaries', 'wal-removed']));
    const patroni = namesOf(await inventoryOf(THREE));
    expect(patroni).toContain('wal-removed');
    expect(patroni).not.toContain('two-primaries');
  });

  it('of which two are primaries are told with the timelines of both, and which units to stop', () => {
    const found = one(twoPrimaries, { ...well, pg3: primary({ timeline: 2 }) });
    expect(found).toMatchObject({
      level: 'broken',
      what: 'pg1 (timeline 1) and pg3 (timeline 2) are primaries of one database (system identifier 7100)',
      affects: ['pg1', 'pg3'],
    });
    expect(found.mend).toContain(
      '`systemctl stop postgresql@17-main`, as root on pg1, or `systemctl stop postgresql@17-main`, as root on pg3',
    );
    expect(findings(twoPrimaries, { ...well, pg3: { ...primary(), data: { systemIdentifier: '7200' } } })).toEqual([]);
  });

  it('are told where the next start makes another of one than it is', () => {
    const lost = one(standbySignal, { ...well, pg2: { ...standby(), signal: false } });
    expect(lost).toMatchObject({ level: 'danger', host: 'pg2', what: 'it runs as a standby, and its standby.signal is gone' });
    expect(lost.mend).toContain('/var/lib/postgresql/17/main/standby.signal`, as root on pg2, gives it back');
    expect(one(standbySignal, { ...well, pg2: {} })).toMatchObject({ host: 'pg2', what: 'it is down and has no standby.signal' });
    expect(one(standbySignal, { ...well, pg1: { ...well.pg1, signal: true } })).toMatchObject({
      host: 'pg1',
      what: 'it is the primary and has a standby.signal',
    });
    expect(findings(standbySignal, { ...well, pg2: { joining: true } })).toEqual([]);
    // All are down, and the primary is the one without it.
    expect(findings(standbySignal, { pg1: {}, pg2: { signal: true }, pg3: { signal: true } })).toEqual([]);
  });

  it('are told where a standby does not stream, with what it says last', () => {
    const text = 'could not connect to the primary server: connection to server at "10.0.0.1", port 5432 failed: Connection refused';
    const found = one(standbyCutOff, away, { logs: fatal(text) });
    expect(found).toMatchObject({ level: 'danger', host: 'pg3', what: 'it does not stream from pg1, for 30 s', since: NOW - 30_000 });
    expect(found.evidence.map(({ line }) => line)).toEqual([
      'standby, timeline 1, at 0/1388, with standby.signal, receives no WAL',
      'primary, timeline 1, at 0/1388, without standby.signal, sends WAL to pg2 (streaming)',
      `FATAL:  ${text}`,
    ]);
    expect(one(standbyCutOff, away).what).toBe('it does not stream from pg1');
  });

  it('are told of a standby of a standby by the server that it is to stream from', async () => {
    const of = await inventoryOf(`cluster: demo
roles: [base, pgdg, postgresql, replication]
hosts: {pg1: 10.0.0.1, pg2: 10.0.0.2, pg3: {address: 10.0.0.3, replication: {upstream: pg2}}}
`);
    const found = one(standbyCutOff, { ...away, pg2: { signal: true } }, { of });
    expect(found).toMatchObject({
      host: 'pg3',
      what: 'it does not stream from pg2',
      follows: 'it shows older and older data, and its slot on pg2 holds more and more WAL',
    });
    expect(found.evidence.map(({ host }) => host)).toEqual(['pg3', 'pg2']);
  });

  it.each([
    {
      diagnosis: walRemoved,
      text: 'could not receive data from WAL stream: ERROR:  requested WAL segment 000000010000000000000008 has already been removed',
      what: 'it needs WAL that pg1 has already removed',
      mend: '--host pg3` keeps its data aside and makes a standby there',
    },
    {
      diagnosis: walRemoved,
      text: 'could not start WAL streaming: ERROR:  can no longer access replication slot "pg3"',
      what: 'it needs WAL that pg1 has already removed',
      mend: 'pgprov rebuild ',
    },
    {
      diagnosis: standbyPassword,
      text: 'could not connect to the primary server: connection to server at "10.0.0.1", port 5432 failed: FATAL:  password authentication failed for user "replicator"',
      what: 'pg1 does not let it in: the password in its .pgpass is not that of the replication role there',
      mend: 'apply',
    },
    {
      diagnosis: standbyTimeline,
      text: 'requested timeline 2 is not a child of this server’s history',
      what: 'its timeline 1 has parted from timeline 1 of pg1',
      mend: 'look at it first, then `pgprov rebuild ',
    },
  ])('are told why a standby does not stream: $diagnosis.name', ({ diagnosis, text, what, mend }) => {
    const found = one(diagnosis, away, { logs: fatal(text) });
    expect(found).toMatchObject({ level: 'danger', host: 'pg3', what });
    expect(found.explains).toContain('standby-cut-off');
    expect(found.mend).toContain(mend);
    expect(found.evidence.at(-1)?.line).toBe(`FATAL:  ${text}`);
    // It streams again.
    expect(findings(diagnosis, well, { logs: fatal(text) })).toEqual([]);
  });

  it('are told that a standby whose replay is paused connects to nobody, and how that ends', () => {
    const found = one(standbyCutOff, { ...away, pg3: standby({ receives: false, paused: true }) });
    expect(found.what).toBe('it does not stream from pg1, and its replay is paused, so that it connects to nobody');
    expect(found.mend).toContain('pg_wal_replay_resume()');
    expect(found.mend).not.toContain('apply');
    expect(one(standbyCutOff, away).mend).toContain('apply');
  });

  it('are told that the password on the primary is another, once for all, where no server can log in', () => {
    const refused = { pg1: '10.0.0.3', pg2: '10.0.0.1', pg3: '10.0.0.1' };
    const found = one(standbyPassword, away, { logs: fatal(`could not connect to the primary server: ${WRONG}`), refused });
    expect(found).toMatchObject({
      level: 'danger',
      what: 'the password of the replication role on pg1 is not the one that the servers have in their .pgpass',
    });
    expect(found.host).toBeUndefined();
    expect(found.evidence.map(({ host }) => host)).toEqual(['pg1', 'pg2', 'pg3', 'pg3']);
    expect(found.mend).toContain('apply');
  });

  it('are not told of a password that was wrong before a standby came to fail for another reason, or of what it refused itself', () => {
    const before = [30, 'postgresql', `FATAL:  could not connect to the primary server: ${WRONG}`] as const;
    const after = [5, 'postgresql', 'FATAL:  could not connect to the primary server: connection refused'] as const;
    expect(findings(standbyPassword, away, { logs: { pg3: [before] } })).toHaveLength(1);
    expect(findings(standbyPassword, away, { logs: { pg3: [before, after] } })).toEqual([]);
    const own = 'FATAL:  password authentication failed for user "replicator"';
    expect(findings(standbyPassword, away, { logs: { pg3: [[5, 'postgresql', own]] } })).toEqual([]);
  });

  it('are told of a .pgpass that only the next connection will need', () => {
    const found = one(standbyPassword, well, { refused: { pg2: '10.0.0.1' } });
    expect(found).toMatchObject({
      level: 'danger',
      host: 'pg2',
      what: 'its .pgpass has another password for the replication role than the database',
    });
    expect(found.evidence[0]).toMatchObject({ source: 'login to 10.0.0.1', line: WRONG });
  });

  it('are told where a standby is on a timeline that the primary has not, whatever it logs', () => {
    const scene = { ...away, pg3: standby({ receives: false, timeline: 2 }) };
    expect(one(standbyTimeline, scene).what).toBe('its timeline 2 has parted from timeline 1 of pg1');
  });

  it('are told of one that is stopped by the command that looks before it starts, and of one that is not to start why', () => {
    const unit = 'postgresql@17-main';
    const stopped = (scene: Record<string, Scene>): string => {
      const states = new Map([...statesOf(scene)].map(([name, each]) => [name, new Map(each)]));
      states.get('pg3')?.set(serviceHandle(unit).id, { loaded: true, enabled: true, active: 'inactive', applied: undefined });
      const found = unitStopped.find({ view: new View(inventory, states), now: NOW, unseen: new Map(), gone: [], log: () => [] });
      expect(found).toMatchObject([{ host: 'pg3', unit }]);
      return found[0]?.mend ?? '';
    };
    expect(stopped({ ...well, pg3: { signal: true } })).toMatch(/^`pgprov start .* --host pg3` starts it$/u);
    const leads = { ...primary({ timeline: 2 }), data: { history: { timeline: 2, forks: ['1 0/6000'] } } };
    const parted = { signal: true, data: { position: { timeline: 1, checkpoint: '0/7000', nextOid: 20000, lastRecord: '0/7000' } } };
    expect(stopped({ ...well, pg1: leads, pg3: parted })).toMatch(
      /^do not start it: .* --host pg3 --give-up-commits` keeps its data aside/u,
    );
    expect(stopped({ ...well, pg3: {} })).toMatch(/^do not start it: .*it would start as a second primary/u);
  });

  it('are told of one that is down and parted from its primary, which a start would not mend', () => {
    const leads = { ...primary({ timeline: 2 }), data: { history: { timeline: 2, forks: ['1 0/6000'] } } };
    const down = (lastRecord: string): Scene => ({
      signal: true,
      data: { position: { timeline: 1, checkpoint: '0/5000', nextOid: 20000, lastRecord } },
    });
    const found = one(standbyTimeline, { ...well, pg1: down('0/9000'), pg2: leads });
    expect(found.what).toBe('its timeline 1 has parted from timeline 2 of pg2');
    expect(found.explains).toContain('unit-failed');
    expect(findings(standbyTimeline, { ...well, pg1: down('0/5000'), pg2: leads })).toEqual([]);
  });

  it('are told where pg_hba.conf of the primary refuses a standby', () => {
    const text = 'FATAL:  pg_hba.conf rejects replication connection for host "10.0.0.3", user "replicator", no encryption';
    const found = one(accessRefused, away, { logs: { pg1: [[10, 'postgresql', text]] } });
    expect(found).toMatchObject({ level: 'danger', host: 'pg1', affects: ['pg3'] });
    expect(found.explains).toContain('standby-cut-off');
  });

  it('are told of slots that hold WAL for nobody, with what to do for a standby and for what is left over', () => {
    const slot = (name: string, differs: Partial<SlotStatus>): SlotStatus =>
      ({ name, type: 'physical', active: false, wal: 'extended', heldBytes: 2 ** 31, ...differs }) as SlotStatus;
    const mendOf = (name: string, differs: Partial<SlotStatus> = {}): string => one(slots, away, { slots: [slot(name, differs)] }).mend;
    expect(mendOf('pg3')).toContain('have pg3 stream again; if it is not to come back, take it out of the inventory, and');
    expect(mendOf('pg3', { wal: 'lost' })).toContain('--host pg3` keeps its data aside');
    expect(mendOf('pg3', { active: true, invalidated: 'wal_removed' })).toContain('with pg3 down for a moment');
    expect(mendOf('left_over')).toContain('if there is none any more');
  });

  it('are told where another is the primary than the inventory says', () => {
    const scene = {
      pg1: standby(),
      pg2: primary({
        sends: [
          { name: 'pg1', state: 'streaming' },
          { name: 'pg3', state: 'streaming' },
        ],
      }),
      pg3: standby(),
    };
    expect(one(primaryDiffers, scene)).toMatchObject({
      level: 'notice',
      host: 'pg2',
      mend: expect.stringMatching(
        /^write `leader: pg2` at the top of the inventory, if it is to stay so \(`pgprov settle \S+` does\)$/u,
      ) as string,
    });
  });
});
