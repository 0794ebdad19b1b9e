import { createServer, type Server } from 'node:http';
import type { SharedQuestion } from '../../src/resources/shared-question.js';

/** What a host would print where these URLs answer so with status 200, or with the status given, to those that the questions ask. */
export function told(
  bodies: Readonly<Record<string, string | { status: number; body: string }>>,
  questions: readonly SharedQuestion[],
): string {
  const asked = questions
    .flatMap((question) => [...(question.dependsOn ?? []), question])
    .filter(({ variable }) => variable === 'pgprov_http');
  return asked
    .flatMap(({ subjects, tell }) => {
      const [, ...ids] = tell?.text.split(' ') ?? [];
      return subjects.map((subject, index) => {
        const url = /^url = "(?<url>.*)"$/u.exec((JSON.parse(subject) as string[]).at(-1) ?? '')?.groups?.['url'] ?? '';
        const answer = bodies[url];
        if (answer === undefined) return '';
        const { status, body } = typeof answer === 'string' ? { status: 200, body: answer } : answer;
        return `${body
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => `|${line}\n`)
          .join('')}@${ids[index]} ${status} 0.01\n`;
      });
    })
    .join('');
}

/** A member's REST API, as far as gates ask for it. */
export class RestApi {
  /** Status of `/leader`; 0: it does not answer at all. */
  leader = 503;
  /** Who may change the configuration, `user:password`. */
  account = 'patroni:new';
  /** What came, e.g. `PATCH /config patroni:new {"a":1}`, without credentials where none were sent. */
  readonly asked: string[] = [];
  readonly server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      const as = Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString('utf8');
      this.asked.push([request.method, request.url, as, body].filter((word) => word !== '').join(' '));
      if (request.method === 'GET' && this.leader === 0) return void response.destroy();
      // Patroni keeps no connection.
      response
        .writeHead(request.method === 'GET' ? this.leader : as === this.account ? 200 : 401, { connection: 'close' })
        .end('{"state": "running"} 200');
    });
  });
}
