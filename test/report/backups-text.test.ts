import { describe, expect, it } from 'vitest';
import type { BackupStatus, RepositoryBackups, StoredBackup } from '../../src/lib/backup-status.js';
import { renderBackups } from '../../src/report/backups-text.js';
import { displayWidth } from '../../src/report/width.js';

const NOW = new Date('2026-11-29T06:26:30Z');

const stored = (label: string, ended: string, changes: Partial<StoredBackup> = {}): StoredBackup => ({
  label,
  type: 'full',
  started: ended,
  ended,
  size: 1_047_896_717,
  copied: 1_047_896_717,
  stored: 391_428_240,
  timeline: 1,
  needs: [],
  damaged: false,
  incomplete: false,
  ...changes,
});

const REPOSITORY: RepositoryBackups = {
  name: 'near',
  number: 1,
  host: 'repo1',
  status: 'ok',
  encrypted: true,
  backups: [
    stored('20261125-010003F', '2026-11-25T01:12:40Z'),
    stored('20261125-010003F_20261129-010002D', '2026-11-29T01:00:40Z', { type: 'diff', stored: 416 }),
  ],
  window: {
    from: '2026-11-25T01:12:40Z',
    to: '2026-11-29T06:24:38Z',
    walFirst: '00000001000000000000009E',
    walLast: '0000000100000000000000A4',
    timeline: 1,
  },
  gaps: [],
};

const STATUS: BackupStatus = {
  cluster: 'demo',
  inventory: 'inventory.yml',
  stanza: 'demo',
  maxAgeHours: 36,
  repositories: [REPOSITORY],
  running: [],
  failures: [],
  problems: [],
};

const render = (changes: Partial<BackupStatus> = {}, columns = 80): string =>
  renderBackups({ ...STATUS, ...changes }, { color: false, columns }, NOW);

describe('what can be restored, for people', () => {
  it('fits 80 columns', () => {
    expect(render()).toBe(`backups of demo

repository near, asked on repo1: 2 backups, 373.3 MiB, encrypted
  can be restored to any time from 2026-11-25 01:12:40 UTC to 2026-11-29
  06:24:38 UTC
  WAL 00000001000000000000009E to 0000000100000000000000A4, timeline 1

backup                             type  ended        database     stored
20261125-010003F                   full  4 days ago  999.4 MiB  373.3 MiB
20261125-010003F_20261129-010002D  diff  5 h ago     999.4 MiB      416 B

✔ nothing is wrong with them, as far as pgBackRest's list tells`);
  });

  it('shows what is wrong, and a backup that runs', () => {
    const [first, second] = REPOSITORY.backups as [StoredBackup, StoredBackup];
    const text = render({
      stanza: 'other',
      repositories: [
        {
          ...REPOSITORY,
          backups: [
            { ...first, timeline: 1 },
            { ...second, timeline: 2, incomplete: true },
          ],
        },
      ],
      running: [{ host: 'repo1', type: 'full', size: 1_047_896_717, copied: 104_857_600 }, { host: 'repo2' }],
      problems: ['repository near: the WAL file 0000000100000000000000A2 is missing, so a restore of an older backup ends before it'],
    });
    expect(text).toContain('backups of demo, stanza other');
    expect(text).toContain('WAL missing');
    expect(text).toContain('❯ repo1: a full backup is being taken, 100 MiB of 999.4 MiB copied');
    expect(text).toContain('❯ repo2: pgBackRest runs, started by hand');
    expect(text).toContain('✖ repository near: the WAL file');
    expect(Math.max(...text.split('\n').map(displayWidth))).toBeLessThanOrEqual(80);
  });

  it('says so where nothing is known of a repository', () => {
    const { window: _window, ...rest } = REPOSITORY;
    expect(render({ repositories: [{ ...rest, status: 'unseen', backups: [] }] })).toContain(
      'repository near, asked on repo1: nothing is known of it',
    );
    expect(render({ repositories: [{ ...rest, status: 'noBackup', backups: [] }] })).toContain(
      'repository near, asked on repo1: no backups, encrypted',
    );
  });

  it('shows the last drill, and what it has found', () => {
    const drill = {
      at: '2026-11-29T03:26:30.000Z',
      on: 'pg3',
      backup: '20261125-010003F',
      repository: 'near',
      to: 'the last commit that is archived',
      ok: true,
      problems: [],
      size: 1,
      rtoSeconds: 252,
      rpoSeconds: 41,
    };
    expect(render({ drill })).toContain('✔ drill 3 h ago on pg3, of 20261125-010003F: RTO 4 min 12 s, RPO at most 41 s');
    const { rtoSeconds: _rto, rpoSeconds: _rpo, ...broken } = drill;
    expect(render({ drill: { ...broken, ok: false, problems: ['its checksum does not match'] } })).toContain(
      '✖ drill 3 h ago on pg3, of 20261125-010003F: its checksum does not match',
    );
  });
});
