import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/lib/package-root.js';
import { freshDirectory } from '../../support/directory.js';
import { patience } from '../../support/patience.js';

const work = freshDirectory();

/** Asks in a process of its own, whose input stays open; gives what it printed in the end. */
async function asked(
  answer: (input: NodeJS.WritableStream) => void,
  { abort = false, before = '', question = 'Do it?', columns = 80 } = {},
): Promise<string> {
  const script = work.at('ask.mts');
  writeFileSync(
    script,
    `
    const { confirm } = await import(${JSON.stringify(`${packageRoot()}/src/cli/pipeline/confirm.ts`)});
    const controller = new AbortController();
    process.stdout.columns = ${columns};
    const answered = confirm(${JSON.stringify(question)}, controller.signal);
    ${abort ? 'setTimeout(() => controller.abort(), 300);' : ''}
    process.stdout.write(' answered: ' + (await answered));
    process.exit(0);
  `,
  );
  const child = spawn(process.execPath, ['--import', 'tsx', script], { cwd: packageRoot(), stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write(before);
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const isFirst = printed === '';
    printed += chunk.toString('utf8');
    if (isFirst) answer(child.stdin);
  });
  await once(child, 'close');
  return printed;
}

/** Asks at a terminal, which is `script`, once it is told to go on; `answer` gives the exit code or the signal of the process that asked. */
function askAtTerminal(): { terminal: ChildProcess; printed(pattern: RegExp): Promise<void>; go(): void; answer(): Promise<string> } {
  const [script, goes, answered] = [work.at('terminal.mts'), work.at('go'), work.at('answered')];
  writeFileSync(
    script,
    `
    import { existsSync, writeFileSync } from 'node:fs';
    const { confirm } = await import(${JSON.stringify(`${packageRoot()}/src/cli/pipeline/confirm.ts`)});
    const { endWithTerminal } = await import(${JSON.stringify(`${packageRoot()}/src/cli/terminal-gone.ts`)});
    endWithTerminal();
    const { onInterrupt } = await import(${JSON.stringify(`${packageRoot()}/src/cli/pipeline/interrupt.ts`)});
    process.stdout.on('error', () => undefined);
    const controller = new AbortController();
    const stop = onInterrupt(controller, () => undefined);
    process.stdout.write('ready ');
    while (!existsSync(${JSON.stringify(goes)})) await new Promise((resolve) => setTimeout(resolve, 20));
    const yes = await confirm('Do it?', controller.signal);
    stop();
    process.exit(yes ? 0 : 130);
  `,
  );
  const watching = work.at('watching.mjs');
  writeFileSync(
    watching,
    `
    import { spawn } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    process.on('SIGHUP', () => undefined);
    const child = spawn(process.execPath, ['--import', 'tsx', ${JSON.stringify(script)}], { stdio: 'inherit' });
    child.on('exit', (code, signal) => writeFileSync(${JSON.stringify(answered)}, String(signal ?? code)));
  `,
  );
  const words = [process.execPath, watching].map((word) => `'${word}'`).join(' ');
  const terminal = spawn('script', ['-qec', words, '/dev/null'], { cwd: packageRoot(), stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  terminal.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return {
    terminal,
    printed: (pattern) => expect.poll(() => text, { timeout: patience(20_000), interval: 20 }).toMatch(pattern),
    go: () => writeFileSync(goes, ''),
    answer: async () => {
      await expect.poll(() => existsSync(answered) && readFileSync(answered, 'utf8'), { timeout: patience(20_000) }).toMatch(/^\w+$/u);
      return readFileSync(answered, 'utf8');
    },
  };
}

describe('confirm at a terminal', () => {
  it.each([
    { before: 'y\n', then: 'n\n', code: '130' },
    { before: 'y', then: '\n', code: '130' },
    { before: 'n\n', then: 'y\n', code: '0' },
  ])('ignores $before that was typed before the question', async ({ before, then, code }) => {
    const { terminal, printed, go, answer } = askAtTerminal();
    await printed(/ready/u);
    terminal.stdin?.write(before);
    await printed(/ready [yn]/u);
    go();
    await printed(/Do it\?/u);
    terminal.stdin?.write(then);
    expect(await answer()).toBe(code);
  });

  it('breaks a long question between its words', async () => {
    const question = 'What was committed since will be in the data that is put aside alone. Restore demo?';
    const printed = await asked((input) => input.write('y\n'), { question, columns: 40 });
    expect(printed).toBe('What was committed since will be in the\ndata that is put aside alone. Restore\ndemo? [y/N]  answered: true');
  });

  it('takes a closed terminal for a no, and ends', async () => {
    const { terminal, printed, go, answer } = askAtTerminal();
    go();
    await printed(/Do it\?/u);
    terminal.kill('SIGKILL');
    expect(await answer()).toBe('SIGHUP');
  });
});

describe('confirm', () => {
  it.each([
    { typed: 'y\n', answered: true },
    { typed: 'YES\n', answered: true },
    { typed: 'yup\n', answered: false },
    { typed: '\n', answered: false },
  ])('takes $typed for $answered', async ({ typed, answered }) => {
    expect(await asked((input) => input.write(typed))).toBe(`Do it? [y/N]  answered: ${answered}`);
  });

  it('takes the end of input for a no', async () => {
    expect(await asked((input) => input.end())).toBe('Do it? [y/N]  answered: false');
  });

  it('takes an abort for a no, even while nobody answers', async () => {
    expect(await asked(() => undefined, { abort: true })).toBe('Do it? [y/N]  answered: false');
  });

  it('ignores an answer that was typed before the question', async () => {
    expect(await asked((input) => input.write('n\n'), { before: 'y\n' })).toBe('Do it? [y/N]  answered: false');
  });
});
