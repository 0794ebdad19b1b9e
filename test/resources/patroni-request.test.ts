import { createServer, type IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patroniRequest, type PatroniRequest } from '../../src/resources/patroni/request.js';
import { Secret } from '../../src/lib/secret.js';
import { Script } from '../../src/shell/quote.js';
import { feed, HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { listen } from '../support/tls-servers.js';

describe.skipIf(!isThere('curl'))(isThere('curl') ? 'patroniRequest' : 'patroniRequest (skipped: no curl here)', () => {
  const heard: { method?: string | undefined; path?: string | undefined; body: string; headers: IncomingHttpHeaders }[] = [];
  let says = { status: 200, body: '' };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      heard.push({ method: request.method, path: request.url, body, headers: request.headers });
      response.writeHead(says.status, { connection: 'close' }).end(says.body);
    });
  });
  let url = '';
  beforeAll(async () => {
    url = `http://127.0.0.1:${await listen(server)}`;
  });
  afterAll(() => server.close());

  inEveryShell(HOST_SHELLS, (shell) => {
    const send = async (request: Partial<PatroniRequest>): Promise<string> => {
      const credentials = { user: 'patroni', password: new Secret('a "b\\c') };
      const script = patroniRequest({ url, method: 'POST', path: '/restart', seconds: 5, ...credentials, ...request });
      expect(script.text).not.toMatch(/-u |--user/u);
      const { out } = await feed(shell, Script.build(`set -eu\n${script.text}\nprintf '%s|%s' "$code" "$said"`).text);
      return out.toString();
    };

    it('is sent as JSON with the credentials that allow changes', async () => {
      says = { status: 200, body: 'restarted successfully' };
      expect(await send({ body: { role: "it's" } })).toBe('200|restarted successfully');
      expect(heard.at(-1)).toMatchObject({
        method: 'POST',
        path: '/restart',
        body: '{"role":"it\'s"}',
        headers: {
          'content-type': 'application/json',
          authorization: `Basic ${Buffer.from('patroni:a "b\\c').toString('base64')}`,
        },
      });
    });

    it('may have no body', async () => {
      says = { status: 404, body: 'no switchover is scheduled' };
      expect(await send({ method: 'DELETE', path: '/switchover' })).toBe('404|no switchover is scheduled');
      expect(heard.at(-1)).toMatchObject({ method: 'DELETE', body: '' });
    });

    it.each([
      { title: 'a page', body: '<html>\n<body>\n<p>Message: Bad Request.</p>\n\n</body></html>\n', reads: 'Message: Bad Request.' },
      { title: 'nothing', body: '', reads: '' },
      { title: 'many lines', body: 'a\nb\nc\nd', reads: 'b\nc\nd' },
    ])('reads $title', async ({ body, reads }) => {
      says = { status: 400, body };
      expect(await send({ body: {} })).toBe(`400|${reads}`);
    });

    it('says why there is no answer', async () => {
      expect(await send({ url: 'http://127.0.0.1:1' })).toMatch(/^000\|curl: \(7\) .*127\.0\.0\.1/u);
    });
  });
});
