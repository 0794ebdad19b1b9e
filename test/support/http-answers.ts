import type { SharedQuestion } from '../../src/resources/shared-question.js';

/** What a host would print where these URLs answer so with status 200, or with the status given, to those that the questions ask. */
export function told(bodies: Readonly<Record<string, string | { status: number; body: string }>>, questions: readonly SharedQuestion[]): string {
  const asked = questions.flatMap((question) => [...(question.needs ?? []), question]).filter(({ variable }) => variable === 'pgprov_http');
  return asked.flatMap(({ subjects, tell }) => {
    const [, ...ids] = tell?.text.split(' ') ?? [];
    return subjects.map((subject, index) => {
      const url = /^url = "(?<url>.*)"$/u.exec((JSON.parse(subject) as string[]).at(-1) ?? '')?.groups?.['url'] ?? '';
      const answer = bodies[url];
      if (answer === undefined) return '';
      const { status, body } = typeof answer === 'string' ? { status: 200, body: answer } : answer;
      return `${body.split('\n').filter((line) => line !== '').map((line) => `|${line}\n`).join('')}@${ids[index]} ${status} 0.01\n`;
    });
  }).join('');
}
