import { describe, expect, it } from 'vitest';
import clone from '../../src/operations/clone.js';
import type { CloneOptions } from '../../src/operations/shared/clone/seen.js';
import { SOURCE_ARCHIVE, SOURCE_INFO } from '../../src/operations/shared/restore/source.js';
import type { Inventory } from '../../src/model/index.js';
import type { OperationRun } from '../../src/plan/operation.js';
import type { SourceCluster } from '../../src/plan/source-cluster.js';
import { BACKUP_INFO, type BackupInfo } from '../../src/resources/backup/info.js';
import { BACKUP_TIMERS } from '../../src/resources/backup/timers.js';
import { DATA_COPY } from '../../src/resources/data-copy.js';
import { DATA_DIRECTORY } from '../../src/resources/data-directory.js';
import { handle } from '../../src/resources/handle.js';
import { stoppedHandle } from '../../src/resources/patroni/stopped.js';
import { RESTORE_PLACE, type RestorePlace } from '../../src/resources/restore/place.js';
import { SOURCE_ACCESS } from '../../src/resources/restore/source-access.js';
import { Secret } from '../../src/lib/secret.js';
import { contextOf, inventoryOf } from '../support/inventory.js';
import { runSeen } from './run-seen.js';

const ROLES = 'roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]';
const DEMO = `cluster: demo
hosts: {pg1: {address: 192.0.2.1}, pg2: {address: 192.0.2.2}, repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}}
${ROLES}
`;
const COPY = `cluster: copy
hosts: {pg4: {address: 192.0.2.4}, pg5: {address: 192.0.2.5}}
backup: {repositories: {s3: {s3: {bucket: b, endpoint: s3.example.com, region: eu, key: k, key_secret: s}}}}
${ROLES}
`;
/** The same inventory with its backups in a bucket. */
const inBucket = (text: string, more: string, directory: string): string =>
  `${text.replace(/^backup:.*\n/mu, '').replace(', backup-repository', '')}backup: {${more}repositories: {s3: {directory: ${directory}, s3: {bucket: b, endpoint: s3.example.com, region: eu, key: k, key_secret: s}}}}
`;
const demo = await inventoryOf(DEMO);
const copy = await inventoryOf(COPY);
const GIB = 1_073_741_824;
const at = (clock: string): number => Date.parse(`2026-11-29T${clock}Z`) / 1000;

const infoWith = (identifiers: readonly string[], ...timelines: number[]): BackupInfo => ({
  code: 0,
  now: at('06:00:00'),
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: identifiers }],
  backups: timelines.map((timeline, index) => ({
    label: `20261129-0${index + 1}0000F`,
    type: 'full',
    repository: 1,
    database: identifiers.length,
    start: at(`0${index + 1}:00:00`) - 60,
    stop: at(`0${index + 1}:00:00`),
    size: GIB,
    delta: GIB,
    stored: GIB,
    timeline,
    lsnStop: `0/${index + 2}000`,
    needs: [],
    error: false,
  })),
  archives: [],
});

const sourceOf = (inventory: Inventory, more: Partial<SourceCluster> = {}): SourceCluster => ({
  inventory,
  credentials: contextOf(inventory, 'pg1').credentials,
  client: { authority: 'A', certificate: 'C', key: new Secret('the-key-of-a-client') },
  ...more,
});

interface Made {
  /** What is seen of the source's backups. */
  source?: BackupInfo;
  own?: BackupInfo;
  content?: string[];
  /** When the last WAL of the source came. */
  last?: number;
  down?: boolean;
  /** What the restoring member has in its place for data; default: what it had. */
  identity?: string;
  place?: Partial<RestorePlace>;
  access?: boolean;
  held?: string[];
  store?: { initialize?: string; leader?: string };
  done?: string[];
  late?: boolean;
}

/** The cluster copy, in which pg4 leads and pg5 streams, beside backups of demo. */
function seen(made: Made, options: CloneOptions = { time: '2026-11-29 02:30:00' }): OperationRun<CloneOptions> {
  const { down = false, source = infoWith(['7'], 1, 1), identity = 'old' } = made;
  const members = ['pg4', 'pg5'].map((name): [string, Record<string, unknown>] => [
    name,
    {
      [DATA_DIRECTORY.id]: {
        kind: 'cluster',
        version: '17',
        systemIdentifier: '9',
        clusterState: down ? 'shut down' : 'in production',
        copy: 'none',
        control: 'valid',
        running: !down,
        position: { timeline: 4, checkpoint: '0/5000', nextOid: 1, lastRecord: undefined },
        history: { timeline: 4, forks: [] },
      },
      [DATA_COPY.id]: { identity: `${name}-${identity}`, bytes: GIB, free: 10 * GIB, fixed: undefined, aside: {} },
      [stoppedHandle('patroni').id]: { patroni: !down, postgresql: !down, enabled: !down },
      [RESTORE_PLACE.id]: {
        ...{ restored: [], restoring: false, unrecovered: false, server: 'down', said: [], databases: [] },
        ...(name === 'pg4' ? made.place : {}),
      },
      [handle('clone-content').id]: made.content ?? [],
      [BACKUP_INFO.id]: made.own ?? infoWith(['9'], 4),
      [BACKUP_TIMERS.id]: { active: [], held: made.held ?? [] },
      ...(name === 'pg4'
        ? {
            [SOURCE_INFO.id]: source,
            [SOURCE_ARCHIVE.id]: [{ repository: 1, runs: [], last: made.last ?? at('05:59:00') }],
            [SOURCE_ACCESS.id]: { present: made.access ?? false },
          }
        : {}),
    },
  ]);
  const run = runSeen(
    copy,
    {
      leader: down ? null : 'pg4',
      store: { initialize: '9', ...made.store },
      own: down ? { pg4: null, pg5: null } : { pg4: { systemIdentifier: '9' }, pg5: { systemIdentifier: '9' } },
      ...(made.late === true ? { listed: { pg5: null } } : {}),
      more: Object.fromEntries(members),
    },
    options,
    { done: made.done },
  );
  const whole = { ...run, source: sourceOf(demo) };
  return options.id === undefined ? { ...whole, options: clone.choose?.(whole) ?? options } : whole;
}

const CHOSEN: CloneOptions = {
  ...{ time: '2026-11-29 02:30:00', id: 'R', member: 'pg4', set: '20261129-020000F', repository: 1, size: GIB, onto: 1, newest: 1 },
  ...{ identifier: '7', former: '9', was: { pg4: 'pg4-old', pg5: 'pg5-old' }, has: [] },
};

const ids = (run: OperationRun<CloneOptions>): string[] =>
  clone.remaining(run).steps.map(({ id, ...step }) => ('on' in step ? `${id} ${step.on.join()}` : id));

const problem = async (into: string, from: string, more: Partial<SourceCluster> = {}): Promise<string | undefined> => {
  const [inventory, other] = [await inventoryOf(into), await inventoryOf(from)];
  const start = {
    inventory,
    catalog: [],
    kept: seen({}).kept,
    chosenHosts: undefined,
    options: { latest: true },
    source: sourceOf(other, more),
  };
  return clone.problems?.(start)[0]?.message;
};

describe('two inventories', () => {
  it('may be cloned from one into the other', async () => expect(await problem(COPY, DEMO)).toBeUndefined());

  it.each<{ title: string; into?: string; from?: string; more?: Partial<SourceCluster>; says: string }>([
    { title: 'one cluster', into: COPY.replace('copy', 'demo'), says: 'both inventories are of a cluster demo' },
    {
      title: 'one host',
      into: COPY.replace('192.0.2.5', '192.0.2.2'),
      says: 'pg5 of copy has the address of pg2 of demo',
    },
    { title: 'one scope', into: `${COPY}patroni: {scope: demo}\n`, says: 'both clusters have the scope demo' },
    {
      title: 'another version',
      into: `${COPY}postgresql: {version: 16}\n`,
      says: 'demo has PostgreSQL 17, and copy has 16',
    },
    {
      title: 'another superuser',
      into: `${COPY}postgresql: {superuser: admin}\n`,
      says: 'the superuser of demo is postgres, and that of copy is admin',
    },
    {
      title: 'no backups',
      from: DEMO.replace(', backup]', ']').replace(', backup-repository', ''),
      says: 'demo has no backups',
    },
    {
      title: 'no authority of the source',
      more: { client: undefined },
      says: 'this machine has no authority of demo, and its repository host lets in nobody else',
    },
    {
      title: 'one stanza in one repository',
      into: inBucket(COPY, 'stanza: demo, ', '/one'),
      from: inBucket(DEMO, '', '/one/'),
      says: 'copy and demo have the same stanza demo in the same repository, s3://s3.example.com/b/one: the clone would write into the backups that it is made of',
    },
  ])('$title: $says', async ({ into = COPY, from = DEMO, more, says }) => expect(await problem(into, from, more)).toBe(says));

  it('may have one stanza in two places, and one place with two stanzas', async () => {
    const known = { credentials: { ...sourceOf(demo).credentials, generated: [] } };
    expect(await problem(inBucket(COPY, 'stanza: demo, ', '/two'), inBucket(DEMO, '', '/one'), known)).toBeUndefined();
    expect(await problem(inBucket(COPY, '', '/one'), inBucket(DEMO, '', '/one'), known)).toBeUndefined();
  });

  it('are not read without the passphrase of the first', async () => {
    const lost = { credentials: { ...sourceOf(demo).credentials, generated: ['backup.passphrase'] } };
    expect(await problem(COPY, inBucket(DEMO, '', '/one'), lost)).toBe('this machine does not know the passphrase of the backups of demo');
  });
});

describe('what a clone chooses', () => {
  it('is a member of the inventory, whoever leads, and a timeline of the source', () =>
    expect(seen({}).options).toMatchObject({ member: 'pg4', set: '20261129-020000F', onto: 1, newest: 1, identifier: '7', former: '9' }));

  it('is a newer timeline than a former clone of the same cluster has in its stanza', () =>
    expect(seen({ own: infoWith(['7'], 5) }).options).toMatchObject({ onto: 1, newest: 5 }));

  it('is no newer timeline than that of another database', () =>
    expect(seen({ own: infoWith(['7', '9'], 5) }).options).toMatchObject({ onto: 1, newest: 1 }));
});

describe('the guards of a clone', () => {
  const objection = (made: Made, options?: CloneOptions): string | undefined => clone.guards?.(seen(made, options))[0]?.message;

  it.each<{ title: string; made: Made; options?: CloneOptions; says: string | undefined }>([
    { title: 'an empty cluster', made: {}, says: undefined },
    {
      title: 'one that is not empty',
      made: { content: ['the database shop (9 MB)'] },
      says: 'copy is not empty: it has the database shop (9 MB)',
    },
    {
      title: 'one whose data is to go aside',
      made: { content: ['the database shop (9 MB)'] },
      options: { latest: true, approve: true },
      says: undefined,
    },
    {
      title: 'one that nobody leads',
      made: { down: true },
      says: 'copy is not empty: it has data that nobody can look at while no member leads',
    },
    {
      title: 'a time that the archive has not reached',
      made: { last: at('02:29:59') },
      says: '2026-11-29 02:30:00 UTC is not in the archive of demo yet: its last WAL came at 2026-11-29 02:29:59 UTC',
    },
    {
      title: 'backups that cannot be read',
      made: { source: { ...infoWith(['7']), problem: 'pgBackRest is not installed' } },
      says: 'pg4 cannot read the backups of demo: pgBackRest is not installed',
    },
    {
      title: 'a backup that was expired meanwhile',
      made: { source: infoWith(['7'], 1) },
      options: CHOSEN,
      says: 'backup 20261129-020000F, which is restored, is not there any more: a later one has expired it',
    },
  ])('$title: $says', ({ made, options, says }) => expect(objection(made, options)).toBe(says));

  it.each([
    {
      words: "[HostConnectError] unable to connect to '192.0.2.9:8432': [111] Connection refused",
      says: /the port of pgBackRest’s server/u,
    },
    { words: "unable to find hostname '192.0.2.9' in certificate common name", says: /finds addresses in certificates from 2\.46 on/u },
    {
      words: "[FileReadError] timeout after 15000ms waiting for read from '192.0.2.9:8432'",
      says: /takes connections and does not answer/u,
    },
    {
      words: "[CryptoError] unable to verify certificate presented by '192.0.2.9:8432': [10] certificate has expired",
      says: /see `pgprov certs status .* makes new ones/u,
    },
  ])('say what to do about $words', ({ words, says }) => {
    const [found] = clone.guards?.(seen({ source: { ...infoWith(['7']), problem: words } })) ?? [];
    expect(found?.hint).toMatch(says);
  });
});

describe('the steps of a clone', () => {
  const APART = { down: true, identity: 'none' };
  const restored = (place: Partial<RestorePlace> = {}, more: Made = {}): OperationRun<CloneOptions> =>
    seen({ ...APART, identity: 'new', place: { restored: ['R.pg4-new'], ...place }, ...more }, CHOSEN);

  it('are all foreseen', () =>
    expect(ids(seen({}))).toEqual([
      'access pg4',
      'whole pg4',
      'stop-standbys pg5',
      'stop-leader pg4',
      'aside pg4,pg5',
      'restore pg4',
      'look pg4',
      'own pg4',
      'forget pg4',
      'store pg4',
      'note pg4,pg5',
      'lead pg4',
      'others pg5',
      'follow pg4',
      'stanza pg4',
      'backup-pg4 pg4',
    ]));

  it('make the recovered data the cluster’s own before it leads', () =>
    expect(ids(restored({ server: 'open' }, { access: true })).slice(0, 3)).toEqual(['own pg4', 'forget pg4', 'end pg4']));

  it('go on from data that is the cluster’s own', () => {
    const own = { restored: ['R.pg4-new', 'R.own'] };
    expect(ids(restored({ ...own, server: 'open' }))[0]).toBe('end pg4');
    expect(ids(restored(own))[0]).toBe('store pg4');
  });

  it('start the private server again where its host was lost before that', () => expect(ids(restored())[0]).toBe('look pg4'));

  it('leave nothing behind that reads the backups of the source', () => {
    const letIn = { restored: ['R.pg4-new', 'R.own', 'R.let-in'] };
    expect(ids(restored(letIn, { access: true }))[0]).toBe('forget pg4');
    expect(ids(seen({ ...APART, access: true }, { ...CHOSEN, undo: true }))[0]).toBe('forget pg4');
  });
});
