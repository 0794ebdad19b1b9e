import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { lsnBytes } from '../../src/postgres/lsn.js';
import { dataDirectory, markOwn, type DataDirectoryState } from '../../src/resources/data-directory.js';
import { interruptedCopy } from '../../src/resources/interrupted-copy.js';
import { pgCluster } from '../../src/resources/pg-cluster.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { Script } from '../../src/shell/quote.js';
import { freshDirectory, ME, sharedDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { asPostgres, makeCluster, postgresBinaries, POSTGRES_USER } from '../support/postgres.js';
import { bringAbout, moved, observe, rewritten, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, isThere, type Shell } from '../support/shells.js';
import { patience } from '../support/patience.js';

/** Of a user's, made by the one that runs the tests unless it says otherwise. */
const at = (path: string, binDirectory = '/nowhere', user: string = ME.owner): ReturnType<typeof dataDirectory> =>
  dataDirectory({ path, binDirectory, user });

const parse = (text: string): DataDirectoryState => at('/d').parse({ status: 0, out: Buffer.from(text) });

describe('dataDirectory', () => {
  const none = {
    systemIdentifier: undefined,
    checksums: undefined,
    clusterState: undefined,
    copy: 'none',
    ours: false,
    control: 'valid',
    running: false,
    position: undefined,
    history: undefined,
    misowned: undefined,
  } as const;

  it.each<{ text: string; state: DataDirectoryState }>([
    { text: 'kind=absent\n', state: { kind: 'absent' } },
    { text: 'kind=empty\n', state: { kind: 'empty' } },
    { text: 'kind=empty\nmounted=yes\n', state: { kind: 'empty', mounted: true } },
    { text: 'kind=foreign\nentry=lost+found\nmounted=yes\n', state: { kind: 'foreign', entries: ['lost+found'], mounted: true } },
    { text: 'kind=foreign\nentry=lost+found\nentry=a=b\n', state: { kind: 'foreign', entries: ['lost+found', 'a=b'] } },
    { text: 'kind=cluster\nversion=17\n', state: { kind: 'cluster', version: '17', ...none } },
    {
      text: 'kind=cluster\nversion=17\nidentifier=18446744073709551615\nours=yes\nstate=in production\nchecksums=1\n',
      state: {
        kind: 'cluster',
        version: '17',
        ...none,
        systemIdentifier: '18446744073709551615',
        checksums: 1,
        clusterState: 'in production',
        ours: true,
      },
    },
    {
      text: 'kind=cluster\nversion=17\nrunning=yes\ncontrol=damaged\nhistory=0000000B\nfork=1 0/3000000\nfork=10 1/2\nstate=shut down\ncheckpoint=0/5\ntimeline=10\nnext-oid=9\nrecovery-timeline=0\nsegments=0000000B\nmisowned=/d/base\n',
      state: {
        kind: 'cluster',
        version: '17',
        ...none,
        clusterState: 'shut down',
        control: 'damaged',
        running: true,
        misowned: '/d/base',
        position: { timeline: 11, checkpoint: '0/5', nextOid: 9, lastRecord: '0/5' },
        history: { timeline: 11, forks: ['1 0/3000000', '10 1/2'] },
      },
    },
    {
      text: 'kind=cluster\nversion=17\nstate=in production\ncheckpoint=0/5\ntimeline=1\nnext-oid=9\nrecovery-timeline=3\nlast=0/7\n',
      state: {
        kind: 'cluster',
        version: '17',
        ...none,
        clusterState: 'in production',
        position: { timeline: 3, checkpoint: '0/5', nextOid: 9, lastRecord: '0/7' },
      },
    },
    {
      text: 'kind=cluster\nversion=17\nrunning=alone\nreplays=000000010000000000000005\n',
      state: { kind: 'cluster', version: '17', ...none, alone: true, replays: '000000010000000000000005' },
    },
  ])('reads $text', ({ text, state }) => expect(parse(text)).toEqual(state));

  it.each(['', 'kind=\n', 'kind=other\n', 'x\n'])('rejects %j', (text) => expect(() => parse(text)).toThrow(/unknown/u));

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    const see = (...names: string[]): Promise<DataDirectoryState> => observe(shell, at(work.at(...names)));

    it('reports what is there without PostgreSQL', async () => {
      mkdirSync(work.at('an empty one'));
      mkdirSync(work.at('left by a bootstrap'));
      writeFileSync(work.at('left by a bootstrap', 'patroni.dynamic.json'), '{}');
      mkdirSync(work.at('foreign'));
      for (const name of ['.hidden', 'lost+found', 'a=b', "it's", 'e5', 'f6']) writeFileSync(work.at('foreign', name), '');
      writeFileSync(work.at('file'), '');
      mkdirSync(work.at('half', 'global'), { recursive: true });
      writeFileSync(work.at('half', 'PG_VERSION'), '16\n');
      mkdirSync(work.at('cluster', 'global'), { recursive: true });
      writeFileSync(work.at('cluster', 'PG_VERSION'), '17\n');
      const control = Buffer.alloc(8192);
      control.writeBigUInt64LE(7_412_345_678_901_234_567n);
      writeFileSync(work.at('cluster', 'global', 'pg_control'), control);

      expect(await see('missing')).toEqual({ kind: 'absent' });
      expect(await see('an empty one')).toEqual({ kind: 'empty' });
      expect(await see('left by a bootstrap')).toEqual({ kind: 'empty' });
      expect(await see('foreign')).toMatchObject({ kind: 'foreign', entries: expect.arrayContaining(['.hidden', 'a=b']) as string[] });
      expect(await see('foreign')).toMatchObject({ entries: { length: 5 } });
      expect(await see('file')).toEqual({ kind: 'foreign', entries: ['(not a directory)'] });
      expect(await see('half')).toEqual({ kind: 'cluster', version: '16', ...none, control: 'missing' });
      expect(await see('cluster')).toEqual({ kind: 'cluster', version: '17', ...none, systemIdentifier: '7412345678901234567' });
    });

    it('says where it is a mount point without data', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { mountpoint: `[ "$2" = '${work.at('mounted')}' ]` } });
      mkdirSync(work.at('mounted'));
      mkdirSync(work.at('other'));
      const seen = (name: string): Promise<DataDirectoryState> => observe(shell, host.observation(at(work.at(name))));
      expect(await seen('mounted')).toEqual({ kind: 'empty', mounted: true });
      expect(await seen('other')).toEqual({ kind: 'empty' });
      mkdirSync(work.at('mounted', 'lost+found'));
      expect(await seen('mounted')).toEqual({ kind: 'foreign', entries: ['lost+found'], mounted: true });
    });

    it('reads the output of pg_controldata, and accepts a version without a newline', async () => {
      mkdirSync(work.at('cluster'));
      mkdirSync(work.at('bin'));
      writeFileSync(work.at('cluster', 'PG_VERSION'), '17');
      const told =
        'pg_control version number:            1700\nDatabase cluster state:               in archive recovery\nData page checksum version:           1\nDefault char data signedness:         signed\n';
      writeFileSync(work.at('bin', 'pg_controldata'), `#!/bin/sh\nprintf '%s' '${told}'\n`, { mode: 0o755 });
      expect(await observe(shell, at(work.at('cluster'), work.at('bin')))).toEqual({
        kind: 'cluster',
        version: '17',
        ...none,
        control: 'missing',
        checksums: 1,
        clusterState: 'in archive recovery',
      });
    });

    it('remembers which clusters pgprov made', async () => {
      mkdirSync(work.at('cluster', 'global'), { recursive: true });
      writeFileSync(work.at('cluster', 'PG_VERSION'), '17\n');
      const control = Buffer.alloc(8);
      control.writeBigUInt64LE(42n);
      writeFileSync(work.at('cluster', 'global', 'pg_control'), control);
      const observation = at(work.at('cluster'));
      const here = (script: Script): Script => moved(script, '/var/lib/pgprov', work.at('own'));
      const local = rewritten(observation, here);
      expect(await observe(shell, local)).toMatchObject({ ours: false, systemIdentifier: '42' });
      const body = Script.build(`data='${work.at('cluster')}'\n${here(markOwn).text}`);
      await runSections(shell, [{ id: 'mark', mode: 'step', body }]);
      expect(existsSync(work.at('own', 'clusters', '42'))).toBe(true);
      expect(await observe(shell, local)).toMatchObject({ ours: true });
    });
  });
});

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)(
  binaries === undefined ? 'a real cluster (skipped: no initdb on this machine)' : 'a real cluster',
  () => {
    const bin = binaries ?? '';
    const work = sharedDirectory();

    beforeAll(() => {
      chmodSync(work.path, 0o777);
      makeCluster(bin, work.at('with'), '--data-checksums');
      makeCluster(bin, work.at('without'));
    }, patience(60_000));

    inEveryShell(HOST_SHELLS, (shell) => {
      it('is read as pg_controldata reads it', async () => {
        const { program, words } = asPostgres(join(bin, 'pg_controldata'), work.at('with'));
        const told = execFileSync(program, words, { encoding: 'utf8', cwd: '/', env: { ...process.env, LC_ALL: 'C' } });
        const state = await observe(shell, at(work.at('with'), bin, POSTGRES_USER));
        expect(state).toEqual({
          kind: 'cluster',
          version: expect.stringMatching(/^\d+$/u) as string,
          systemIdentifier: /system identifier: *(\d+)/u.exec(told)?.[1],
          segment: 16_777_216,
          checksums: 1,
          clusterState: 'shut down',
          copy: 'none',
          ours: false,
          control: 'valid',
          running: false,
          // initdb's own last checkpoint, before any object that a server made for somebody.
          position: {
            timeline: 1,
            checkpoint: /checkpoint location: *(\S+)/u.exec(told)?.[1],
            atRest: true,
            nextOid: expect.toSatisfy((oid: number) => oid < 16384) as number,
            lastRecord: /checkpoint location: *(\S+)/u.exec(told)?.[1],
          },
          history: undefined,
          misowned: undefined,
        });
        expect(await observe(shell, at(work.at('without'), bin, POSTGRES_USER))).toMatchObject({ checksums: 0 });
      });

      it('is distinguished from a closed one while a server without a postmaster recovers it', async () => {
        const { program, words } = asPostgres(join(bin, 'postgres'), '--single', '-D', work.at('with'), 'postgres');
        const single = spawn(program, words, { stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' });
        const look = (): Promise<DataDirectoryState> => observe(shell, at(work.at('with'), bin, POSTGRES_USER));
        try {
          await expect.poll(look, { timeout: patience(10_000) }).toMatchObject({ alone: true, running: false });
        } finally {
          single.stdin.end();
          await once(single, 'exit');
        }
        expect(await look()).not.toHaveProperty('alone');
      });

      it('has its last record where its WAL ends with a whole file', async () => {
        const data = work.at(`switched-${shell}`);
        makeCluster(bin, data);
        const { program, words } = asPostgres(join(bin, 'postgres'), '--single', '-D', data, 'postgres');
        const single = spawn(program, words, { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' });
        let told = '';
        single.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
        single.stdin.write('CREATE TABLE t (n int)\nSELECT pg_switch_wal()\nCREATE TABLE u (n int)\nSELECT pg_switch_wal()\n');
        const switched = (): string[] => [...told.matchAll(/pg_switch_wal = "([0-9A-F/]+)"/gu)].map(([, at = '']) => at);
        await expect.poll(() => switched()[1], { timeout: patience(10_000) }).toBeDefined();
        process.kill(Math.abs(Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])), 'SIGKILL');
        await once(single, 'exit');
        const last = async (programs = bin): Promise<string | undefined> => {
          const state = await observe(shell, at(data, programs, POSTGRES_USER));
          return state.kind === 'cluster' ? state.position?.lastRecord : undefined;
        };
        // The record of the switch has 24 bytes.
        const end = lsnBytes(switched()[1] ?? '') - 24n;
        expect(lsnBytes((await last()) ?? '')).toBe(end);
        // All records of the first file are not printed; what is cut off before its end says nothing.
        const slow = (name: string, more: string): string => {
          mkdirSync(work.at(name));
          symlinkSync(join(bin, 'pg_controldata'), work.at(name, 'pg_controldata'));
          const real = `${bin}/pg_waldump`;
          const script = `#!/bin/sh\ncase "$*" in -q*) exec ${real} "$@" ;; ${more} esac\n${real} "$@" | head -n 5\nexit 124\n`;
          writeFileSync(work.at(name, 'pg_waldump'), script, { mode: 0o755 });
          return work.at(name);
        };
        expect(await last(slow('slow', ''))).toBeUndefined();
        const [, second = ''] = readdirSync(join(data, 'pg_wal')).sort();
        expect(lsnBytes((await last(slow('slow at the first', `*' ${second} ${second}') exec ${bin}/pg_waldump "$@" ;;`))) ?? '')).toBe(
          end,
        );
        // PostgreSQL makes files ahead, all zeros, and a directory has no order.
        const written = readdirSync(join(data, 'pg_wal'))
          .filter((name) => /^[0-9A-F]{24}$/u.test(name))
          .sort();
        const file = (name: string): string => join(data, 'pg_wal', name);
        for (const name of written) renameSync(file(name), work.at(name));
        for (let ahead = 1; ahead < 32; ahead += 1) {
          const name = file(
            `${second.slice(0, 16)}${(Number.parseInt(second.slice(16), 16) + ahead).toString(16).padStart(8, '0').toUpperCase()}`,
          );
          writeFileSync(name, '');
          truncateSync(name, 16_777_216);
          execFileSync('chown', [POSTGRES_USER, name]);
        }
        for (const name of written) renameSync(work.at(name), file(name));
        expect(lsnBytes((await last()) ?? '')).toBe(end);
        // What pg_rewind leaves of a timeline that it took back: a WAL file, and no history.
        const left = file(`00000005${second.slice(8)}`);
        writeFileSync(left, readFileSync(file(second)));
        const timeline = async (): Promise<number | undefined> => {
          const state = await observe(shell, at(data, bin, POSTGRES_USER));
          return state.kind === 'cluster' ? state.position?.timeline : undefined;
        };
        expect([await timeline(), lsnBytes((await last()) ?? '')]).toEqual([1, end]);
        writeFileSync(file('00000005.history'), '1\t0/2000000\tno recovery target specified\n');
        expect(await timeline()).toBe(5);
        for (const each of [left, file('00000005.history')]) rmSync(each);
        // Where one is missing, what comes after it counts for nothing.
        rmSync(file(second));
        expect(lsnBytes((await last()) ?? '')).toBe(lsnBytes(switched()[0] ?? '') - 24n);
      });

      it('is reported with what is wrong with it', async () => {
        const path = work.at('without', 'global', 'pg_control');
        const control = readFileSync(path);
        const broken = Buffer.from(control);
        broken.write('??', 60);
        const seen: unknown[] = [];
        for (const content of [Buffer.alloc(0), Buffer.alloc(8192), control.subarray(0, 296), broken]) {
          writeFileSync(path, content);
          const state = await observe(shell, at(work.at('without'), bin, POSTGRES_USER));
          seen.push(state.kind === 'cluster' ? state.control : state.kind);
        }
        writeFileSync(path, control);
        expect(seen).toEqual(['missing', 'zero', 'truncated', 'damaged']);
        expect(await observe(shell, at(work.at('without'), bin, 'nobody'))).toMatchObject({
          control: 'valid',
          misowned: expect.stringMatching(/\/without\/(?:base|global|pg_)/u) as string,
        });
      });
    });
  },
);

it('is asked once for all observers', () => {
  const copy = interruptedCopy({ path: '/d', binDirectory: '/bin', ownership: { ...ME, mode: '0700' } });
  const cluster = pgCluster({
    version: 17,
    dataDirectory: '/d',
    binDirectory: '/bin',
    user: 'postgres',
    group: 'postgres',
    home: '/',
    initdb: [],
  });
  expect(sharedSections([at('/d', '/bin'), copy, cluster]).map(({ id }) => id)).toEqual(['pgprov_data']);
});

describe('pgCluster', () => {
  const options = (path: string): Parameters<typeof pgCluster>[0] => ({
    version: 17,
    dataDirectory: path,
    binDirectory: '/usr/lib/postgresql/17/bin',
    user: 'postgres',
    group: 'postgres',
    home: '/var/lib/postgresql',
    initdb: ['--data-checksums', '--locale=C.UTF-8'],
  });

  it.each<{ state: DataDirectoryState; changes: number }>([
    { state: { kind: 'absent' }, changes: 1 },
    { state: { kind: 'empty' }, changes: 1 },
    { state: { kind: 'foreign', entries: ['x'] }, changes: 1 },
    { state: parse('kind=cluster\nversion=17\nidentifier=1\nchecksums=0\n'), changes: 0 },
  ])('$state.kind: $changes', ({ state, changes }) => {
    const found = pgCluster(options('/d')).diff(state);
    expect(found).toHaveLength(changes);
    if (changes > 0)
      expect(found[0]).toEqual({ action: 'create', summary: 'initialise a PostgreSQL 17 cluster with data checksums in /d' });
  });

  const work = freshDirectory();
  const run = async (
    shell: Shell,
    path: string,
    state: DataDirectoryState,
    bin = binaries ?? '',
  ): Promise<{ status: number; words: string }> => {
    const resource = pgCluster({
      ...options(path),
      binDirectory: bin,
      user: POSTGRES_USER,
      group: POSTGRES_USER,
      home: work.path,
      initdb: ['--data-checksums', '--no-sync', '-A', 'trust'],
    });
    const body = moved(resource.apply([], state), '/var/lib/pgprov', work.at('own'));
    const { answers } = await runSections(shell, [{ id: 'do', mode: 'step', body }]);
    return { status: answers.get('do')?.status ?? -1, words: answers.get('do')?.out.toString() ?? '' };
  };

  inEveryShell(HOST_SHELLS, (shell) => {
    it('refuses a directory that is not empty, whatever was seen before', async () => {
      mkdirSync(work.at('data'));
      writeFileSync(work.at('data', 'precious'), 'x');
      const { status, words } = await run(shell, work.at('data'), { kind: 'absent' });
      expect(status).toBe(1);
      expect(words).toContain(`${work.at('data')} is not empty; initdb does not run over it`);
      expect(existsSync(work.at('data', 'precious'))).toBe(true);
    });

    it('is made by initdb as the server’s user, and recorded as made by pgprov', async () => {
      const initdb = `mkdir "$2/global"\necho 17 >"$2/PG_VERSION"\nprintf '*\\0\\0\\0\\0\\0\\0\\0more' >"$2/global/pg_control"`;
      const host = new MadeUpHost({ root: work.path, programs: { runuser: 'shift 3; exec "$@"', initdb }, paths: ['/var/lib/pgprov'] });
      const data = work.at('a', 'data');
      const made = host.resource(pgCluster({ ...options(data), binDirectory: work.at('bin'), user: ME.owner, group: ME.group }));
      const { answer, after, left } = await bringAbout(shell, made);
      expect({ answer, left }).toEqual({ answer: { status: 0, words: '' }, left: [] });
      expect(after).toMatchObject({ kind: 'cluster', version: '17', systemIdentifier: '42', ours: true });
      const words = `initdb -D ${data}.pgprov-initdb --data-checksums --locale=C.UTF-8`;
      expect(host.calls('runuser', 'initdb')).toEqual([
        `runuser -u ${ME.owner} -- env HOME=/var/lib/postgresql ${work.at('bin')}/${words}`,
        words,
      ]);
      expect(readdirSync(work.at('a'))).toEqual(['data']);
    });
  });

  // Takes most of its time in initdb, whichever shell calls it.
  it.skipIf(binaries === undefined || !isThere('dash') || asPostgres().program !== 'runuser')(
    'records a cluster that it made',
    { timeout: patience(60_000) },
    async () => {
      chmodSync(work.path, 0o777);
      mkdirSync(work.at('with space.pgprov-initdb'));
      writeFileSync(work.at('with space.pgprov-initdb', 'half'), 'x');
      const { status, words } = await run('dash', work.at('with space'), { kind: 'absent' });
      expect(words).toContain('Success');
      expect(status).toBe(0);
      const observation = at(work.at('with space'), binaries ?? '');
      const local = rewritten(observation, (script) => moved(script, '/var/lib/pgprov', work.at('own')));
      expect(await observe('dash', local)).toMatchObject({ kind: 'cluster', checksums: 1, ours: true });
      const put = execFileSync('ls', [work.path], { encoding: 'utf8' });
      expect(put).toMatch(/with space\.pgprov-initdb\.\d{8}T\d{6}\n/u);
    },
  );
});

describe('pgCluster with a setup script', () => {
  const DATA = '/var/lib/pgsql/17/data';
  const UNITS = '/etc/systemd/system';
  const options: Parameters<typeof pgCluster>[0] = {
    version: 17,
    dataDirectory: DATA,
    binDirectory: '/usr/pgsql-17/bin',
    user: ME.owner,
    group: ME.group,
    home: '/var/lib/pgsql',
    initdb: ['--data-checksums', '--locale=C.UTF-8'],
    setupScript: '/usr/pgsql-17/bin/postgresql-17-setup',
  };

  const work = freshDirectory();
  const hostWith = (setup: string): MadeUpHost =>
    new MadeUpHost({ root: work.path, programs: { setup, systemctl: ':' }, paths: [UNITS, '/var/lib/pgprov', '/var/lib/pgsql'] });
  const cluster = (): ReturnType<typeof pgCluster> =>
    pgCluster({ ...options, binDirectory: '/nowhere', setupScript: work.at('bin', 'setup') });
  /** Does what PGDG's script does, which asks systemd for the PGDATA of the unit that it is given. */
  const setup = (): string => `data=$(sed -n 's/^Environment=PGDATA=//p' '${work.at(UNITS)}'/$2.service)
[ "$1" = initdb ] && [ ! -e "$data/PG_VERSION" ] || exit 2
mkdir "$data/global"
echo 17 >"$data/PG_VERSION"
printf '*\\0\\0\\0\\0\\0\\0\\0more' >"$data/global/pg_control"
printf '%s' "$PGSETUP_INITDB_OPTIONS" >"$data/options"`;

  inEveryShell(HOST_SHELLS, (shell) => {
    it('makes a cluster through a unit that does not exist before and after, and records it', async () => {
      const host = hostWith(setup());
      const { answer, after, left } = await bringAbout(shell, host.resource(cluster()));
      expect({ answer, left }).toEqual({ answer: { status: 0, words: '' }, left: [] });
      expect(after).toMatchObject({ kind: 'cluster', version: '17', systemIdentifier: '42', ours: true });
      expect(readFileSync(host.at(`${DATA}/options`), 'utf8')).toBe('--data-checksums --locale=C.UTF-8');
      expect(host.calls()).toEqual(['systemctl daemon-reload', 'setup initdb pgprov-initdb', 'systemctl daemon-reload']);
      expect(readdirSync(host.at(UNITS))).toEqual([]);
      expect(readdirSync(host.at('/var/lib/pgsql/17'))).toEqual(['data']);
      expect((await bringAbout(shell, host.resource(cluster()))).changes).toEqual([]);
    });

    it('shows the end of initdb’s log when that fails, and starts again from the beginning', async () => {
      const host = hostWith('exit 1');
      host.write('/var/lib/pgsql/17/initdb.log', 'first\n2\n3\n4\n5\ninitdb: error: no space\n');
      const { answer, left } = await bringAbout(shell, host.resource(cluster()));
      expect(answer).toEqual({ status: 1, words: '2\n3\n4\n5\ninitdb: error: no space\n' });
      expect(left).toHaveLength(1);
      expect(readdirSync(host.at(UNITS))).toEqual([]);
      expect(existsSync(host.at(DATA))).toBe(false);
      const again = await bringAbout(shell, hostWith(setup()).resource(cluster()));
      expect(again.left).toEqual([]);
      expect(readdirSync(host.at('/var/lib/pgsql/17')).sort()).toEqual([
        'data',
        expect.stringMatching(/^data\.pgprov-initdb\.\d{8}T\d{6}$/u),
        'initdb.log',
      ]);
    });

    it('also fails without a log', async () => {
      const { answer } = await bringAbout(shell, hostWith('echo "failed, see /x"; exit 1').resource(cluster()));
      expect(answer).toEqual({ status: 1, words: 'failed, see /x\n' });
    });
  });
});
