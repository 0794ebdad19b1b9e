import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeVerifier } from '../../src/lib/scram.js';
import { Secret } from '../../src/lib/secret.js';
import { pendingRestart } from '../../src/resources/pending-restart.js';
import { pgRole, type PgRoleState } from '../../src/resources/pg-role.js';
import { psqlInput, sqlIdentifier, sqlLiteral, type LocalServer } from '../../src/resources/psql.js';
import type { Answer, Observation } from '../../src/resources/resource.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { replicationLogin } from '../../src/resources/replication-login.js';

const server: LocalServer = { binDirectory: '/bin17', socketDirectory: '/run/pg', port: 5432, user: 'postgres', home: '/var/lib/postgresql' };
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

  it('travels on standard input exactly so', () => {
    expect(psqlInput(server, "SELECT 'x'").text).toBe(
      "printf '%s\\n' 'SELECT '\\''x'\\''' | runuser -u postgres -- env 'HOME=/var/lib/postgresql' /bin17/psql "
      + "-XAtqw -v 'ON_ERROR_STOP=1' -h /run/pg -p 5432 -d postgres -f -",
    );
  });
});

describe('pgRole', () => {
  const password = new Secret('open sesame');
  const make = (madeBy: 'patroni' | 'pgprov', name = 'replicator'): ReturnType<typeof pgRole> =>
    pgRole({ server, name, password, attributes: ['REPLICATION'], madeBy });
  const verifier = makeVerifier('open sesame');
  const primary = (rest: Partial<Extract<PgRoleState, { server: 'primary' }>> = {}): PgRoleState => ({
    server: 'primary', exists: true, verifier, attributes: ['LOGIN', 'REPLICATION'], ...rest,
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

  it.each(['', 'psql: error\n'])('reads %j, which answers no query, as a server that is down', (text) => expect(make('pgprov').parse(answer(text))).toEqual({ server: 'down' }));

  it('asks together with others exactly so', () => {
    const text = sharedSections([make('pgprov'), make('pgprov', "it's")])[0]?.body.text;
    expect(text).toMatchInlineSnapshot(`
      "pgprov_sql=$(
      [ ! -x /bin17/psql ] || printf '%s\\n' '\\set ON_ERROR_STOP 0
      \\echo @pgprov-da8c931525a085f4
      SELECT pg_is_in_recovery(), r.rolname IS NOT NULL, r.rolreplication, r.rolsuper, r.rolcanlogin, r.rolpassword
      FROM (SELECT 1) AS one LEFT JOIN pg_authid r ON r.rolname = '\\''replicator'\\'';
      \\echo @pgprov-d61c8b1f1d1de0a3
      SELECT pg_is_in_recovery(), r.rolname IS NOT NULL, r.rolreplication, r.rolsuper, r.rolcanlogin, r.rolpassword
      FROM (SELECT 1) AS one LEFT JOIN pg_authid r ON r.rolname = '\\''it'\\'''\\''s'\\'';' | runuser -u postgres -- env 'HOME=/var/lib/postgresql' /bin17/psql -XAtqw -v 'ON_ERROR_STOP=1' -h /run/pg -p 5432 -d postgres -f - 2>/dev/null || :
      )"
    `);
  });

  it.each<{ title: string; state: PgRoleState; madeBy?: 'patroni' | 'pgprov'; changes: string[] }>([
    { title: 'as desired', state: primary(), changes: [] },
    { title: 'a standby', state: { server: 'standby', exists: true, verifier }, changes: [] },
    { title: 'a standby of a server without the role', state: { server: 'standby', exists: false, verifier: '' }, changes: [] },
    { title: 'a standby with another password', state: { server: 'standby', exists: true, verifier: makeVerifier('x') }, changes: ['take over the new password of role replicator'] },
    { title: 'no server', state: { server: 'down' }, changes: ['create role replicator (LOGIN REPLICATION)'] },
    { title: 'no server yet, which Patroni will make', madeBy: 'patroni', state: { server: 'down' }, changes: [] },
    { title: 'missing', state: primary({ exists: false }), changes: ['create role replicator (LOGIN REPLICATION)'] },
    { title: 'missing, though Patroni made the cluster', madeBy: 'patroni', state: primary({ exists: false }), changes: ['create role replicator (LOGIN REPLICATION)'] },
    { title: 'without an attribute', state: primary({ attributes: ['LOGIN'] }), changes: ['give role replicator REPLICATION'] },
    { title: 'with more', state: primary({ attributes: ['LOGIN', 'REPLICATION', 'SUPERUSER'] }), changes: [] },
    { title: 'another password', state: primary({ verifier: makeVerifier('x') }), changes: ['set the password of role replicator (SCRAM-SHA-256)'] },
    { title: 'an md5 password', state: primary({ verifier: 'md5x' }), changes: ['set the password of role replicator (SCRAM-SHA-256)'] },
  ])('$title', ({ state, madeBy, changes }) => {
    expect(make(madeBy ?? 'pgprov').diff(state).map(({ summary }) => summary)).toEqual(changes);
  });

  it('is made exactly so, without its password', () => {
    const { text } = make('pgprov').apply([], primary());
    expect(text).not.toContain('open sesame');
    expect(text.replace(/SCRAM-SHA-256\$[^']*/u, 'VERIFIER')).toMatchInlineSnapshot(`
      "printf '%s\\n' 'SET log_statement = '\\''none'\\'';
      SET log_min_duration_statement = -1;
      SET log_min_error_statement = '\\''panic'\\'';
      DO $pgprov$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\\''replicator'\\'') THEN CREATE ROLE "replicator"; END IF;
      END $pgprov$;
      ALTER ROLE "replicator" LOGIN REPLICATION PASSWORD '\\''VERIFIER'\\'';' | runuser -u postgres -- env 'HOME=/var/lib/postgresql' /bin17/psql -XAtqw -v 'ON_ERROR_STOP=1' -h /run/pg -p 5432 -d postgres -f -"
    `);
    expect(make('pgprov').digest()).toBe(make('pgprov').digest());
  });
});

describe('a standby', () => {
  it('waits exactly so until a new password has reached it', () => {
    const role = pgRole({ server, name: "it's", password: new Secret('open sesame'), attributes: [], madeBy: 'patroni' });
    const { text } = role.apply([], { server: 'standby', exists: true, verifier: 'SCRAM-SHA-256$4096:salt$stored:server' });
    expect(text).not.toContain('open sesame');
    expect(text).toMatchInlineSnapshot(`
      "printf '%s\\n' 'SET log_statement = '\\''none'\\'';
      SET log_min_duration_statement = -1;
      SET log_min_error_statement = '\\''panic'\\'';
      SET statement_timeout = 0;
      DO $pgprov$ DECLARE silent int := 0;
      BEGIN
      FOR turn IN 1..300 LOOP
      IF (SELECT coalesce(rolpassword, '\\'''\\'') FROM pg_authid WHERE rolname = '\\''it'\\'''\\''s'\\'') IS DISTINCT FROM '\\''SCRAM-SHA-256$4096:salt$stored:server'\\'' THEN RETURN; END IF;
      silent := CASE WHEN EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = '\\''streaming'\\'') THEN 0 ELSE silent + 1 END;
      IF silent > 50 THEN RETURN; END IF;
      PERFORM pg_sleep(0.1);
      END LOOP;
      RAISE '\\''the new password did not arrive from the leader within 30 s; received up to %, replayed up to %'\\'',
      pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn();
      END $pgprov$;' | runuser -u postgres -- env 'HOME=/var/lib/postgresql' /bin17/psql -XAtqw -v 'ON_ERROR_STOP=1' -h /run/pg -p 5432 -d postgres -f -"
    `);
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
  const login = replicationLogin({ server, role: "it's", passwordFile: '/p', members: [{ address: '10.0.0.1', port: 5432 }], next: { address: '10.0.0.2', port: 5433 } });
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

  it('is one observation, thorough or not', () => {
    expect([thorough.id, thorough.asked]).toEqual([login.id, login.asked]);
    expect(login.probe().text.endsWith(`fi\n${thorough.probe().text}`)).toBe(true);
    expect(sharedSections([thorough])).toEqual([]);
  });

  it('asks the next one exactly so, after the queries to its own server', () => {
    const [question] = sharedSections([login, pendingRestart(server)]);
    expect(question?.body.text).toMatchInlineSnapshot(`
      "pgprov_sql=$(
      [ ! -x /bin17/psql ] || printf '%s\\n' '\\set ON_ERROR_STOP 0
      \\echo @pgprov-d69fcaf43e0f8602
      SELECT name FROM pg_settings WHERE pending_restart ORDER BY name;
      \\echo @pgprov-53cdc4beb9d88c11
      \\connect -reuse-previous=off postgresql:///?host=10.0.0.2&port=5433&dbname=replication&replication=true&user=it%27s&passfile=%2fp&connect_timeout=3
      IDENTIFY_SYSTEM;' | runuser -u postgres -- env 'HOME=/var/lib/postgresql' /bin17/psql -XAtqw -v 'ON_ERROR_STOP=1' -h /run/pg -p 5432 -d postgres -f - 2>/dev/null || :
      )"
    `);
  });

  it('asks all exactly so', () => expect(thorough.probe().text).toMatchInlineSnapshot(`
    "psql=/bin17/psql
    [ -x "$psql" ] || exit 0
    runuser -u postgres -- env 'HOME=/var/lib/postgresql' 'PGPASSFILE=/p' 'PGCONNECT_TIMEOUT=3' sh -c 'login() {
    answer=$("$0" -XAtw -d "host=$2 port=$3 dbname=replication replication=true user=$1" -c IDENTIFY_SYSTEM 2>&1)
    status=$?
    printf '\\''%s\\t%s\\t%s\\n'\\'' "$2" "$status" "$(printf %s "$answer" | tr '\\''\\n\\t'\\'' '\\''  '\\'')"
    }
    role=$1
    shift
    while [ "$#" -gt 1 ]; do
    login "$role" "$1" "$2" &
    shift 2
    done
    wait' "$psql" ''\\''it\\'\\''s'\\''' 10.0.0.1 5432"
  `));
});
