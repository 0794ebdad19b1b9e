import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeVerifier, verifierMatches } from '../../src/lib/scram.js';
import { sharedDirectory } from '../support/directory.js';
import { asPostgres, makeCluster, postgresBinaries } from '../support/postgres.js';
import { patience } from '../support/patience.js';

/** From PostgreSQL 15's own pg_authid, for the password `pencil`. */
const RECORDED =
  'SCRAM-SHA-256$4096:b9zCZlb/Tqz8czG02UJ2mQ==$kidrAXQFYhcMlRbavZsEKy7tDtJ5E8oREqh917KdznM=:smxYj7VxC5SjaWozAs7H1GeMq+5i/nyHAqQDxl13kjU=';

describe('a verifier', () => {
  it.each(['pencil', 'with space', 'ü', '\u00bd', '密码', 'x'.repeat(200)])('matches the password %j and no other', (password) => {
    const verifier = makeVerifier(password);
    expect(verifier).toMatch(/^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/u);
    expect(verifierMatches(verifier, password)).toBe(true);
    expect(verifierMatches(verifier, `${password}x`)).toBe(false);
    expect(makeVerifier(password)).not.toBe(verifier);
  });

  it('is that of RFC 7677 for its example', () => {
    const verifier = makeVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
    expect(verifier).toMatchInlineSnapshot(
      `"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="`,
    );
  });

  it('uses the given iterations and salt', () => {
    const verifier = makeVerifier('p', Buffer.from('salt'), 10_000);
    expect(verifier).toMatch(/^SCRAM-SHA-256\$10000:c2FsdA==\$/u);
    expect(verifierMatches(verifier, 'p')).toBe(true);
  });

  it('matches when PostgreSQL made it', () => {
    expect(verifierMatches(RECORDED, 'pencil')).toBe(true);
    expect(verifierMatches(RECORDED, 'pencils')).toBe(false);
  });

  it.each(['', 'md5d41d8cd98f00b204e9800998ecf8427e', 'pencil', 'SCRAM-SHA-256$4096:x', 'SCRAM-SHA-1$4096:YQ==$YQ==:YQ=='])(
    'is never matched by %j',
    (verifier) => expect(verifierMatches(verifier, 'pencil')).toBe(false),
  );
});

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)(binaries === undefined ? 'PostgreSQL (skipped: not on this machine)' : 'PostgreSQL', () => {
  const directory = sharedDirectory();

  beforeAll(() => {
    chmodSync(directory.path, 0o777);
    makeCluster(binaries ?? '', directory.at('data'));
  }, patience(60_000));

  /** What the server stores for each password, from single-user mode, so that no server has to be up. */
  function stored(passwords: readonly string[]): { password: string; verifier: string }[] {
    const sql = passwords.flatMap((password, index) => [
      `DROP ROLE IF EXISTS r${index}`,
      `CREATE ROLE r${index} PASSWORD '${password.replaceAll("'", "''")}'`,
      `SELECT rolpassword FROM pg_authid WHERE rolname = 'r${index}'`,
    ]);
    const { program, words } = asPostgres(join(binaries ?? '', 'postgres'), '--single', '-D', directory.at('data'), 'postgres');
    const { stdout } = spawnSync(program, words, { input: `${sql.join('\n')}\n`, cwd: '/', encoding: 'utf8' });
    const verifiers = [...stdout.matchAll(/rolpassword = "([^"]*)"/gu)].map(([, verifier = '']) => verifier);
    expect(verifiers).toHaveLength(passwords.length);
    return passwords.map((password, index) => ({ password, verifier: verifiers[index] ?? '' }));
  }

  it('stores verifiers that match', () => {
    const passwords = ['pencil', "it's", 'with space', 'back\\slash', '!"#$%&()*+,-./:;<=>?@[]^_`{|}~', 'x'.repeat(120)];
    expect(stored(passwords).filter(({ verifier, password }) => !verifierMatches(verifier, password))).toEqual([]);
  });
});
