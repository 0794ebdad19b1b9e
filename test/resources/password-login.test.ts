import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { databaseLogins, restLogins, type PasswordLogin } from '../../src/resources/password-login.js';
import { goesBySettings } from '../../src/resources/patroni-settings.js';
import type { Answer } from '../../src/resources/resource.js';

const server = { binDirectory: '/bin17', socketDirectory: '/run/pg', port: 5432, user: 'postgres', home: '/home/pg' };
const tried = { password: new Secret('ne:w'), former: new Secret('old') };
const answer = (text: string): Answer => ({ status: 0, out: Buffer.from(text) });

describe('databaseLogins', () => {
  const logins = databaseLogins({ ...tried, server, role: "it's", replication: false, members: [{ address: '10.0.0.1', port: 5432 }] });

  it.each<{ line: string; login: PasswordLogin }>([
    { line: 'new\t10.0.0.1:5432\t0\t1', login: { to: '10.0.0.1:5432', password: 'new', outcome: 'accepted', words: '' } },
    {
      line: 'former\t10.0.0.1:5432\t2\tFATAL:  password authentication failed for user "x" ',
      login: { to: '10.0.0.1:5432', password: 'former', outcome: 'refused', words: 'FATAL:  password authentication failed for user "x"' },
    },
    { line: 'former\t10.0.0.1:5432\t2\ttimeout expired', login: { to: '10.0.0.1:5432', password: 'former', outcome: 'failed', words: 'timeout expired' } },
  ])('reads $line', ({ line, login }) => expect(logins.parse(answer(`${line}\n`))).toEqual([login]));

  it('gives psql the passwords in files, and nothing else of them', () => {
    const { text } = logins.probe();
    expect(text).toContain("printf '%s\\n' '*:*:*:*:ne\\:w' >\"$work/new\"");
    expect(text).toContain("trap 'rm -rf \"$work\"' EXIT");
    expect(text.split('\n').filter((line) => line.includes('runuser') && /ne.?:w|old/u.test(line))).toEqual([]);
  });
});

describe('restLogins', () => {
  const logins = restLogins({ ...tried, user: 'patroni', urls: ['http://10.0.0.1:8008'] });

  it.each<{ code: string; outcome: PasswordLogin['outcome'] }>([
    { code: '200', outcome: 'accepted' },
    { code: '401', outcome: 'refused' },
    { code: '503', outcome: 'failed' },
    { code: '000', outcome: 'failed' },
  ])('reads $code as $outcome', ({ code, outcome }) => {
    expect(logins.parse(answer(`new\thttp://10.0.0.1:8008\t${code}\n`))).toMatchObject([{ to: 'http://10.0.0.1:8008', password: 'new', outcome }]);
  });

  it('gives curl the passwords on its input', () => {
    const { text } = logins.probe();
    expect(text).toContain(`printf '%s\\n' 'user = "patroni:ne:w"' | curl -s -m 5 -K -`);
  });
});

describe('goesBySettings', () => {
  it('asks exactly so', () => {
    const settings = { url: 'http://10.0.0.1:8008', credentials: { user: 'patroni', password: tried.password }, passwordFile: '/p', replicationPassword: new Secret('a:b') };
    expect(goesBySettings({ ...settings, former: { user: 'patroni', password: tried.former } }).text).toMatchInlineSnapshot(`
      "code=$(printf '%s\\n' 'user = "patroni:ne:w"' | curl -s -m 5 -K - -X PATCH -d '{"woken_by_pgprov":null}' -o /dev/null -w '%{http_code}' http://10.0.0.1:8008/config)
      if [ "$code" = 401 ]; then
      printf '%s\\n' 'user = "patroni:old"' | curl -s -m 5 -K - -X PATCH -d '{"woken_by_pgprov":null}' -o /dev/null -w '%{http_code}' http://10.0.0.1:8008/config >/dev/null
      echo 'the REST API still goes by the former password'
      exit 1
      fi
      [ "$code" = 200 ] || { echo "the REST API answers $code"; exit 1; }
      [ "$(curl -s -m 2 -o /dev/null -w '%{http_code}' http://10.0.0.1:8008/leader)" != 200 ] || exit 0
      [ -e /p ] || exit 0
      printf '%s\\n' 'a\\:b' | grep -qF -f - /p && exit 0
      echo '/p is still to be changed'
      [ "$waited" -ge 2 ]"
    `);
  });
});
