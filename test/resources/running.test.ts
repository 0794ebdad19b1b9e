import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderTemplate } from '../../src/plan/template.js';
import { OWN_CLUSTERS } from '../../src/resources/data-directory.js';
import { running, type RunningState } from '../../src/resources/running.js';
import { freshDirectory } from '../support/directory.js';
import { asPostgres, makeCluster, postgresBinaries, POSTGRES_USER } from '../support/postgres.js';
import { moved, observe, rewritten } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, type Shell } from '../support/shells.js';

const NONE: RunningState = {
  wantedDirectory: '',
  postmasters: [],
  databases: [],
  patroniFile: undefined,
  patroniData: undefined,
  made: undefined,
};

const PATRONI = {
  scope: 'demo',
  namespace: '/service/',
  name: 'pg1',
  restapi: { listen: '0.0.0.0:8008', connectAddress: '10.0.0.1:8008', username: 'patroni', password: 'rest secret' },
  store: renderTemplate('patroni/etcd3.yml', { hosts: ['10.0.0.1:2379'], ca: '/ca', certificate: '/crt', key: '/key' }),
  dcs: { ttl: 30, postgresql: { parameters: { a: 'listen: 1' } } },
  initdb: [{ encoding: 'UTF8' }, 'data-checksums'],
  postgresql: {
    listen: '*:5432',
    connectAddress: '10.0.0.1:5432',
    dataDirectory: '/nowhere',
    binDirectory: '/bin',
    pgpass: '/p',
    parameters: { port: '1', data_dir: '/x' },
    hba: ['local all all peer'],
  },
  superuser: { name: 'postgres', password: 'super secret' },
  replication: { name: 'replicator', password: 'replication secret' },
  rewind: { name: 'rewind_user', password: 'rewind secret' },
  watchdog: { mode: 'off', device: '' },
  tags: {},
};

describe('what runs on a host', () => {
  const work = freshDirectory();
  const patroniFile = (): string => join(work.path, 'patroni.yml');
  const look = (shell: Shell): Promise<RunningState> =>
    observe(
      shell,
      rewritten(running({ patroniFile: patroniFile(), encoding: 'UTF8' }), (script) =>
        [OWN_CLUSTERS, '/etc/postgresql', '/etc/systemd'].reduce((text, path) => moved(text, path, join(work.path, path)), script),
      ),
    );

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is empty when nothing runs', async () => {
      rmSync(patroniFile(), { force: true });
      expect({ ...(await look(shell)), postmasters: [] as unknown[] }).toEqual(NONE);
    });

    it('is read from the files that pgprov wrote, without their secrets', async () => {
      writeFileSync(patroniFile(), renderTemplate('patroni/patroni.yml', PATRONI));
      const { postmasters: _, ...seen } = await look(shell);
      expect(seen).toMatchObject({
        patroniFile: {
          scope: 'demo',
          namespace: '/service/',
          name: 'pg1',
          restListen: '0.0.0.0:8008',
          listen: '*:5432',
          connectAddress: '10.0.0.1:5432',
          dataDirectory: '/nowhere',
          superuser: 'postgres',
          replication: 'replicator',
          rewind: 'rewind_user',
        },
        patroniData: undefined,
      });
      expect(JSON.stringify(seen)).not.toMatch(/secret/u);
    });

    it('is read from the configuration of the platform’s own services, for databases that pgprov made', async () => {
      const made = (name: string, identifier: number): string => {
        const data = join(work.path, name);
        mkdirSync(join(data, 'global'), { recursive: true });
        writeFileSync(join(data, 'PG_VERSION'), '17\n');
        writeFileSync(join(data, 'global', 'pg_control'), Buffer.from(BigUint64Array.of(BigInt(identifier)).buffer));
        return data;
      };
      mkdirSync(join(work.path, OWN_CLUSTERS), { recursive: true });
      for (const identifier of [71, 72, 74]) writeFileSync(join(work.path, OWN_CLUSTERS, String(identifier)), '');
      const registered = made('one', 71);
      const drop = made('two', 72);
      made('aside', 71);
      for (const [directory, file, text] of [
        ['/etc/postgresql/17/main', 'postgresql.conf', `#data_directory = '/x'\ndata_directory = '${registered}'\n`],
        ['/etc/postgresql/17/others', 'postgresql.conf', `data_directory = '${made('three', 73)}'\n`],
        ['/etc/systemd/system/postgresql-17.service.d', 'pgprov.conf', `[Service]\nEnvironment=PGDATA=${drop}\n`],
        ['/etc/systemd/system', 'postgresql-17-four.service', `[Service]\nEnvironment=PGDATA=${made('four', 74)}\n`],
        ['/etc/postgresql/17/main', 'pg_hba.conf', '# BEGIN pgprov demo\n# END pgprov demo\n'],
        ['/four', 'pg_hba.conf', '# BEGIN pgprov a b\n# END pgprov a b\nlocal all all peer\n# BEGIN pgprov c\n# END pgprov c\n'],
      ] as const) {
        mkdirSync(join(work.path, directory), { recursive: true });
        writeFileSync(join(work.path, directory, file), text);
      }
      const { databases } = await look(shell);
      expect(
        databases.map(({ dataDirectory, systemIdentifier, version, unit, clusters }) => [
          ...[dataDirectory, systemIdentifier, version, unit],
          clusters,
        ]),
      ).toEqual([
        [registered, '71', '17', 'postgresql@17-main', ['demo']],
        [drop, '72', '17', 'postgresql-17', []],
        [join(work.path, 'four'), '74', '17', 'postgresql-17-four', ['a b', 'c']],
      ]);
    });

    it('is not read from other files', async () => {
      writeFileSync(patroniFile(), renderTemplate('patroni/patroni.yml', PATRONI).replace('# Managed', '# managed'));
      expect(await look(shell)).toMatchObject({ patroniFile: undefined });
    });
  });

  const binaries = postgresBinaries();
  describe.skipIf(binaries === undefined)('with a server that runs', () => {
    const port = 20_000 + (process.pid % 20_000);
    let parent = '';
    const data = (): string => join(parent, '15 x', 'main');

    const control = (verb: string, ...more: string[]): void => {
      const { program, words } = asPostgres(join(binaries as string, 'pg_ctl'), '-w', '-D', data(), ...more, verb);
      execFileSync(program, words, { stdio: 'ignore', cwd: '/' });
    };

    beforeAll(() => {
      parent = mkdtempSync(join(tmpdir(), 'pgprov-running-'));
      chmodSync(parent, 0o755);
      mkdirSync(join(parent, '15 x'), { recursive: true });
      execFileSync('chown', ['-R', POSTGRES_USER, parent]);
      makeCluster(binaries as string, data());
      control('start', '-o', `-p ${port} -k ${parent} -h ''`, '-l', join(parent, 'log'));
    });
    afterAll(() => {
      control('stop', '-m', 'immediate');
      rmSync(parent, { recursive: true, force: true });
    });

    inEveryShell(HOST_SHELLS, (shell) => {
      it.each([
        ['the superuser', {}],
        ['a superuser that is not there', { superuser: 'admin' }],
      ])('is asked how it was made where it listens, while the inventory has another port and %s', async (_case, as) => {
        const server = { binDirectory: binaries as string, socketDirectory: parent, user: POSTGRES_USER, home: parent };
        const at = (wanted: number, dataDirectory = data()): Promise<RunningState> =>
          observe(
            shell,
            running({ patroniFile: '/nowhere', encoding: 'latin1', dataDirectory, server: { ...server, ...as, port: wanted } }),
          );
        const made = { encoding: 'UTF8', isWantedEncoding: false, locale: 'C.UTF-8' };
        expect((await at(port)).made).toEqual(made);
        expect((await at(port + 1)).made).toEqual(made);
        expect((await at(port + 1, parent)).made).toBeUndefined();
      });

      it('it is found by its process, with its port and its data', async () => {
        writeFileSync(
          patroniFile(),
          renderTemplate('patroni/patroni.yml', { ...PATRONI, postgresql: { ...PATRONI.postgresql, dataDirectory: data() } }),
        );
        const { postmasters, patroniData } = await look(shell);
        const ours = postmasters.filter(({ dataDirectory }) => dataDirectory === data());
        expect(ours).toMatchObject([{ port, ours: false, version: readFileSync(join(data(), 'PG_VERSION'), 'utf8').trim() }]);
        expect(ours[0]?.systemIdentifier).toMatch(/^\d{15,}$/u);
        expect(patroniData).toEqual({
          dataDirectory: data(),
          realDirectory: data(),
          version: ours[0]?.version,
          systemIdentifier: ours[0]?.systemIdentifier,
          ours: false,
          clusters: [],
        });
      });
    });
  });
});
