import { describe, expect, it } from 'vitest';

import { RepeatedExec } from '../../src/transport/repeated-exec.js';
import type { Exec, ExecEnd } from '../../src/transport/transport.js';

/** An exec that notes what is asked of it and ends when told. */
class FakeExec implements Exec {
  readonly asked: string[] = [];
  finish: (end: ExecEnd) => void = () => {};
  readonly ended = new Promise<ExecEnd>((resolve) => (this.finish = resolve));

  closeInput(): void {
    this.asked.push('closeInput');
  }

  kill(): void {
    this.asked.push('kill');
    this.finish({ code: null, stderr: '' });
  }
}

const refused: ExecEnd = { code: 1, stderr: 'refused' };

/** An exec whose second attempt is given by hand. */
function repeated(): {
  exec: RepeatedExec;
  first: FakeExec;
  second: FakeExec;
  begin(): void;
  fail(error: Error): void;
  begun: Promise<void>;
} {
  const first = new FakeExec();
  const second = new FakeExec();
  let begin = (): void => {};
  let fail = (_error: Error): void => {};
  let reached = (): void => {};
  const begun = new Promise<void>((resolve) => (reached = resolve));
  const exec = new RepeatedExec(first, (end) => {
    if (end !== refused) return undefined;
    reached();
    return new Promise((resolve, reject) => {
      begin = () => resolve(second);
      fail = reject;
    });
  });
  return { exec, first, second, begin: () => begin(), fail: (error) => fail(error), begun };
}

describe('RepeatedExec', () => {
  it('ends as the first run when that one counts', async () => {
    const { exec, first, second } = repeated();
    exec.closeInput();
    first.finish({ code: 4, stderr: '' });
    expect(await exec.ended).toEqual({ code: 4, stderr: '' });
    expect(first.asked).toEqual(['closeInput']);
    expect(second.asked).toEqual([]);
  });

  it('ends as the second run otherwise, which gets the same request', async () => {
    const { exec, first, second, begin, begun } = repeated();
    first.finish(refused);
    await begun;
    exec.closeInput();
    begin();
    await expect.poll(() => second.asked).toEqual(['closeInput']);
    second.finish({ code: 0, stderr: 'fine' });
    expect(await exec.ended).toEqual({ code: 0, stderr: 'fine' });
  });

  it('kills the current run', async () => {
    const { exec, first, second, begin, begun } = repeated();
    first.finish(refused);
    await begun;
    exec.kill();
    begin();
    expect(await exec.ended).toEqual({ code: null, stderr: '' });
    expect(second.asked).toEqual(['kill']);
  });

  it('does not begin again after a kill', async () => {
    const { exec, first, second } = repeated();
    first.finish(refused);
    exec.kill();
    expect(await exec.ended).toEqual(refused);
    expect(second.asked).toEqual([]);
  });

  it('ends like a lost connection when no second run is possible', async () => {
    const { exec, first, fail, begun } = repeated();
    first.finish(refused);
    await begun;
    fail(new Error('no channel'));
    expect(await exec.ended).toEqual({ code: null, stderr: 'no channel' });
  });
});
