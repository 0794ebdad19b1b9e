import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { readMember } from '../../src/resources/patroni/member.js';
import { patroniSwitchover } from '../../src/resources/patroni/switchover.js';
import { NOTHING_DONE } from '../../src/resources/resource.js';
import { feed, HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { listen } from '../support/tls-servers.js';

describe.skipIf(!isThere('curl'))(isThere('curl') ? 'patroniSwitchover' : 'patroniSwitchover (skipped: no curl here)', () => {
  let says = { status: 200, body: '' };
  const server = createServer((_request, response) => response.writeHead(says.status).end(says.body));
  let url = '';
  beforeAll(async () => {
    url = `http://127.0.0.1:${await listen(server)}`;
  });
  afterAll(() => server.close());

  inEveryShell(HOST_SHELLS, (shell) => {
    const handOver = async (to = url): Promise<[number | null, string]> => {
      const login = { user: 'patroni', password: new Secret('secret') };
      const { apply } = patroniSwitchover({ url: to, leader: 'pg1', candidate: 'pg2', ...login });
      const { code, out } = await feed(shell, `set -eu\nnote() { :; }\njournalctl() { :; }\n${apply([], readMember('', to)).text}`);
      return [code, out.toString().trim()];
    };

    it.each([
      [412, 'leader name does not match', NOTHING_DONE],
      [503, 'Switchover failed', NOTHING_DONE],
      [503, 'failed to write failover key into DCS', 1],
    ])('tells whether anything was done: %i %s', async (status, body, code) => {
      says = { status, body };
      expect(await handOver()).toEqual([code, `Patroni did not hand the lead over: ${body} (HTTP ${status})`]);
    });

    it('counts as begun where there was no answer', async () => {
      const [code, said] = await handOver('http://127.0.0.1:1');
      expect([code, said]).toEqual([1, expect.stringContaining('(HTTP 000)')]);
    });
  });
});

describe.skipIf(!isThere('curl'))(isThere('curl') ? 'the lead' : 'the lead (skipped: no curl here)', () => {
  let answer = { status: 200, body: '' };
  /** Who leads, look by look; the last one stays. */
  let leads: string[] = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const end = (status: number, text: string): void => void response.writeHead(status, { connection: 'close' }).end(text);
      if (request.method === 'POST') return end(answer.status, answer.body);
      const now = leads.length > 1 ? leads.shift() : leads[0];
      const members = ['pg1', 'pg2', 'pg3'].map((name) => ({ name, role: name === now ? 'leader' : 'replica' }));
      return end(200, JSON.stringify({ members }, undefined, 1).replaceAll(/\n */gu, ' '));
    });
  });
  const access = { url: '', user: 'patroni', password: new Secret('s3cret') };
  beforeAll(async () => {
    access.url = `http://127.0.0.1:${await listen(server)}`;
  });
  beforeEach(() => {
    answer = { status: 200, body: 'Successfully switched over to "pg2"' };
    leads = ['pg2'];
  });
  afterAll(() => server.close());

  inEveryShell(HOST_SHELLS, (shell) => {
    const take = async (leader?: string): Promise<{ code: number | null; said: string }> => {
      const options = { ...access, candidate: 'pg2', ...(leader === undefined ? {} : { leader }) };
      const { text } = patroniSwitchover(options).apply([], { answers: false });
      const { code, out } = await feed(shell, `set -e\nnote() { :; }\n${text}`);
      return { code, said: out.toString() };
    };
    const other = 'somebody else, or Patroni, gave the lead to another member than pg2 at the same moment: ';

    it('is waited for until the cluster shows it', async () => {
      leads = ['pg1', '', 'pg2'];
      expect(await take('pg1')).toEqual({ code: 0, said: '' });
      leads = ['pg1', '', 'pg2'];
      expect(await take()).toEqual({ code: 0, said: '' });
    });

    it('is given up at once where another member got it', async () => {
      answer.body = 'Switched over to "pg3" instead of "pg2"';
      expect(await take('pg1')).toEqual({ code: 1, said: `${other}${answer.body}\n` });
      answer = { status: 503, body: 'Switchover status unknown' };
      leads = ['pg1', 'pg3'];
      expect(await take('pg1')).toEqual({ code: 1, said: `${other}pg3 leads\n` });
    });

    it('is refused in Patroni’s own words', async () => {
      answer = { status: 412, body: 'candidate does not exists' };
      expect((await take('pg1')).said).toContain('Patroni did not hand the lead over: candidate does not exists (HTTP 412)\n');
    });
  });
});
