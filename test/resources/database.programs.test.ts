import { NOTHING_DONE } from '../../src/resources/resource.js';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeVerifier, verifierMatches } from '../../src/lib/scram.js';
import { Secret } from '../../src/lib/secret.js';
import { pendingRestart } from '../../src/resources/pending-restart.js';
import { pgRole, type PgRoleState } from '../../src/resources/pg-role.js';
import { psqlInput, sqlIdentifier, sqlLiteral, type LocalServer } from '../../src/resources/psql.js';
import type { Answer, Observation } from '../../src/resources/resource.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { replicationLogin } from '../../src/resources/replication-login.js';
import { CALLED_OFF } from '../../src/shell/call-off.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { moved, observe, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const server: LocalServer = {
  binDirectory: '/bin17',
  socketDirectory: '/run/pg',
  port: 5432,
  user: 'postgres',
  home: '/var/lib/postgresql',
};
const answer = (text: string, status = 0): Answer => ({ status, out: Buffer.from(text) });

describe('SQL', () => {
  it.each([
    { value: 'a', literal: "'a'", identifier: '"a"' },
    { value: "it's", literal: "'it''s'", identifier: '"it\'s"' },
    { value: 'a"b', literal: "'a\"b'", identifier: '"a""b"' },
    { value: 'back\\slash', literal: "E'back\\\\slash'", identifier: '"back\\slash"' },
    { value: "\\'; DROP", literal: "E'\\\\''; DROP'", identifier: '"\\\'; DROP"' },
  ])('writes $value so that it reads back', ({ value, literal, identifier }) => {
    expect(sqlLiteral(value)).toBe(literal);
    expect(sqlIdentifier(value)).toBe(identifier);
  });

  it('never ends a literal early', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("'", '\\', 'a', '"') }), (value) => {
        const literal = sqlLiteral(value);
        const inner = literal.replace(/^E?'|'$/gu, '');
        const back = literal.startsWith('E') ? inner.replaceAll("''", "'").replaceAll('\\\\', '\\') : inner.replaceAll("''", "'");
        expect(back).toBe(value);
        expect(inner.replaceAll("''", '')).not.toContain("'");
      }),
    );
  });

  it('reaches standard input unchanged', () => {
    expect(psqlInput(server, "SELECT 'x'").text).toBe(
      "printf '%s\\n' 'SELECT '\\''x'\\''' | runuser -u postgres -- env 'HOME=/var/lib/postgresql' /bin17/psql " +
        "-XAtqw -v 'ON_ERROR_STOP=1' -h /run/pg -p 5432 -d postgres -f -",
    );
  });
});

describe('pgRole', () => {
  const password = new Secret('open sesame');
  const make = (madeBy: 'patroni' | 'pgprov', name = 'replicator'): ReturnType<typeof pgRole> =>
    pgRole({ server, name, password, attributes: ['REPLICATION'], madeBy });
  const verifier = makeVerifier('open sesame');
  const primary = (rest: Partial<Extract<PgRoleState, { server: 'primary' }>> = {}): PgRoleState => ({
    server: 'primary',
    exists: true,
    verifier,
    attributes: ['LOGIN', 'REPLICATION'],
    ...rest,
  });

  /** The answer to both of these and another query. */
  const rows = (observation: Observation, text: string): Answer => {
    const [mark] = /@pgprov-[0-9a-f]+/u.exec(sharedSections([observation])[0]?.body.text ?? '') as [string];
    return answer(`@pgprov-other\nf|t|t|t|t|y\n${mark}\n${text}@pgprov-more\n1\n`);
  };

  it.each<{ text: string; state: PgRoleState }>([
    { text: 't|t|t|f|t|x\n', state: { server: 'standby', exists: true, verifier: 'x' } },
    { text: 'f|f||||\n', state: primary({ exists: false, verifier: '', attributes: [] }) },
    { text: `f|t|t|f|t|${verifier}\n`, state: primary() },
    { text: 'f|t|f|t|f|a|b\n', state: primary({ verifier: 'a|b', attributes: ['SUPERUSER'] }) },
    { text: '', state: { server: 'down' } },
  ])('reads $text', ({ text, state }) => expect(make('pgprov').parse(rows(make('pgprov'), text))).toEqual(state));

  it.each(['', 'psql: error\n'])('treats %j, which answers no query, as a server that is down', (text) =>
    expect(make('pgprov').parse(answer(text))).toEqual({ server: 'down' }),
  );

  it.each<{ title: string; state: PgRoleState; madeBy?: 'patroni' | 'pgprov'; changes: string[] }>([
    { title: 'as desired', state: primary(), changes: [] },
    { title: 'a standby', state: { server: 'standby', exists: true, verifier }, changes: [] },
    { title: 'a standby of a server without the role', state: { server: 'standby', exists: false, verifier: '' }, changes: [] },
    {
      title: 'a standby with another password',
      state: { server: 'standby', exists: true, verifier: makeVerifier('x') },
      changes: ['take over the new password of role replicator'],
    },
    { title: 'no server', state: { server: 'down' }, changes: ['create role replicator (LOGIN REPLICATION)'] },
    { title: 'no server yet, because Patroni will make it', madeBy: 'patroni', state: { server: 'down' }, changes: [] },
    { title: 'missing', state: primary({ exists: false }), changes: ['create role replicator (LOGIN REPLICATION)'] },
    {
      title: 'missing, though Patroni made the cluster',
      madeBy: 'patroni',
      state: primary({ exists: false }),
      changes: ['create role replicator (LOGIN REPLICATION)'],
    },
    { title: 'without an attribute', state: primary({ attributes: ['LOGIN'] }), changes: ['give role replicator REPLICATION'] },
    { title: 'with more attributes', state: primary({ attributes: ['LOGIN', 'REPLICATION', 'SUPERUSER'] }), changes: [] },
    {
      title: 'another password',
      state: primary({ verifier: makeVerifier('x') }),
      changes: ['set the password of role replicator (SCRAM-SHA-256)'],
    },
    { title: 'an md5 password', state: primary({ verifier: 'md5x' }), changes: ['set the password of role replicator (SCRAM-SHA-256)'] },
  ])('compares a role: $title', ({ state, madeBy, changes }) => {
    expect(
      make(madeBy ?? 'pgprov')
        .diff(state)
        .map(({ summary }) => summary),
    ).toEqual(changes);
  });
});

describe('the scripts for psql', () => {
  const work = freshDirectory();
  const local = (): LocalServer => ({ ...server, binDirectory: work.at('bin') });
  const role = (name: string): ReturnType<typeof pgRole> =>
    pgRole({ server: local(), name, password: new Secret('open sesame'), attributes: ['REPLICATION'], madeBy: 'pgprov' });
  const called = (): string =>
    `runuser -u postgres -- env HOME=/var/lib/postgresql ${work.at('bin')}/psql -XAtqw -v ON_ERROR_STOP=1 -h /run/pg -p 5432 -d postgres -f -`;
  const hostWith = (runuser: string, psql = ':', others: Record<string, string> = {}): MadeUpHost =>
    new MadeUpHost({ root: work.path, programs: { runuser, psql, ...others } });

  inEveryShell(HOST_SHELLS, (shell) => {
    /** What psql is told by a change, once nothing of it can come into the server's log. */
    async function told(state: PgRoleState, name: string): Promise<string> {
      const host = hostWith(`cat >'${work.at('sql')}'${state.server === 'standby' ? '; echo arrived' : ''}`);
      const { answers } = await runSections(shell, [{ id: 'do', mode: 'step', body: host.script(role(name).apply([], state)) }]);
      expect(answers.get('do')).toEqual({ status: 0, out: Buffer.of() });
      // A primary is asked before whether a commit would end.
      expect(host.calls()).toEqual(state.server === 'standby' ? [called()] : [called(), called()]);
      const [first, second, third, ...rest] = readFileSync(work.at('sql'), 'utf8').split('\n');
      expect([first, second, third]).toEqual([
        "SET log_statement = 'none';",
        'SET log_min_duration_statement = -1;',
        "SET log_min_error_statement = 'panic';",
      ]);
      expect(rest.join('\n')).not.toContain('open sesame');
      return rest.join('\n');
    }

    it('make a missing role, with a verifier instead of its password', async () => {
      const sql = await told({ server: 'primary', exists: false, verifier: '', attributes: [] }, "it's");
      expect(sql).toContain(`IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'it''s') THEN CREATE ROLE "it's"; END IF;`);
      const verifier = /^ALTER ROLE "it's" LOGIN REPLICATION PASSWORD '(.*)';$/mu.exec(sql)?.[1] ?? '';
      expect(verifierMatches(verifier, 'open sesame')).toBe(true);
    });

    it('change nothing where no commit would end, because it waits for standbys that are away', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { runuser: `cat >>'${work.at('asked')}'\necho '@waits ANY 1 (pg2)'` } });
      const state: PgRoleState = { server: 'primary', exists: false, verifier: '', attributes: [] };
      const { answers } = await runSections(shell, [{ id: 'do', mode: 'step', body: host.script(role('x').apply([], state)) }]);
      const { status, out } = answers.get('do') ?? answer('');
      expect([status, out.toString()]).toEqual([
        NOTHING_DONE,
        'no commit would end here: it waits for standbys, of which too few stream (synchronous_standby_names: ANY 1 (pg2)); bring them back first\n',
      ]);
      expect(readFileSync(work.at('asked'), 'utf8')).not.toContain('ALTER ROLE');
    });

    it('have a standby wait until its role has a new verifier', async () => {
      const sql = await told({ server: 'standby', exists: true, verifier: 'SCRAM-SHA-256$4096:salt$stored:server' }, "it's");
      expect(sql).toContain(
        `FROM pg_authid WHERE rolname = 'it''s') IS DISTINCT FROM 'SCRAM-SHA-256$4096:salt$stored:server' THEN RETURN;`,
      );
      expect(sql).toContain('SET statement_timeout = 0;');
      expect(sql).not.toContain('ALTER');
    });

    it.each([
      { title: 'until it comes', says: ['received up to 0/1, replayed up to 0/1', 'arrived'], status: 0, words: '', asked: 2 },
      {
        title: 'no longer than the leader needs',
        says: ['received up to 0/1, replayed up to 0/1'],
        status: 1,
        words: 'the new password did not arrive from the leader within 30 s; received up to 0/1, replayed up to 0/1\n',
        asked: 30,
      },
      {
        title: 'not while the standby cannot log in',
        says: ['silent', 'received up to 0/1, replayed up to 0/1', 'silent'],
        status: 0,
        words: '',
        asked: 7,
      },
      {
        title: 'not once the change is called off',
        says: ['silent', 'off'],
        off: true,
        status: 1,
        words: 'the new password is not waited for any longer: pg1 failed\n',
        asked: 2,
      },
    ])('wait for a password $title', async ({ says, status, words, asked, off = false }) => {
      const looks = says.map((said, index) => `${index === says.length - 1 ? '*' : String(index + 1)}) echo '${said}' ;;`).join('\n');
      const host = new MadeUpHost({
        root: work.path,
        programs: {
          runuser: `cat >/dev/null\ncase $call in\n${looks}\nesac${off ? `\n[ "$call" -lt 2 ] || echo 'pg1 failed' >'${work.at('called-off')}'` : ''}`,
        },
      });
      const body = moved(
        host.script(role('x').apply([], { server: 'standby', exists: true, verifier: '' })),
        CALLED_OFF,
        work.at('called-off'),
      );
      const { answers } = await runSections(shell, [{ id: 'do', mode: 'step', body }]);
      const { status: ended, out } = answers.get('do') ?? answer('');
      expect({ status: ended, words: out.toString(), asked: host.calls().length }).toEqual({ status, words, asked });
    });

    it('ask once for all, and give each its own answer', async () => {
      // Plays psql: says what it is to echo, and answers the queries of one of two roles.
      const host = hostWith(`while IFS= read -r line; do case "$line" in
'\\echo '*) echo "\${line#* }" ;;
*"rolname = 'replicator'"*) echo 'f|t|t|f|t|one' ;;
*"rolname = 'it''s'"*) echo 'f|t|f|f|t|two' ;;
'\\connect '*) printf %s "$line" >'${work.at('connect')}' ;;
IDENTIFY_SYSTEM*) echo '7412|1|0/3000060|' ;;
esac; done`);
      const login = replicationLogin({
        server: local(),
        role: "it's",
        passwordFile: '/p',
        members: [],
        next: { address: '10.0.0.2', port: 5433 },
      });
      const asked = [role('replicator'), login, role("it's")].map((each) => host.observation(each as Observation));
      const { answers } = await runSections(shell, [
        ...sharedSections(asked),
        ...asked.map(({ id, probe }) => ({ id, mode: 'probe' as const, body: probe() })),
      ]);
      expect(asked.map(({ id, parse }) => parse(answers.get(id) ?? answer('')))).toEqual([
        { server: 'primary', exists: true, verifier: 'one', attributes: ['LOGIN', 'REPLICATION'] },
        [{ address: '10.0.0.2', systemIdentifier: '7412', error: undefined }],
        { server: 'primary', exists: true, verifier: 'two', attributes: ['LOGIN'] },
      ]);
      expect(host.calls()).toEqual([called()]);
      const url = new URL(readFileSync(work.at('connect'), 'utf8').trim().split(' ').at(-1) ?? '');
      expect(Object.fromEntries(url.searchParams)).toEqual({
        host: '10.0.0.2',
        port: '5433',
        dbname: 'replication',
        replication: 'true',
        user: "it's",
        passfile: '/p',
        connect_timeout: '3',
      });
    });

    it('give up a server that takes connections and says nothing, and keep what the local one has answered', async () => {
      // Plays psql: it waits for ever once it connects elsewhere.
      const host = hostWith(`while IFS= read -r line; do case "$line" in
'\\echo '*) echo "\${line#* }" ;;
*"rolname = 'replicator'"*) echo 'f|t|t|f|t|one' ;;
'\\connect '*) exec sleep 1000 ;;
esac; done`);
      const next = { address: '10.0.0.2', port: 5433 };
      const login = replicationLogin({ server: local(), role: 'r', passwordFile: '/p', members: [], next });
      const asked = [role('replicator'), login].map((each) => host.observation(each as Observation));
      const sections = [...sharedSections(asked), ...asked.map(({ id, probe }) => ({ id, mode: 'probe' as const, body: probe() }))];
      const { answers } = await runSections(shell, sections, { edit: (text) => text.replace(/timeout -k 1 '?15'?/u, 'timeout -k 1 1') });
      expect(asked.map(({ id, parse }) => parse(answers.get(id) ?? answer('')))).toEqual([
        { server: 'primary', exists: true, verifier: 'one', attributes: ['LOGIN', 'REPLICATION'] },
        [],
      ]);
    });

    it('log in to every member, and report each outcome', async () => {
      const psql = `[ "$PGPASSFILE $PGCONNECT_TIMEOUT" = '/p 3' ] || exit 9
case "$*" in
*"host=10.0.0.1 port=5432 dbname=replication replication=true user='it\\'s' -c IDENTIFY_SYSTEM") echo '7412|1|0/3000060|' ;;
*) printf 'psql: error:\n\tno entry\n'; exit 2 ;;
esac`;
      const host = hostWith('shift 3; exec "$@"', psql);
      const members = [
        { address: '10.0.0.1', port: 5432 },
        { address: '10.0.0.2', port: 5433 },
      ];
      const login = replicationLogin({
        server: local(),
        role: "it's",
        passwordFile: '/p',
        members,
        next: { address: '10.0.0.2', port: 5433 },
      });
      const logins = await observe(shell, host.observation(login.thorough ?? login));
      expect(logins.sort((a, b) => a.address.localeCompare(b.address))).toEqual([
        { address: '10.0.0.1', systemIdentifier: '7412', error: undefined },
        { address: '10.0.0.2', systemIdentifier: undefined, error: 'psql: error:  no entry' },
      ]);
    });

    it('give a server that takes connections and is slow more time, and one that takes none no more', async () => {
      const psql = `case "$PGCONNECT_TIMEOUT $*" in
'5 '*"host=10.0.0.1 "*) echo '7412|1|0/3000060|' ;;
'3 '*) echo 'psql: error: timeout expired'; exit 2 ;;
*) echo 'psql: error: was asked again'; exit 2 ;;
esac`;
      const host = hostWith('shift 3; exec "$@"', psql, { bash: 'case " $* " in *" 10.0.0.1 "*) exit 0 ;; *) exit 1 ;; esac' });
      const members = ['10.0.0.1', '10.0.0.2'].map((address) => ({ address, port: 5432 }));
      const login = replicationLogin({
        server: local(),
        role: 'r',
        passwordFile: '/p',
        members,
        next: { address: '10.0.0.2', port: 5432 },
      });
      const logins = await observe(shell, host.observation(login.thorough ?? login));
      expect(logins.sort((a, b) => a.address.localeCompare(b.address))).toEqual([
        { address: '10.0.0.1', systemIdentifier: '7412', error: undefined },
        { address: '10.0.0.2', systemIdentifier: undefined, error: 'psql: error: timeout expired' },
      ]);
    });
  });
});

describe('pendingRestart', () => {
  const pending = pendingRestart(server);
  const [mark] = /@pgprov-[0-9a-f]+/u.exec(sharedSections([pending])[0]?.body.text ?? '') as [string];

  it.each([
    { text: '', names: [] },
    { text: `${mark}\n`, names: [] },
    { text: `${mark}\nmax_connections\nshared_buffers\n@pgprov-more\nx\n`, names: ['max_connections', 'shared_buffers'] },
  ])('reads $text', ({ text, names }) => expect(pending.parse(answer(text))).toEqual(names));
});

describe('replicationLogin', () => {
  const login = replicationLogin({
    server,
    role: "it's",
    passwordFile: '/p',
    members: [{ address: '10.0.0.1', port: 5432 }],
    next: { address: '10.0.0.2', port: 5433 },
  });
  const thorough = login.thorough ?? login;

  it.each([
    { text: '', logins: [] },
    { text: '10.0.0.1\t0\t7412|1|0/3000060|\n', logins: [{ address: '10.0.0.1', systemIdentifier: '7412', error: undefined }] },
    {
      text: '10.0.0.2\t2\tpsql: error: FATAL:  no pg_hba.conf entry \n',
      logins: [{ address: '10.0.0.2', systemIdentifier: undefined, error: 'psql: error: FATAL:  no pg_hba.conf entry' }],
    },
  ])('reads $text', ({ text, logins }) => {
    for (const each of [login, thorough]) expect(each.parse(answer(text))).toEqual(logins);
  });

  it('is a single observation, thorough or not', () => {
    expect([thorough.id, thorough.when]).toEqual([login.id, login.when]);
    const [toAll = ''] = thorough.sharedQuestions?.flatMap(({ subjects }) => subjects) ?? [];
    expect(login.probe().text.endsWith(`fi\n${toAll}`)).toBe(true);
    expect(sharedSections([thorough]).map(({ id }) => id)).toEqual(['pgprov_beside']);
  });
});
