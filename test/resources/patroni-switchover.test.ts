import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { readMember } from '../../src/resources/patroni-member.js';
import { patroniSwitchover } from '../../src/resources/patroni-switchover.js';
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
