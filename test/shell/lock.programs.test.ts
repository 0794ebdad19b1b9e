import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { frameScript, FrameParser, type Answer } from '../../src/shell/frame.js';
import {
  HOLD_UNTIL_INPUT_CLOSES,
  holdUntilInputCloses,
  LOCK_REFUSED,
  RELEASE_STEP_LOCK,
  STEP_BUSY,
  takeRunLock,
  takeStepLock,
} from '../../src/shell/lock.js';
import { joinScripts, sh, type Script } from '../../src/shell/quote.js';
import { LocalTransport } from '../../src/transport/local.js';
import type { Exec } from '../../src/transport/transport.js';
import { workplaces } from '../support/directory.js';
import { isThere, inEveryShell, SHELLS, type Shell } from '../support/shells.js';
import { patience } from '../support/patience.js';

interface Running {
  exec: Exec;
  answers: Map<string, Answer>;
  notes: string[];
  /** Resolves with the end frame, or when the shell is gone. */
  answered: Promise<boolean>;
}

/** Starts a script that holds what it took until its input is closed. */
async function start(shell: Shell, before: Script, body: Script, hold = true): Promise<Running> {
  const { text, nonce } = frameScript([{ id: 'body', body, mode: 'step' }], {
    before,
    ...(hold ? { afterwards: HOLD_UNTIL_INPUT_CLOSES } : {}),
  });
  const answers = new Map<string, Answer>();
  const notes: string[] = [];
  const parser = new FrameParser(nonce, {
    done: (id, answer) => answers.set(id, answer),
    note: (note) => notes.push(note),
  });
  let settle: (complete: boolean) => void;
  const answered = new Promise<boolean>((resolve) => (settle = resolve));
  const connection = await new LocalTransport(shell).connect();
  const exec = await connection.exec({
    script: text,
    holdInput: hold,
    onStdout: (chunk) => {
      parser.push(chunk);
      if (parser.complete) settle(true);
    },
  });
  void exec.ended.then(() => settle(parser.complete));
  return { exec, answers, notes, answered };
}

const flock = isThere('flock');
const PATIENCE = { timeout: patience(10_000) };

describe.skipIf(!flock)(flock ? 'locks' : 'locks (skipped: no flock on this machine)', () => {
  /** Locks are waited for, so their tests run side by side. */
  const workplace = workplaces();
  const run = (shell: Shell, holder: string, directory: string): Promise<Running> =>
    start(shell, takeRunLock(holder, directory), sh`echo ran`);

  /** What a step does that goes on until it is told to end, and tells that it has begun; with its directory it ends as well. */
  const lasting = (directory: string): Script => sh`: >${join(directory, 'begun')}
while [ -e ${join(directory, 'begun')} ] && [ ! -e ${join(directory, 'enough')} ]; do sleep 0.1; done`;
  const begun = (directory: string): Promise<boolean> => vi.waitUntil(() => existsSync(join(directory, 'begun')), PATIENCE);
  const enough = (directory: string): void => writeFileSync(join(directory, 'enough'), '');

  inEveryShell(
    SHELLS,
    (shell) => {
      it('refuse a second run and name the first', async () => {
        const directory = workplace();
        const first = await run(shell, "ann's laptop (process 1)", directory);
        expect(await first.answered).toBe(true);
        expect(first.answers.get('body')?.out.toString()).toBe('ran\n');

        const second = await run(shell, 'bob', directory);
        expect(await second.answered).toBe(true);
        expect(second.answers.get('body')).toBeUndefined();
        expect(second.answers.get(LOCK_REFUSED)?.out.toString()).toBe("ann's laptop (process 1)");
        expect((await second.exec.ended).code).toBe(0);
        expect(readFileSync(join(directory, 'pgprov.lock'), 'utf8')).toBe("ann's laptop (process 1)");

        first.exec.closeInput();
        await first.exec.ended;
        const third = await run(shell, 'bob', directory);
        await third.answered;
        expect(third.answers.get('body')?.out.toString()).toBe('ran\n');
        expect(readFileSync(join(directory, 'pgprov.lock'), 'utf8')).toBe('bob');
        third.exec.closeInput();
        await third.exec.ended;
      });

      it('are released when the holder is killed', async () => {
        const directory = workplace();
        const first = await run(shell, 'ann', directory);
        await first.answered;
        first.exec.kill();
        await first.exec.ended;
        await vi.waitUntil(async () => {
          const next = await run(shell, 'bob', directory);
          await next.answered;
          next.exec.closeInput();
          await next.exec.ended;
          return next.answers.has('body');
        }, PATIENCE);
      });

      it.sequential('are held by a script that prints something now and then, and end as soon as its input does', async () => {
        const directory = workplace();
        const { text } = frameScript([], { before: takeRunLock('ann', directory), afterwards: holdUntilInputCloses(1) });
        let after = '';
        const connection = await new LocalTransport(shell).connect();
        const exec = await connection.exec({ script: text, holdInput: true, onStdout: (chunk) => (after += chunk.toString()) });
        await vi.waitUntil(() => /pgprov-[0-9a-f]+ end\n\n\n/u.test(after), PATIENCE);
        exec.closeInput();
        const began = Date.now();
        expect((await exec.ended).code).toBe(0);
        expect(Date.now() - began).toBeLessThan(patience(700));

        const lazy = await run(shell, 'ann', directory);
        await lazy.answered;
        lazy.exec.closeInput();
        const closed = Date.now();
        await lazy.exec.ended;
        expect(Date.now() - closed).toBeLessThan(patience(2000));
      });

      it('wait for a running step, and say so', async () => {
        const directory = workplace();
        const before = takeStepLock(10, directory);
        const first = await start(shell, before, lasting(directory), false);
        await begun(directory);
        const second = await start(shell, before, sh`echo ran`, false);
        await vi.waitUntil(() => second.notes.length > 0, PATIENCE);
        enough(directory);
        await Promise.all([first.answered, second.answered]);
        expect(second.notes).toEqual(['waiting for a step that an interrupted run left working here']);
        expect(second.answers.get('body')?.out.toString()).toBe('ran\n');
        expect(first.answers.get('body')?.status).toBe(0);
      });

      it('give up on a step that does not end', async () => {
        const directory = workplace();
        const first = await start(shell, takeStepLock(10, directory), lasting(directory), false);
        await begun(directory);
        const second = await start(shell, takeStepLock(1, directory), sh`echo ran`, false);
        expect(await second.answered).toBe(true);
        expect(second.answers.get(STEP_BUSY)?.status).toBe(1);
        expect(second.answers.has('body')).toBe(false);
        enough(directory);
        await first.exec.ended;
      });

      it('are held by what a killed script left running', async () => {
        const directory = workplace();
        const before = takeStepLock(5, directory);
        const { text } = frameScript(
          [
            {
              id: 'body',
              mode: 'step',
              body: sh`(
${lasting(directory)}
) >/dev/null 2>&1 &`,
            },
          ],
          { before },
        );
        const connection = await new LocalTransport(shell).connect();
        await connection.exec({ script: text, onStdout: () => undefined });
        await begun(directory);
        const second = await start(shell, before, sh`echo ran`, false);
        await vi.waitUntil(() => second.notes.length > 0, PATIENCE);
        enough(directory);
        await second.answered;
        expect(second.answers.get('body')?.out.toString()).toBe('ran\n');
      });

      it('end whenever the input does, also just before they are taken', async () => {
        const ends = Array.from({ length: 24 }, async (_, index) => {
          const { text } = frameScript([], { before: takeRunLock('ann', workplace()), afterwards: holdUntilInputCloses(1) });
          const connection = await new LocalTransport(shell).connect();
          let said = '';
          const exec = await connection.exec({ script: text, holdInput: true, onStdout: (chunk) => (said += chunk.toString()) });
          await vi.waitUntil(() => / end\n/u.test(said), { ...PATIENCE, interval: 1 });
          // Each at another moment of the few milliseconds in which it begins to hold.
          await new Promise((resolve) => setTimeout(resolve, index / 4));
          exec.closeInput();
          return (await exec.ended).code;
        });
        expect(new Set(await Promise.all(ends))).toEqual(new Set([0]));
      });

      // As when a connection is cut, and what was under way is killed, in the moment in which the script starts its sender of line feeds.
      it('keep no output open when only the script is killed', async () => {
        const { text } = frameScript([], { before: takeRunLock('ann', workplace()), afterwards: holdUntilInputCloses(1) });
        const [program = '', ...words] = shell.split(' ');
        const script = spawn(program, words, { stdio: ['pipe', 'pipe', 'ignore'] });
        const closed = once(script.stdout, 'close');
        let said = '';
        script.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
        script.stdin.write(text);
        await vi.waitUntil(() => / end\n\n/u.test(said), PATIENCE);
        script.kill('SIGKILL');
        await closed;
        expect(script.signalCode).toBe('SIGKILL');
        script.stdin.end();
      });

      it('are released by a read-only script', async () => {
        const directory = workplace();
        const look = await start(
          shell,
          joinScripts([takeRunLock('ann', directory), takeStepLock(5, directory), RELEASE_STEP_LOCK]),
          sh`echo looked`,
        );
        await look.answered;
        const second = await start(shell, takeStepLock(5, directory), sh`echo ran`, false);
        await second.answered;
        expect(second.notes).toEqual([]);
        look.exec.closeInput();
        await look.exec.ended;
      });

      it('are released by a run whose connection is lost while it waits for the step of another', async () => {
        const directory = workplace();
        const left = await start(shell, takeStepLock(10, directory), lasting(directory), false);
        await begun(directory);
        const waiting = await start(
          shell,
          joinScripts([takeRunLock('ann', directory), takeStepLock(60, directory), RELEASE_STEP_LOCK]),
          sh`echo ran`,
        );
        await vi.waitUntil(() => waiting.notes.length > 0, PATIENCE);
        waiting.exec.closeInput();
        await waiting.exec.ended;
        expect(waiting.answers.has('body')).toBe(false);
        const next = await run(shell, 'bob', directory);
        await next.answered;
        expect(next.answers.get(LOCK_REFUSED)?.out.toString()).toBeUndefined();
        expect(next.answers.get('body')?.out.toString()).toBe('ran\n');
        enough(directory);
        next.exec.closeInput();
        await Promise.all([next.exec.ended, left.exec.ended]);
      });

      it('are released by a run whose connection is lost while something that it asked does not answer', async () => {
        const directory = workplace();
        const asking = await start(shell, takeRunLock('ann', directory), lasting(directory));
        await begun(directory);
        asking.exec.closeInput();
        const next = await run(shell, 'bob', directory);
        await next.answered;
        expect(next.answers.get('body')?.out.toString()).toBe('ran\n');
        enough(directory);
        next.exec.closeInput();
        await Promise.all([next.exec.ended, asking.exec.ended]);
      });

      it('say so when the lock’s directory cannot be written', async () => {
        const directory = workplace();
        const refused = await start(shell, takeRunLock('ann', join(directory, 'missing')), sh`echo ran`, false);
        // dash and busybox end without an end frame (taken for a cut connection); bash takes it for a lock that nobody holds.
        expect(await refused.answered).toBe(true);
        expect(refused.answers.get(LOCK_REFUSED)?.out.toString()).not.toBe('');
      });
    },
    { sideBySide: true },
  );
});
