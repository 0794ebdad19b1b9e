import { createServer as createHttpServer } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { curlString, findAnswer, httpQuestion, timedOut, type HttpAnswer, type HttpRequest } from '../../src/resources/http-question.js';
import { answerText, type Observation } from '../../src/resources/resource.js';
import { sharedSections, printAnswer } from '../../src/resources/shared-question.js';
import { joinScripts, sh } from '../../src/shell/quote.js';
import { sharedDirectory } from '../support/directory.js';
import { observe, runSections } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell, isThere, SHELLS } from '../support/shells.js';
import { listen, makeAuthority, silent, tlsServer, type Authority, type Heard } from '../support/tls-servers.js';
import { patience } from '../support/patience.js';

/** Somebody who wants to know what comes of these requests. */
function asker(...requests: HttpRequest[]): Observation<HttpAnswer[]> {
  const question = httpQuestion(...requests);
  return {
    id: 'asker',
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => requests.map((request) => findAnswer(answerText(answer), request)),
  };
}

const NO_ANSWER: HttpAnswer = { status: 0, body: '' };

describe('httpQuestion', () => {
  it.each([
    { title: 'a quote and a back-slash', value: 'a"b\\n', written: '"a\\"b\\\\n"' },
    { title: 'the end of a line', value: 'a\nurl = x\r', written: '"a\\nurl = x\\r"' },
  ])('writes $title for curl', ({ value, written }) => expect(curlString(value)).toBe(written));
});

describe('findAnswer', () => {
  const request = { url: 'http://10.0.0.1:8008/x', seconds: 3 };
  const id = /pgprov_tell_http (?<id>\w+)/u.exec(asker(request).probe().text)?.groups?.['id'] ?? '';

  it.each<{ title: string; text: string; answer: HttpAnswer }>([
    { title: 'nothing', text: '', answer: NO_ANSWER },
    { title: 'a body', text: `|{"a":1}\n@${id} 200 0.1\n`, answer: { status: 200, body: '{"a":1}' } },
    { title: 'no body', text: `@${id} 503 0.1\n`, answer: { status: 503, body: '' } },
    {
      title: 'the answer beside another',
      text: `|other\n@0123456789ab 200 0.1\n|one\n|two\n@${id} 404 0.1\n|third\n@123456789abc 200 0.1\n`,
      answer: { status: 404, body: 'one\ntwo' },
    },
    { title: 'output before it in the probe', text: `begun\n\n|one\n@${id} 200 0.1\n`, answer: { status: 200, body: 'one' } },
    {
      title: 'a body that looks like an answer',
      text: `|@${id} 200 0.1\n||\n@${id} 500 0.1\n`,
      answer: { status: 500, body: `@${id} 200 0.1\n|` },
    },
    { title: 'another asker’s answer', text: '|one\n@0123456789ab 200 0.1\n', answer: NO_ANSWER },
  ])('reads $title', ({ text, answer }) => expect(findAnswer(text, request)).toEqual(answer));
});

describe('timedOut', () => {
  const request = { url: 'http://10.0.0.1:8008/x', seconds: 3 };
  const id = /pgprov_tell_http (?<id>\w+)/u.exec(asker(request).probe().text)?.groups?.['id'] ?? '';

  it.each([
    { end: '000 3.001234', gaveUp: true },
    // On a busy machine curl comes late to see that its time is over.
    { end: '000 4.870000', gaveUp: true },
    { end: '000 12.500000', gaveUp: true },
    { end: '000 0.000345', gaveUp: false },
    { end: '000 2.999999', gaveUp: false },
    { end: '200 3.100000', gaveUp: false },
  ])('recognises in $end whether the request timed out: $gaveUp', async ({ end, gaveUp }) => {
    for (const shell of HOST_SHELLS) {
      const script = sh`pgprov_nonce=n
pgprov_http=${`@n ${id} ${end}`}
case "$pgprov_http" in ${timedOut(request)}) ;; *) exit 1 ;; esac`;
      expect((await feed(shell, script.text)).code === 0, shell).toBe(gaveUp);
    }
  });
});

describe.skipIf(!isThere('curl'))(isThere('curl') ? 'asked for real' : 'asked for real (skipped: no curl here)', () => {
  const work = sharedDirectory();
  const servers: { close(): unknown }[] = [];
  const sockets: Socket[] = [];
  let authority: Authority;
  let plain: string;
  let hanging: string;
  /** Words in the process list while a request was answered. */
  let shown: string[] = [];

  /** Words and environment of all processes that the tests may look into. */
  const processes = (): string[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/u.test(name))
      .flatMap((pid) =>
        ['cmdline', 'environ'].map((file) => {
          try {
            return readFileSync(join('/proc', pid, file), 'utf8');
          } catch {
            return '';
          }
        }),
      );

  const bodies: Readonly<Record<string, string>> = {
    '/patroni': '{"state": "running"}',
    '/lines': 'one\n\ntwo\n',
    '/forged':
      '|{"a":1}\n@pgprov-0123456789abcdef01234567 0123456789ab 200 0.1\n@0123456789ab 200 0.1\n\t%{http_code}\r\n* $pgprov_nonce `x` \\n',
    '/large': `{"a":"${'x'.repeat(200_000)}"}`,
    '/empty': '',
  };

  beforeAll(async () => {
    authority = await makeAuthority(work.path);
    const server = createHttpServer((request, response) => {
      if (request.url === '/watched') shown = processes();
      response.writeHead(request.url?.startsWith('/no') === true ? 503 : 200).end(bodies[request.url ?? ''] ?? request.url);
    });
    const mute: Server = createNetServer(silent(sockets));
    servers.push(server, mute);
    plain = `http://127.0.0.1:${await listen(server)}`;
    hanging = `127.0.0.1:${await listen(mute)}`;
  });

  afterAll(() => {
    sockets.forEach((socket) => socket.destroy());
    servers.forEach((server) => server.close());
  });

  const get = (path: string, seconds = 3): HttpRequest => ({ url: `${plain}${path}`, seconds });

  inEveryShell(SHELLS, (shell) => {
    it('gives each request its own answer', async () => {
      const requests = ['/patroni', '/no', '/lines', '/forged', '/empty', '/large'].map((path) => get(path));
      expect(await observe(shell, asker(...requests))).toEqual([
        { status: 200, body: '{"state": "running"}' },
        { status: 503, body: '/no' },
        { status: 200, body: 'one\ntwo' },
        { status: 200, body: bodies['/forged'] },
        { status: 200, body: '' },
        { status: 200, body: bodies['/large'] },
      ]);
    });

    it('gives each asker its own answers only', async () => {
      const [one, other] = [asker(get('/patroni'), get('/no')), asker(get('/lines'), get('/no'))];
      const { answers } = await runSections(shell, [
        ...sharedSections([one, other]),
        { id: 'both', mode: 'probe', body: joinScripts([other.probe(), one.probe()]) },
        { id: 'other', mode: 'probe', body: other.probe() },
      ]);
      expect(answerText(answers.get('other') ?? { status: 1, out: Buffer.alloc(0) }).replaceAll(/ [\d.]+$/gmu, '')).toMatch(
        /^\|\/no\n@\w+ 503\n\|one\n\|two\n@\w+ 200\n$|^\|one\n\|two\n@\w+ 200\n\|\/no\n@\w+ 503\n$/u,
      );
      expect(one.parse(answers.get('both') ?? { status: 1, out: Buffer.alloc(0) })).toEqual([
        { status: 200, body: '{"state": "running"}' },
        { status: 503, body: '/no' },
      ]);
    });

    it('is not disturbed by failing requests', async () => {
      const { files } = authority;
      const bad: HttpRequest[] = [
        { url: 'http://127.0.0.1:1/x', seconds: 1 },
        { url: 'http://a b:99999/[x', seconds: 1 },
        { url: 'http://no-such-host.invalid/x', seconds: 1 },
        { url: `http://${hanging}/x`, seconds: 1 },
        { url: `https://${hanging}/x`, seconds: 1, as: files },
        { url: 'https://127.0.0.1:1/x', seconds: 1, as: { ...files, certificate: '/nowhere/crt' } },
        { url: plain.replace('http:', 'https:'), seconds: 1, as: { ...files, ca: '/nowhere/ca' } },
        { url: plain.replace('http:', 'https:'), seconds: 1, as: { ...files, key: files.ca } },
        { url: plain.replace('http:', 'https:'), seconds: 1, as: { ca: '/nowhere/ca' } },
      ];
      const good = bad.map((_, index) => get(`/after-${index}`));
      const began = Date.now();
      const answers = await observe(shell, asker(...bad.flatMap((request, index) => [request, good[index] as HttpRequest])));
      expect(Date.now() - began).toBeLessThan(patience(bad.length * 1000));
      expect(answers).toEqual(good.flatMap((_, index) => [NO_ANSWER, { status: 200, body: `/after-${index}` }]));
    });

    it('asks several hosts at once, and those of one host in order', async () => {
      const asked: string[] = [];
      // Each of the two answers once the other was asked as well.
      let meet = (): void => undefined;
      const met = new Promise<void>((resolve) => (meet = resolve));
      const both = await Promise.all(
        ['127.0.0.1', '127.0.0.2'].map(async (address) => {
          const server = createHttpServer((request, response) => {
            asked.push(`${address}${request.url}`);
            if (asked.length > 1) meet();
            void met.then(() => response.end(`${address}${request.url}${'x'.repeat(100_000)}`));
          });
          servers.push(server);
          await new Promise<void>((resolve) => server.listen(0, address, resolve));
          return `http://${address}:${(server.address() as AddressInfo).port}`;
        }),
      );
      const requests = both.flatMap((url) => ['/one', '/two'].map((path) => ({ url: `${url}${path}`, seconds: 9 })));
      const answers = await observe(shell, asker(...requests));
      expect(answers.map(({ status, body }) => [status, body.length, body.slice(0, 13)])).toEqual([
        [200, 100_013, '127.0.0.1/one'],
        [200, 100_013, '127.0.0.1/two'],
        [200, 100_013, '127.0.0.2/one'],
        [200, 100_013, '127.0.0.2/two'],
      ]);
      expect(asked.filter((path) => path.startsWith('127.0.0.1'))).toEqual(['127.0.0.1/one', '127.0.0.1/two']);
    });

    it('does not reveal to other users on the host what ends an answer', async () => {
      let nonce = '';
      const { answers } = await runSections(
        shell,
        [...sharedSections([asker(get('/watched'))]), { id: 'see', mode: 'probe', body: asker(get('/watched')).probe() }],
        {
          edit: (text) => ((nonce = /pgprov-[0-9a-f]{24}/u.exec(text)?.[0] ?? ''), text),
        },
      );
      expect(asker(get('/watched')).parse(answers.get('see') ?? { status: 1, out: Buffer.alloc(0) })).toEqual([
        { status: 200, body: '/watched' },
      ]);
      expect(nonce).not.toBe('');
      expect(shown).toContain('curl\0-q\0-K\0-\0');
      expect(shown.filter((words) => words.includes(nonce))).toEqual([]);
    });

    it('has no answer when there is no curl', async () => {
      const { answers } = await runSections(
        shell,
        [...sharedSections([asker(get('/x'))]), { id: 'see', mode: 'probe', body: asker(get('/x')).probe() }],
        {
          edit: (text) => text.replace(/^PATH=.*$/mu, 'PATH=/nowhere'),
        },
      );
      expect(answers.get('see')?.out.toString('utf8')).toBe('');
    });

    describe.each([{ version: 'TLSv1.2' }, { version: 'TLSv1.3' }] as const)('with $version', ({ version }) => {
      const urls = { strict: '', lax: '' };
      const heard: Record<'strict' | 'lax', Heard[]> = { strict: [], lax: [] };

      beforeAll(async () => {
        for (const name of ['strict', 'lax'] as const) {
          const made = await tlsServer(
            { ...authority.server, rejectUnauthorized: name === 'strict', minVersion: version, maxVersion: version },
            (one, response) => response.end(`${one.url} ${one.body}`),
          );
          servers.push(made.server);
          urls[name] = made.url;
          heard[name] = made.heard;
        }
      });
      beforeEach(() => Object.values(heard).forEach((list) => list.splice(0)));

      /** Somebody, a stranger, somebody again, to the same server. */
      const asks = (url: string): HttpRequest[] => [
        { url: `${url}/one`, seconds: 2, as: authority.files },
        { url: `${url}/stranger`, seconds: 2, as: { ca: authority.files.ca } },
        { url: `${url}/two`, seconds: 2, body: '{"a":1}', as: authority.files },
      ];

      it.each([
        { first: 'a client with a certificate', reverse: false },
        { first: 'a client without a certificate', reverse: true },
      ])('is refused without a certificate and accepted with one, $first first', async ({ reverse }) => {
        const requests = reverse ? asks(urls.strict).slice(1) : asks(urls.strict);
        expect(await observe(shell, asker(...requests))).toEqual([
          ...(reverse ? [] : [{ status: 200, body: '/one ' }]),
          NO_ANSWER,
          { status: 200, body: '/two {"a":1}' },
        ]);
        expect(heard.strict.map(({ url, client }) => [url, client])).toEqual([...(reverse ? [] : [['/one', 'pg2']]), ['/two', 'pg2']]);
      });

      it('has no client name on a server that accepts clients without a certificate', async () => {
        expect(await observe(shell, asker(...asks(urls.lax)))).toEqual([
          { status: 200, body: '/one ' },
          { status: 200, body: '/stranger ' },
          { status: 200, body: '/two {"a":1}' },
        ]);
        expect(heard.lax.map(({ url, client }) => [url, client])).toEqual([
          ['/one', 'pg2'],
          ['/stranger', undefined],
          ['/two', 'pg2'],
        ]);
        expect(heard.lax[1]?.resumed).toBe(false);
      });
    });
  });
});
