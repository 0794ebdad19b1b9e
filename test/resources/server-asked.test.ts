import { chmodSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { serverAsked, type ServerAsked } from '../../src/resources/server-asked.js';
import type { WantedSettings } from '../../src/resources/settings-in-force.js';
import { postgresBinaries } from '../support/postgres.js';
import { observe } from '../support/sections.js';
import { freshDirectory } from '../support/directory.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

type Asked = Extract<ServerAsked, { asked: true }>;

const binaries = postgresBinaries();
const isRoot = userInfo().uid === 0;

const of = (wanted: WantedSettings, binDirectory: string, socketDirectory = '/nowhere'): ReturnType<typeof serverAsked> =>
  serverAsked({ binDirectory, socketDirectory, port: 5432, user: 'postgres', home: '/' }, wanted);

describe('serverAsked', () => {
  it.each([
    { title: 'a server that is not installed', text: '', state: { asked: false } },
    {
      title: 'a server that accepts everything',
      text: 'known\novercommit=0\nMemTotal=1024\n',
      state: { asked: true, objections: [], sharedBuffers: undefined, memory: 1024 * 1024 },
    },
    {
      title: 'sizes',
      text: 'buffers=16384\novercommit=0\nMemTotal=1000\nSwapTotal=24\nHugepagesize=2048\nHugePages_Total=3\n',
      state: { sharedBuffers: 128 * 1024 * 1024, memory: 1024 * 1024, hugePages: 6 * 1024 * 1024 },
    },
    {
      title: 'a kernel without overcommit',
      text: 'buffers=1\novercommit=2\nMemTotal=1000\nCommitLimit=500\n',
      state: { memory: 500 * 1024 },
    },
    {
      title: 'objections with their hints',
      text: 'said=LOG:  invalid value for parameter "work_mem": "64 MBs"\nsaid=HINT:  Valid units.\nsaid=LOG:  x in file "/run/y" line 3\nsaid=FATAL:  configuration file "/run/y" contains errors\n',
      state: {
        objections: [
          { message: 'invalid value for parameter "work_mem": "64 MBs"', hint: 'Valid units.' },
          { message: 'x', hint: undefined },
        ],
      },
    },
    {
      title: 'a name that is close to a known one',
      text: 'said=LOG:  unrecognized configuration parameter "work_memm" in file "/run/y" line 1\nknown=work_mem\nknown=maintenance_work_mem\n',
      state: { objections: [{ message: 'unrecognized configuration parameter "work_memm"', hint: 'did you mean "work_mem"?' }] },
    },
  ])('reads $title', ({ text, state }) => expect(of({}, '/bin17').parse({ status: 0, out: Buffer.from(text) })).toMatchObject(state));
});

describe.skipIf(binaries === undefined || !isRoot)('serverAsked, compared with a real server', () => {
  const directory = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    const ask = async (wanted: WantedSettings): Promise<Asked> => {
      const state = await observe(shell, of(wanted, binaries as string));
      if (!state.asked) throw new Error('was not asked');
      return state;
    };
    const messages = async (wanted: WantedSettings): Promise<string[]> => (await ask(wanted)).objections.map(({ message }) => message);

    it('accepts what is valid, and leaves nothing behind', async () => {
      const wanted = {
        shared_buffers: '256MB',
        work_mem: '4MB',
        log_line_prefix: "it's \\ %m ",
        'my.own': 'x y',
        archive_command: 'test ! -f "%p" && cp',
        jit: false,
        lc_messages: 'C',
        log_destination: 'syslog',
      };
      expect(await ask(wanted)).toMatchObject({ objections: [], missingLibraries: [], sharedBuffers: 256 * 1024 * 1024 });
      expect(readdirSync('/run').filter((name) => name.startsWith('pgprov-asked'))).toEqual([]);
    });

    it('reports everything that is wrong at once, in the server’s own words', async () => {
      expect(
        await messages({ work_mem: '64 MBs', max_connections: 0, wal_level: 'replika', log_line_prefix: 'x', lc_messages: 'C' }),
      ).toEqual([
        'invalid value for parameter "work_mem": "64 MBs"',
        '0 is outside the valid range for parameter "max_connections" (1 .. 262143)',
        'invalid value for parameter "wal_level": "replika"',
      ]);
      expect(await messages({ work_memm: '64MB', shared_bufers: 1 })).toEqual([
        'unrecognized configuration parameter "work_memm"',
        'unrecognized configuration parameter "shared_bufers"',
      ]);
      const { objections } = await ask({ work_memm: '64MB' });
      expect(objections[0]?.hint).toBe('did you mean "work_mem"?');
      expect(await messages({ timezone: 'Mars/Olympus' })).toEqual(['invalid value for parameter "TimeZone": "Mars/Olympus"']);
    });

    it('reports missing libraries', async () => {
      expect(
        await ask({ shared_preload_libraries: 'auto_explain, nothere,"$libdir/plpgsql.so"', session_preload_libraries: 'neither' }),
      ).toMatchObject({ missingLibraries: ['nothere', 'neither'] });
    });

    it('reports a size that does not fit', async () => {
      const { sharedBuffers, memory } = await ask({ shared_buffers: '500TB' }).catch(() => ({ sharedBuffers: 0, memory: 0 }));
      expect(memory).toBeGreaterThan(2 ** 28);
      expect(sharedBuffers === undefined || sharedBuffers > (memory ?? 0)).toBe(true);
    });

    it('asks nothing when there is no server program', async () => {
      chmodSync(directory.path, 0o755);
      expect(await observe(shell, of({ work_memm: 1 }, directory.path))).toEqual({ asked: false });
    });
  });
});
