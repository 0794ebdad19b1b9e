import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { frameScript, FrameParser, type Answer } from '../../src/shell/frame.js';
import { HOLD_UNTIL_INPUT_CLOSES, holdUntilInputCloses, LOCK_REFUSED, RELEASE_STEP_LOCK, STEP_BUSY, takeRunLock, takeStepLock } from '../../src/shell/lock.js';
import { joinScripts, sh, type Script } from '../../src/shell/quote.js';
import { LocalTransport } from '../../src/transport/local.js';
import type { Exec } from '../../src/transport/transport.js';
import { freshDirectory } from '../support/directory.js';
import { isThere, inEveryShell, SHELLS, type Shell } from '../support/shells.js';

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

describe.skipIf(!flock)(flock ? 'locks' : 'locks (skipped: no flock on this machine)', () => {
  const directory = freshDirectory();
  const run = (shell: Shell, holder: string): Promise<Running> =>
    start(shell, takeRunLock(holder, directory.path), sh`echo ran`);

  inEveryShell(SHELLS, (shell) => {
    it('refuses a second run and names the first', async () => {
      const first = await run(shell, "ann's laptop (process 1)");
      expect(await first.answered).toBe(true);
      expect(first.answers.get('body')?.out.toString()).toBe('ran\n');

      const second = await run(shell, 'bob');
      expect(await second.answered).toBe(true);
      expect(second.answers.get('body')).toBeUndefined();
      expect(second.answers.get(LOCK_REFUSED)?.out.toString()).toBe("ann's laptop (process 1)");
      expect((await second.exec.ended).code).toBe(0);
      expect(readFileSync(directory.at('pgprov.lock'), 'utf8')).toBe("ann's laptop (process 1)");

      first.exec.closeInput();
      await first.exec.ended;
      const third = await run(shell, 'bob');
      await third.answered;
      expect(third.answers.get('body')?.out.toString()).toBe('ran\n');
      expect(readFileSync(directory.at('pgprov.lock'), 'utf8')).toBe('bob');
      third.exec.closeInput();
      await third.exec.ended;
    });

    it('is let go when the holder is killed', async () => {
      const first = await run(shell, 'ann');
      await first.answered;
      first.exec.kill();
      await first.exec.ended;
      await expect.poll(async () => {
        const next = await run(shell, 'bob');
        await next.answered;
        next.exec.closeInput();
        await next.exec.ended;
        return next.answers.has('body');
      }).toBe(true);
    });

    it('is held by a script that says something now and then, and ends as soon as its input does', async () => {
      const { text } = frameScript([], { before: takeRunLock('ann', directory.path), afterwards: holdUntilInputCloses(1) });
      let after = '';
      const connection = await new LocalTransport(shell).connect();
      const exec = await connection.exec({ script: text, holdInput: true, onStdout: (chunk) => (after += chunk.toString()) });
      await expect.poll(() => /pgprov-[0-9a-f]+ end\n\n\n$/u.test(after), { timeout: 5000 }).toBe(true);
      exec.closeInput();
      const began = Date.now();
      expect((await exec.ended).code).toBe(0);
      expect(Date.now() - began).toBeLessThan(700);

      const lazy = await start(shell, takeRunLock('ann', directory.path), sh`echo ran`);
      await lazy.answered;
      lazy.exec.closeInput();
      const closed = Date.now();
      await lazy.exec.ended;
      expect(Date.now() - closed).toBeLessThan(2000);
    });

    it('waits for a step that is under way, and says so', async () => {
      const before = takeStepLock(10, directory.path);
      const first = await start(shell, before, sh`sleep 0.6`, false);
      await sleep(200);
      const second = await start(shell, before, sh`echo ran`, false);
      await second.answered;
      expect(second.answers.get('body')?.out.toString()).toBe('ran\n');
      expect(second.notes).toEqual(['waiting for a step that an interrupted run left working here']);
      expect(first.answers.get('body')?.status).toBe(0);
    });

    it('gives up on a step that does not end', async () => {
      const first = await start(shell, takeStepLock(10, directory.path), sh`sleep 30`, false);
      await sleep(200);
      const second = await start(shell, takeStepLock(1, directory.path), sh`echo ran`, false);
      expect(await second.answered).toBe(true);
      expect(second.answers.get(STEP_BUSY)?.status).toBe(1);
      expect(second.answers.has('body')).toBe(false);
      first.exec.kill();
      await first.exec.ended;
    });

    it('is held by what a killed script left running', async () => {
      const before = takeStepLock(5, directory.path);
      const { text } = frameScript([{ id: 'body', mode: 'step', body: sh`sleep 1 >/dev/null 2>&1 &` }], { before });
      const connection = await new LocalTransport(shell).connect();
      const orphaning = await connection.exec({ script: text, onStdout: () => undefined });
      await Promise.race([orphaning.ended, sleep(300)]);
      const second = await start(shell, before, sh`echo ran`, false);
      await second.answered;
      expect(second.notes).toHaveLength(1);
      expect(second.answers.get('body')?.out.toString()).toBe('ran\n');
    });

    it('is let go by a script that only looked', async () => {
      const look = await start(shell, joinScripts([takeStepLock(5, directory.path), RELEASE_STEP_LOCK]), sh`echo looked`);
      await look.answered;
      const second = await start(shell, takeStepLock(5, directory.path), sh`echo ran`, false);
      await second.answered;
      expect(second.notes).toEqual([]);
      look.exec.closeInput();
      await look.exec.ended;
    });

    it('says so when the lock’s directory cannot be written', async () => {
      const refused = await start(shell, takeRunLock('ann', directory.at('missing')), sh`echo ran`, false);
      // dash and busybox end without an end frame (taken for a cut connection); bash takes it for a lock that nobody holds.
      expect(await refused.answered).toBe(true);
      expect(refused.answers.get(LOCK_REFUSED)?.out.toString()).not.toBe('');
    });
  });
});
