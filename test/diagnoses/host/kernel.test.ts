import { expect, it } from 'vitest';
import hugePages from '../../../src/diagnoses/host/huge-pages.js';
import kernelTrouble from '../../../src/diagnoses/host/kernel-trouble.js';
import memoryShort from '../../../src/diagnoses/host/memory-short.js';
import outOfMemory from '../../../src/diagnoses/host/out-of-memory.js';
import { kernelLog } from '../../../src/resources/kernel-log.js';
import { memory } from '../../../src/resources/memory.js';
import { answered, findings, found, NOW, type ExaminedHost } from '../../support/examination.js';

/** The journal's lines of the kernel, as the host prints them. */
function kernel(...texts: readonly string[]): Record<string, ExaminedHost> {
  const lines = texts.map((text, index) =>
    JSON.stringify({ __REALTIME_TIMESTAMP: String((NOW - (texts.length - index) * 1000) * 1000), MESSAGE: text }),
  );
  return { pg1: { states: [answered(kernelLog(), lines.join('\n'))] } };
}

const KILLED =
  'Memory cgroup out of memory: Killed process 30781 (postgres) total-vm:64084kB, anon-rss:61184kB, file-rss:1640kB, shmem-rss:0kB, UID:0 pgtables:168kB oom_score_adj:0';

it('finds that the kernel killed PostgreSQL for want of memory, and when', async () => {
  const [finding] = await findings(outOfMemory, kernel(KILLED));
  expect(finding).toMatchObject({
    level: 'danger',
    host: 'pg1',
    what: 'memory ran out, and the kernel killed postgres',
    since: NOW - 1000,
  });
  expect(finding?.evidence[0]?.line).toBe(KILLED);
  expect(
    await found(
      outOfMemory,
      kernel(KILLED.replace('(postgres)', '(java)'), KILLED.replace('Memory cgroup out', 'Out').replace('(postgres)', '(java)')),
    ),
  ).toEqual([]);
});

it('names the query of the server process that was killed, in PostgreSQL’s own words', async () => {
  const said = [
    ['postgresql', 0.5, 'LOG:  server process (PID 456) was terminated by signal 9: Killed'],
    ['postgresql', 0.5, 'DETAIL:  Failed process was running: SELECT count(*) FROM large'],
    ['postgresql', 0.5, 'LOG:  terminating any other active server processes'],
  ] as const;
  const [finding] = await findings(outOfMemory, { pg1: { ...kernel(KILLED)['pg1'], log: said } });
  expect(finding?.evidence.map(({ line }) => line)).toEqual([KILLED, said[0][2], said[1][2]]);
  const other = said.map(([unit, , text]) => [unit, 600, text] as const);
  const [alone] = await findings(outOfMemory, { pg1: { ...kernel(KILLED)['pg1'], log: other } });
  expect(alone?.evidence).toHaveLength(1);
});

it('finds that the kernel killed a member of etcd', async () => {
  expect(await found(outOfMemory, kernel(KILLED.replace('(postgres)', '(etcd)')))).toEqual([
    'danger pg1 memory ran out, and the kernel killed etcd',
  ]);
});

it('finds what systemd says of a service that was killed so', async () => {
  const log = [['patroni', 30, 'patroni.service: A process of this unit has been killed by the OOM killer.']] as const;
  expect(await found(outOfMemory, { pg2: { log } })).toEqual(['danger pg2 memory ran out, and the kernel killed a process of patroni']);
});

it('tells errors of disks, of file systems and programs that hang apart', async () => {
  expect(
    await found(
      kernelTrouble,
      kernel('blk_update_request: I/O error, dev sda, sector 123456 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0'),
    ),
  ).toEqual(['danger pg1 a disk has I/O errors']);
  expect(
    await found(
      kernelTrouble,
      kernel('EXT4-fs error (device dm-0): ext4_lookup:1855: inode #131: comm postgres: deleted inode referenced: 132'),
    ),
  ).toEqual(['danger pg1 the kernel found errors in a file system']);
  expect(await found(kernelTrouble, kernel('INFO: task jbd2/vda1-8:230 blocked for more than 120 seconds.'))).toEqual([
    'danger pg1 programs hung in the kernel for minutes',
  ]);
});

it('makes nothing of an empty drive, nor of what the kernel says when it mounts', async () => {
  const lines = [
    'blk_update_request: I/O error, dev sr0, sector 0 op 0x0:(READ) flags 0x80700',
    'XFS (dm-0): Mounting V5 Filesystem',
    'XFS (dm-0): Ending clean mount',
  ];
  expect(await found(kernelTrouble, kernel(...lines))).toEqual([]);
});

function meminfo(values: Readonly<Record<string, string>> = {}, stalled = '0.00'): ExaminedHost['states'] {
  const usual = {
    MemTotal: '4028388 kB',
    MemAvailable: '2011244 kB',
    SwapTotal: '2097148 kB',
    SwapFree: '2097148 kB',
    HugePages_Total: '0',
    HugePages_Free: '0',
    Hugepagesize: '2048 kB',
  };
  const lines = Object.entries({ ...usual, ...values }).map(([name, value]) => `${name}:   ${value}`);
  return [answered(memory(), [...lines, `full avg10=0.00 avg60=${stalled} avg300=0.00 total=0`].join('\n'))];
}

it('finds a host that swaps for want of memory, and none that merely has put something aside', async () => {
  const short = (values: Record<string, string>, stalled?: string): Promise<string[]> =>
    found(memoryShort, { pg1: { states: meminfo(values, stalled) ?? [] } });
  expect(await short({})).toEqual([]);
  expect(await short({ SwapFree: '1500000 kB' })).toEqual([]);
  // The pressure may be of another container of the machine.
  expect(await short({}, '60.00')).toEqual([]);
  const finding = ['danger pg1 memory is short: the host swaps, and programs wait for it'];
  expect(await short({ SwapFree: '1500000 kB' }, '34.10')).toEqual(finding);
  expect(await short({ SwapFree: '100000 kB', MemAvailable: '90000 kB' })).toEqual(finding);
});

const HINT =
  'HINT:  This error usually means that PostgreSQL\'s request for a shared memory segment exceeded available memory, swap space, or huge pages. To reduce the request size (currently 150994944 bytes), reduce PostgreSQL\'s shared memory usage, perhaps by reducing "shared_buffers" or "max_connections".';

it('finds that huge pages are missing, and how many', async () => {
  const log = [
    ['patroni', 12, '2026-11-29 03:29:48.100 UTC [583] FATAL:  could not map anonymous shared memory: Cannot allocate memory'],
    ['patroni', 12, `2026-11-29 03:29:48.100 UTC [583] ${HINT}`],
  ] as const;
  const [finding] = await findings(hugePages, { pg1: { states: meminfo() ?? [], log } });
  expect(finding).toMatchObject({ level: 'broken', host: 'pg1', since: NOW - 12_000 });
  expect(finding?.mend).toContain('`sysctl -w vm.nr_hugepages=72`');
  expect(finding?.what).toBe('PostgreSQL does not get the huge pages that it must have: it asks for 144 MiB');
  expect(finding?.explains).toContain('shared-memory');
  expect(await found(hugePages, { pg1: { states: meminfo({ HugePages_Total: '5000', HugePages_Free: '5000' }) ?? [], log } })).toEqual([]);
  const started = [...log, ['postgresql', 5, 'LOG:  database system is ready to accept connections'] as const];
  expect(await found(hugePages, { pg1: { states: meminfo() ?? [], log: started } })).toEqual([]);
});

it('leaves what asks for more than the host has to the settings that ask', async () => {
  const log = [
    ['postgresql', 5, 'FATAL:  could not map anonymous shared memory: Cannot allocate memory'],
    ['postgresql', 5, HINT.replace('150994944', '546963103744')],
  ] as const;
  expect(await found(hugePages, { pg1: { states: meminfo() ?? [], log } })).toEqual([]);
});
