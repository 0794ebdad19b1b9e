import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { databaseLogins, restLogins, type PasswordLogin } from '../../src/resources/password-login.js';
import { goesBySettings } from '../../src/resources/patroni/settings.js';
import type { Answer } from '../../src/resources/resource.js';
import { freshDirectory } from '../support/directory.js';
import { RestApi } from '../support/http-answers.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { feed, HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { seconds } from '../../src/shell/patience.js';
import { listen } from '../support/tls-servers.js';

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
    {
      line: 'former\t10.0.0.1:5432\t2\ttimeout expired',
      login: { to: '10.0.0.1:5432', password: 'former', outcome: 'failed', words: 'timeout expired' },
    },
  ])('reads $line', ({ line, login }) => expect(logins.parse(answer(`${line}\n`))).toEqual([login]));

  it('gives psql the passwords in files, and nothing else of them', () => {
    const { text } = logins.probe();
    expect(text).toContain("printf '%s\\n' '*:*:*:*:ne\\:w' >\"$scratch/new\"");
    expect(text).toContain('trap \'rm -rf "$scratch"\' EXIT');
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
    expect(logins.parse(answer(`new\thttp://10.0.0.1:8008\t${code}\n`))).toMatchObject([
      { to: 'http://10.0.0.1:8008', password: 'new', outcome },
    ]);
  });

  it('gives curl the passwords on its input', () => {
    const { text } = logins.probe();
    expect(text).toContain(`printf '%s\\n' 'user = "patroni:ne:w"' | curl -s --connect-timeout 5 -m ${seconds(20).text} -K -`);
  });
});

describe('goesBySettings', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('gives curl and grep the passwords on their input', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { curl: `cat >>'${work.at('input')}'\nprintf '401 503'` } });
      const settings = {
        credentials: { user: 'patroni', password: tried.password },
        former: { user: 'patroni', password: tried.former },
        replicationPassword: new Secret('a:b'),
      };
      const check = host.script(goesBySettings({ ...settings, url: 'http://10.0.0.1:8008', passwordFile: '/p' })).text;
      await feed(shell, check);
      expect(readFileSync(work.at('input'), 'utf8')).toBe('user = "patroni:ne:w"\nuser = "patroni:old"\n');
      expect(host.calls().filter((line) => /ne:w|old/u.test(line))).toEqual([]);
      expect(check).toContain(' | grep -qF -f - /p');
    });
  });

  describe.skipIf(!isThere('curl'))(isThere('curl') ? 'of a member' : 'of a member (skipped: no curl here)', () => {
    let api: RestApi;
    let url: string;
    beforeEach(async () => {
      api = new RestApi();
      url = `http://127.0.0.1:${await listen(api.server)}`;
    });
    afterEach(() => api.server.close());

    const PATCHED = 'PATCH /config patroni:new {"woken_by_pgprov":null}';
    const WOKEN = 'PATCH /config patroni:old {"woken_by_pgprov":null}';

    inEveryShell(HOST_SHELLS, (shell) => {
      it.each<{
        title: string;
        leader: number;
        account?: string;
        file?: string;
        waited?: number;
        open: boolean;
        says: string;
        asked: string[];
      }>([
        { title: 'a leader', leader: 200, open: true, says: '', asked: [PATCHED, 'GET /leader'] },
        { title: 'a replica without a password file', leader: 503, open: true, says: '', asked: [PATCHED, 'GET /leader'] },
        {
          title: 'a replica with the password',
          leader: 503,
          file: '10.0.0.1:5432:*:replicator:a\\:b\n',
          open: true,
          says: '',
          asked: [PATCHED, 'GET /leader'],
        },
        {
          title: 'a replica with another password',
          leader: 503,
          file: 'x',
          open: false,
          says: 'is still to be changed',
          asked: [PATCHED, 'GET /leader'],
        },
        {
          title: 'a replica with another password, after a while',
          leader: 503,
          file: 'x',
          waited: 2,
          open: true,
          says: 'is still to be changed',
          asked: [PATCHED, 'GET /leader'],
        },
        {
          title: 'a member that does not say whether it leads',
          leader: 0,
          file: 'x',
          open: false,
          says: 'is still to be changed',
          asked: [PATCHED, 'GET /leader'],
        },
        {
          title: 'a leader with the former password',
          leader: 200,
          account: 'patroni:old',
          open: false,
          says: 'still takes the former password',
          asked: [PATCHED, 'GET /leader', WOKEN],
        },
      ])('$title: open is $open', async ({ leader, account = 'patroni:new', file, waited = 0, open, says, asked }) => {
        Object.assign(api, { leader, account });
        const passwordFile = work.at('pgpass');
        if (file !== undefined) writeFileSync(passwordFile, file);
        const check = goesBySettings({
          url,
          credentials: { user: 'patroni', password: new Secret('new') },
          former: { user: 'patroni', password: tried.former },
          passwordFile,
          replicationPassword: new Secret('a:b'),
        });
        const { code, out } = await feed(shell, `waited=${waited}\n${check.text}\n`);
        expect([code === 0, out.toString('utf8')]).toEqual([open, expect.stringContaining(says)]);
        expect(api.asked).toEqual(asked);
      });

      it('is closed while no server answers', async () => {
        const check = goesBySettings({
          url: 'http://127.0.0.1:1',
          credentials: { user: 'patroni', password: new Secret('new') },
          passwordFile: work.at('pgpass'),
          replicationPassword: new Secret('a:b'),
        });
        expect(await feed(shell, check.text)).toMatchObject({ code: 1, out: Buffer.from('the REST API answers 000\n') });
      });
    });
  });
});
