import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdtempSync, rmSync, writeFileSync, chownSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { renderTemplate } from '../../src/plan/template.js';
import { mergePgpass } from '../../src/resources/pgpass.js';
import { pgRole } from '../../src/resources/pg-role.js';
import { psqlInput, sqlLiteral, type LocalServer } from '../../src/resources/psql.js';
import { replicationLogin } from '../../src/resources/replication-login.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { choose, DEPTH, SEED } from '../support/depth.js';
import { asPostgres, makeCluster, postgresBinaries } from '../support/postgres.js';
import { observe, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, type Shell } from '../support/shells.js';
import { hostilePasswords, hostileValues, shareOf, shown } from './support/values.js';
import { patience } from '../support/patience.js';

const binaries = postgresBinaries();
const usable = binaries !== undefined && userInfo().uid === 0;
const why =
  binaries === undefined ? ' (skipped: no PostgreSQL here)' : userInfo().uid === 0 ? '' : ' (skipped: only root can run psql as postgres)';

/** Nothing else has this number on 127.0.0.1 in the tests of one machine. */
const PORT = 20_000 + (process.pid % 20_000);

/** What PostgreSQL can hold in a text, without what its files cannot: line ends and other control characters. */
const VALUES = hostileValues(60).filter((value) => !/[\u0000-\u001f\u007f\p{Surrogate}]/u.test(value));

/** Role names that are not cut off. */
const POSSIBLE = [...new Set(['$pgprov$', ...hostileValues(100, 7)])]
  .filter(
    (value) => !/[\u0000-\u001f\u007f\p{Surrogate}]/u.test(value) && value !== '' && !/^pg_/u.test(value) && Buffer.byteLength(value) <= 62,
  )
  .filter((name) => !['public', 'none', 'all', 'postgres'].includes(name));

/** Some of them, also in the matrix, for each makes a dozen connections. */
const NAMES = choose(POSSIBLE, shareOf(25), { matrix: false, seed: SEED, salt: 'roles', always: (name) => name === '$pgprov$' });

describe.skipIf(!usable)(`a real PostgreSQL (${DEPTH})${why}`, () => {
  const root = usable ? mkdtempSync(join(tmpdir(), 'pgprov-hostile-')) : '';
  const server: LocalServer = { binDirectory: binaries ?? '', socketDirectory: root, port: PORT, user: 'postgres', home: root };
  const passwords = hostilePasswords(25);
  const passwordOf = (index: number): string => passwords[(index * 7) % passwords.length] ?? '';
  const passwordFile = join(root, '.pgpass');

  /** What a query answers, in lines. */
  async function ask(shell: Shell, sql: string): Promise<string[]> {
    const { answers } = await runSections(shell, [{ id: 'ask', mode: 'step', body: psqlInput(server, sql) }]);
    return answers.get('ask')?.out.toString('utf8').split('\n') ?? [];
  }

  const control = (...words: string[]): void => {
    const { program, words: all } = asPostgres(
      join(binaries ?? '', 'pg_ctl'),
      '-D',
      join(root, 'data'),
      '-w',
      '-l',
      join(root, 'log'),
      ...words,
    );
    execFileSync(program, all, { stdio: 'ignore', cwd: '/' });
  };

  beforeAll(() => {
    chmodSync(root, 0o777);
    makeCluster(binaries ?? '', join(root, 'data'), '-U', 'postgres');
    const parameters = Object.fromEntries(VALUES.map((value, index) => [`hostile.v${index}`, value]));
    appendFileSync(
      join(root, 'data', 'postgresql.conf'),
      `${renderTemplate('postgresql/parameters.conf', { parameters })}unix_socket_directories = '${root}'\nlisten_addresses = '127.0.0.1'\nport = ${PORT}\nfsync = off\n`,
    );
    writeFileSync(
      join(root, 'data', 'pg_hba.conf'),
      'local all postgres trust\nlocal all all scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n',
    );
    control('start');
  }, patience(60_000));
  afterAll(() => {
    if (!usable) return;
    control('-m', 'immediate', 'stop');
    rmSync(root, { recursive: true, force: true });
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    it('reads settings from its file, byte for byte', async () => {
      const lines = await ask(
        shell,
        `SELECT encode(convert_to(current_setting('hostile.v' || n), 'UTF8'), 'hex') FROM generate_series(0, ${VALUES.length - 1}) AS n`,
      );
      VALUES.forEach((value, index) => expect(lines[index] === Buffer.from(value).toString('hex'), shown(value)).toBe(true));
    });

    it('takes texts in SQL, byte for byte, whatever standard_conforming_strings is', async () => {
      const texts = hostileValues(60, 3).filter((value) => !/[\u0000\p{Surrogate}]/u.test(value));
      for (const conforming of ['on', 'off']) {
        const literals = texts.map((value) => `SELECT encode(convert_to(${sqlLiteral(value)}, 'UTF8'), 'hex');`);
        const lines = await ask(
          shell,
          `SET standard_conforming_strings = ${conforming};\nSET escape_string_warning = off;\n${literals.join('\n')}`,
        );
        texts.forEach((value, index) => expect(lines[index] === Buffer.from(value).toString('hex'), shown(value)).toBe(true));
      }
    });

    it('has roles with hostile names and passwords, which log in through .pgpass', { timeout: patience(60_000) }, async () => {
      const roles = NAMES.map((name, index) =>
        pgRole({
          server,
          name: `${shell.charAt(0)}${name}`,
          password: new Secret(passwordOf(index)),
          attributes: ['REPLICATION'],
          madeBy: 'pgprov',
        }),
      );
      const applied = await runSections(shell, [
        ...roles.map((role, index) => ({
          id: `do:${index}`,
          mode: 'probe' as const,
          body: role.apply([], { server: 'primary', exists: false, verifier: '', attributes: [] }),
        })),
        ...sharedSections(roles),
        ...roles.map((role, index) => ({ id: `see:${index}`, mode: 'probe' as const, body: role.probe() })),
      ]);
      roles.forEach((role, index) => {
        const seen = role.parse(applied.answers.get(`see:${index}`) ?? { status: 1, out: Buffer.alloc(0) });
        expect(
          role.diff(seen),
          `${role.id}: ${applied.answers.get(`do:${index}`)?.out.toString() ?? ''}${applied.err.slice(0, 500)}`,
        ).toEqual([]);
      });

      const names = roles.map(({ id }) => id.slice('pg-role:'.length));
      const entry = (user: string, index: number): Parameters<typeof mergePgpass>[1][number] => ({
        host: '127.0.0.1',
        port: PORT,
        database: 'replication',
        user,
        password: new Secret(passwordOf(index)),
      });
      writeFileSync(passwordFile, mergePgpass('*:*:*:other:theirs\n', names.map(entry)), { mode: 0o600 });
      const [uid = 0, gid = 0] = ['-u', '-g'].map((option) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' })));
      chownSync(passwordFile, uid, gid);
      for (const role of names) {
        const here = { address: '127.0.0.1', port: PORT };
        const toNext = replicationLogin({ server, role, passwordFile, members: [], next: here });
        const toAll = replicationLogin({ server, role, passwordFile, members: [here], next: { ...here, port: 1 } });
        for (const login of [toNext, toAll, toAll.thorough ?? toAll]) {
          const [seen] = await observe(shell, login);
          expect(seen, shown(role)).toMatchObject({
            address: '127.0.0.1',
            systemIdentifier: expect.stringMatching(/^\d+$/u) as string,
            error: undefined,
          });
        }
      }
    });
  });
});
