import { describe, expect, it } from 'vitest';
import rebuild from '../../../../src/operations/rebuild.js';
import type { RebuildOptions } from '../../../../src/operations/shared/rebuild/seen.js';
import type { HostStep } from '../../../../src/plan/operation.js';
import { BACKUP_ARCHIVE, type ArchivedWal } from '../../../../src/resources/backup/archive.js';
import { BACKUP_INFO, type BackupInfo } from '../../../../src/resources/backup/info.js';
import { BACKUP_MANIFESTS } from '../../../../src/resources/backup/manifests.js';
import { BACKUP_TIMERS } from '../../../../src/resources/backup/timers.js';
import { DATA_COPY, type DataCopy } from '../../../../src/resources/data-copy.js';
import { TABLESPACES } from '../../../../src/resources/streaming/tablespaces.js';
import { inventoryOf } from '../../../support/inventory.js';
import { primary, standby } from '../../../roles/shared/streaming/scene.js';
import type { Known } from '../../run-seen.js';
import { streamingRun, WELL, type MadeServer } from '../../streaming-run.js';

const inventory = await inventoryOf(`cluster: demo
hosts:
  pg1: {address: 192.0.2.1}
  pg2: {address: 192.0.2.2}
  pg3: {address: 192.0.2.3}
roles: [base, pgdg, postgresql, replication, backup]
backup: {repositories: {nfs: {directory: /mnt/backups}}}
`);
const GIB = 1024 ** 3;
const DATA = '/var/lib/postgresql/17/main';
const ASIDE = `${DATA}.aside-20261129T160000`;
const SET = '20261129-030000F';
const INFO: BackupInfo = {
  code: 0,
  now: 1_764_396_000,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7100'] }],
  backups: [
    {
      ...{ label: SET, type: 'full', repository: 1, database: 1, start: 1_764_390_000, stop: 1_764_390_060, size: 3 * GIB, delta: GIB },
      ...{ stored: GIB, timeline: 1, walStart: '000000010000000000000003', lsnStop: '0/3000100', needs: [], error: false },
    },
  ],
  archives: [{ id: '17-1', repository: 1, database: 1, min: '000000010000000000000001', max: '000000010000000000000005' }],
};
const ARCHIVE: ArchivedWal = { repository: 1, runs: [{ database: '17-1', timeline: 1, log: 0, first: 1, final: 5 }] };

interface Case extends Known {
  servers?: Record<string, MadeServer>;
  options?: RebuildOptions;
  info?: Partial<BackupInfo>;
  unreadable?: string[];
}
const more = (copy: Partial<DataCopy> = {}, made: Case = {}): Record<string, unknown> => ({
  [DATA_COPY.id]: { identity: '11-1', bytes: GIB, free: 10 * GIB, fixed: undefined, aside: {}, ...copy },
  [BACKUP_INFO.id]: { ...INFO, ...made.info },
  [BACKUP_TIMERS.id]: { active: ['pgprov-backup@full.timer'], held: [] },
  [BACKUP_ARCHIVE.id]: [ARCHIVE],
  [BACKUP_MANIFESTS.id]: { unreadable: made.unreadable ?? [], tablespaces: [] },
});
const run = (made: Case) => {
  const { servers = {}, options = CHOSEN, ...known } = made;
  const all = Object.entries({ ...WELL, ...servers }).map(([name, server]) => [
    name,
    { ...server, more: { ...more({}, made), ...server.more } },
  ]);
  return streamingRun(inventory, Object.fromEntries(all) as Record<string, MadeServer>, options, known);
};
const CHOSEN: RebuildOptions = {
  ...{ from: 'backup', member: 'pg3', was: '11-1', rewinds: false, hasSame: true },
  ...{ id: 'rebuild-1', set: SET, repository: 1, size: 3 * GIB },
};
const steps = (made: Case): HostStep[] => rebuild.remaining(run(made)).steps as HostStep[];
const ids = (made: Case): string[] => steps(made).map(({ id }) => id);
const objection = (made: Case): string | undefined => rebuild.guards?.(run(made))[0]?.message;
const ASIDE_SEEN: MadeServer = { data: 'absent', more: { ...more({ identity: '', aside: { '11-1': ASIDE } }) }, unit: { held: true } };

describe('pgprov rebuild --from backup of servers that stream without Patroni', () => {
  it('does not restore into the tablespaces that a copy of the data leads to', () => {
    const disk = { device: '1', free: 10 * GIB };
    const all = [{ location: '/srv/big', bytes: GIB, disk, fixed: undefined }];
    for (const host of ['pg1', 'pg3']) {
      const servers = { [host]: { ...WELL[host], more: { [TABLESPACES.id]: { disk, all } } } };
      expect(objection({ servers })).toBe(`the server on ${host} has tablespaces, which are not restored beside those that are there`);
    }
  });

  it('takes the newest backup from which the server can follow its primary', () => {
    const options: RebuildOptions = { from: 'backup' };
    expect(rebuild.choose?.(run({ options, chosenHosts: ['pg3'] }))).toMatchObject({
      set: SET,
      repository: 1,
      size: 3 * GIB,
      rewinds: false,
    });
    expect(objection({})).toBeUndefined();
    expect(rebuild.problems?.({ ...run({ options }), options, chosenHosts: ['pg3'] })).toEqual([]);
  });

  it('restores it beside the data that there was, while no backup expires another one, and starts it as a standby', () => {
    expect(ids({})).toEqual(['hold', 'put-aside', 'restore', 'make-standby', 'follow', 'schedule']);
    expect(steps({})[2]?.title).toBe(`restore backup ${SET} to pg3`);
    expect(steps({})[3]?.title).toBe('start PostgreSQL on pg3 as a standby');
    expect(rebuild.question?.(run({}))).toBe(`Rebuild pg3 of demo from backup ${SET} as a standby of pg1?`);
  });

  it('has pgBackRest keep what is the same of a copy of the data aside', () => {
    const made = { servers: { pg3: ASIDE_SEEN } };
    const [restore] = steps(made).filter(({ id }) => id === 'restore');
    const [resource] = restore?.resources?.(run(made).contextOf('pg3')) ?? [];
    const script = resource?.apply([], {} as never).text ?? '';
    expect(script).toContain(`cp -a --reflink=auto ${ASIDE} ${DATA}.pgprov-copy`);
    expect(script).toMatch(/pgbackrest .*--pg1-path=\S+pgprov-copy\S* \S+--type=none\S* --delta .*--set=20261129-030000F\S* restore/u);
    expect(script).toMatch(/standby\.signal/u);
    const other = { ...made, options: { ...CHOSEN, hasSame: false } };
    const [anew] = steps(other).filter(({ id }) => id === 'restore');
    expect(anew?.resources?.(run(other).contextOf('pg3'))[0]?.apply([], {} as never).text).not.toContain('reflink');
  });

  it('goes on where it was cut off, and says at the end what it was made from', () => {
    const back: MadeServer = { ...standby(), more: more({ identity: '44-4', aside: { '11-1': ASIDE } }) };
    expect(ids({ servers: { pg3: ASIDE_SEEN } })).toEqual(['hold', 'restore', 'make-standby', 'follow', 'schedule']);
    const restored: MadeServer = { signal: true, more: back.more as Record<string, unknown>, unit: { held: true } };
    expect(ids({ servers: { pg3: restored } })).toContain('make-standby');
    expect(ids({ servers: { pg3: back } })).toEqual([]);
    expect(rebuild.nothing?.(run({ servers: { pg3: back } }))).toBe(
      `pg3 streams as a standby of pg1, with data that was restored from backup ${SET}; what it had before is in ${ASIDE} there, remove it when nobody needs it`,
    );
  });

  it('is refused where no backup can become its data', () => {
    expect(objection({ info: { backups: [] } })).toBe('there is no backup to restore');
    expect(objection({ unreadable: [SET] })).toBe(
      `backup ${SET}, the newest, cannot be restored: its manifest is not there, or is damaged`,
    );
    expect(objection({ info: { problem: 'pgBackRest is not installed' } })).toBe(
      'pg3 cannot read the backups: pgBackRest is not installed',
    );
    const repositories = [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['8'] }] as const;
    expect(objection({ info: { repositories } })).toMatch(/^the backups are of another database \(system identifier 8\)/u);
    expect(objection({ servers: { pg3: { ...standby(), more: more({ free: GIB }) } } })).toMatch(/^there is no room on pg3/u);
    const promoted = { pg1: primary({ timeline: 1, sends: WELL['pg1']?.says?.sends ?? [] }) };
    expect(
      objection({ servers: promoted, info: { archives: [{ ...(INFO.archives[0] as object), max: '000000030000000000000005' } as never] } }),
    ).toMatch(/^the repositories have WAL of timeline 3/u);
  });
});
