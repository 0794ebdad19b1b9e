import { expect, it } from 'vitest';
import diskFull from '../../../src/diagnoses/host/disk-full.js';
import inodesSpent from '../../../src/diagnoses/host/inodes-spent.js';
import readOnly from '../../../src/diagnoses/host/read-only.js';
import { fileSystems } from '../../../src/resources/file-systems.js';
import { answered, findings, found, type ExaminedHost } from '../../support/examination.js';

const PATHS = ['/', '/var/log', '/var/lib/postgresql/17/main'];

/** What the probe prints with coreutils; the file system of the data has these figures. */
function host({ blocks = '20466256 6321544 13079724', inodes = '1310720 84512 1226208', mounts = '' } = {}): Record<string, ExaminedHost> {
  const root = [
    'blocks\t/dev/vda1        20466256   6321544  13079724      33% /',
    'inodes\t/dev/vda1       1310720  84512 1226208    7% /',
  ];
  const text = [
    'path\t/',
    ...root,
    'path\t/var/log',
    ...root,
    'path\t/var/lib/postgresql/17/main',
    `blocks\t/dev/mapper/vg-data   ${blocks}      33% /var/lib/postgresql`,
    `inodes\t/dev/mapper/vg-data  ${inodes}    7% /var/lib/postgresql`,
    mounts,
  ].join('\n');
  return { pg2: { states: [answered(fileSystems(PATHS), text)] } };
}

it('finds nothing where there is room', async () => {
  expect(await found(diskFull, host())).toEqual([]);
  expect(await found(inodesSpent, host())).toEqual([]);
  expect(await found(readOnly, host({ mounts: 'read-only\t/sys/fs/cgroup' }))).toEqual([]);
});

it('finds a full file system of the data, and one that is almost full', async () => {
  expect(await found(diskFull, host({ blocks: '20466256 20466256 0' }))).toEqual([
    'broken pg2 the file system /var/lib/postgresql is full',
  ]);
  expect(await found(diskFull, host({ blocks: '20466256 20366256 90000' }))).toEqual([
    'danger pg2 the file system /var/lib/postgresql is almost full',
  ]);
});

it('does not call a large file system almost full that has room for days', async () => {
  expect(await found(diskFull, host({ blocks: '4294967296 4200000000 94967296' }))).toEqual([]);
});

it('finds inodes that are spent, and none on file systems that make them as they need them', async () => {
  expect(await found(inodesSpent, host({ inodes: '1310720 1310720 0' }))).toEqual([
    'broken pg2 the file system /var/lib/postgresql has no inodes left',
  ]);
  expect(await found(inodesSpent, host({ inodes: '0 0 0' }))).toEqual([]);
});

it('tells below a full file system of the data that PostgreSQL found no space there', async () => {
  expect((await findings(diskFull, host({ blocks: '20466256 20466256 0' })))[0]?.explains).toContain('no-space');
  expect((await findings(inodesSpent, host({ inodes: '1310720 1310720 0' })))[0]?.explains).toContain('no-space');
});

it('finds a file system that the kernel made read-only', async () => {
  const [finding] = await findings(readOnly, host({ mounts: 'read-only\t/var/lib/postgresql' }));
  expect(finding).toMatchObject({ level: 'broken', what: 'the file system /var/lib/postgresql is mounted read-only' });
  expect(finding?.evidence[0]?.line).toBe('/var/lib/postgresql has the option ro; it holds /var/lib/postgresql/17/main');
});
