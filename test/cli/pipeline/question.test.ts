import { describe, expect, it } from 'vitest';
import { askFirst, Declined, type Asking, type Question } from '../../../src/cli/pipeline/question.js';

const QUESTION: Question = {
  text: () => 'what is done',
  ask: 'Do it?',
  holdsData: true,
  unconfirmed: { kind: 'test/unconfirmed', message: 'nobody can be asked', hint: 'say --yes' },
};

/** Puts a question; tells what was printed and asked, and gives what came of it. */
async function put(
  question: Partial<Question>,
  how: Partial<Asking> = {},
): Promise<{ told: string[]; answered: number | undefined | Error }> {
  const told: string[] = [];
  const asking: Asking = {
    out: { write: (text: string) => told.push(text) } as unknown as NodeJS.WriteStream,
    confirm: async (text) => told.push(text) > 0,
    yes: false,
    canAsk: true,
    signal: new AbortController().signal,
    clear: () => told.push('clear'),
    ...how,
  };
  const answered = await askFirst({ ...QUESTION, ...question }, asking).catch((error: unknown) => error as Error);
  return { told, answered };
}

describe('the question before a change', () => {
  it('appears below what is about to be done, once the terminal is clear', async () => {
    const { told, answered } = await put({});
    expect(told).toEqual(['clear', 'what is done\n\n', 'Do it?']);
    expect(answered).toEqual(expect.any(Number));
  });

  it.each<{ what: string; question?: Partial<Question>; how?: Partial<Asking>; told: string[] }>([
    { what: 'without data', question: { holdsData: false }, told: [] },
    { what: 'with --yes', how: { yes: true }, told: [] },
    { what: 'when it was agreed to before, also where nobody can be asked', question: { agreed: true }, how: { canAsk: false }, told: [] },
    {
      what: 'with --yes, which still shows what is done',
      question: { shows: true },
      how: { yes: true },
      told: ['clear', 'what is done\n\n'],
    },
  ])('is not asked: $what', async ({ question = {}, how = {}, told }) => {
    expect(await put(question, how)).toEqual({ told, answered: undefined });
  });

  it('ends the run where nobody can be asked', async () => {
    const { told, answered } = await put({}, { canAsk: false });
    expect([told, answered]).toEqual([[], expect.objectContaining({ kind: 'test/unconfirmed', exitCode: 2 })]);
  });

  it('counts as answered no, and shows nothing, when the run was interrupted before it', async () => {
    const { told, answered } = await put({}, { signal: AbortSignal.abort() });
    expect(told).toEqual([]);
    expect(answered).toBeInstanceOf(Declined);
  });

  it('ends the run with 130 when the answer is no', async () => {
    const { answered } = await put({}, { confirm: async () => false });
    expect(answered).toMatchObject({ kind: 'cli/declined', exitCode: 130 });
  });
});
