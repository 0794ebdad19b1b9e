import { expect, it } from 'vitest';
import { printAnswer, sharedSections } from '../../src/resources/shared-question.js';
import { sideBySide } from '../../src/resources/side-by-side.js';
import { sh } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const directory = freshDirectory();

inEveryShell(HOST_SHELLS, (shell) => {
  const told = async (...scripts: readonly ReturnType<typeof sh>[]): Promise<string[]> => {
    const asking = scripts.map((script, index) => {
      const question = sideBySide(script);
      return { id: String(index), sharedQuestions: [question], probe: printAnswer(question) };
    });
    const { answers } = await runSections(shell, [
      ...sharedSections(asking),
      ...asking.map(({ id, probe }) => ({ id, mode: 'probe' as const, body: probe })),
    ]);
    return asking.map(({ id }) => answers.get(id)?.out.toString() ?? 'no answer');
  };

  it('asks all at once, each of them its own', async () => {
    const fifo = directory.at('fifo');
    // Either waits for the other: one after the other they would never end.
    const answers = await told(
      sh`mkfifo ${fifo} 2>/dev/null; read -r word <${fifo}; echo "read $word"`,
      sh`while [ ! -p ${fifo} ]; do sleep 0.05; done; echo word >${fifo}; printf 'a\\b\t*\n\nc  d\n'`,
    );
    expect(answers).toEqual(['read word\n', 'a\\b\t*\n\nc  d\n']);
  });

  it('is harmed by none that fails, says something on the side, or says nothing', async () => {
    expect(await told(sh`echo no >&2; exit 3`, sh`cat; exec echo yes`, sh`:`)).toEqual(['', 'yes\n', '']);
  });
});
