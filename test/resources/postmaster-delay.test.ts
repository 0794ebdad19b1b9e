import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isRecognized, postmasterDelay } from '../../src/resources/postmaster-delay.js';
import { freshDirectory } from '../support/directory.js';
import { observe } from '../support/sections.js';
import { inEveryShell, SHELLS } from '../support/shells.js';

const work = freshDirectory();
/** postmaster.pid of a server with this process id that began so many seconds after this process. */
const began = (pid: number, later: number): void => {
  const since = Math.round(Date.now() / 1000 - process.uptime()) + later;
  writeFileSync(work.at('postmaster.pid'), `${pid}\n${work.path}\n${since}\n5432\n/tmp\n`);
};

inEveryShell(SHELLS, (shell) => {
  it('the difference between the start times of the process and of its file is the delay', async () => {
    began(process.pid, 0);
    const none = (await observe(shell, postmasterDelay(work.path))) ?? Number.NaN;
    began(process.pid, 60);
    const minute = (await observe(shell, postmasterDelay(work.path))) ?? Number.NaN;
    expect(Math.round((minute - none) / 10)).toBe(6);
    // The time of the boot is known in whole seconds, and Node notes its own start a little later.
    expect(Math.abs(none)).toBeLessThan(30);
  });

  it('the delay is absent without a server', async () => {
    began(2 ** 22 + 1, 0);
    expect(await observe(shell, postmasterDelay(work.path))).toBe(undefined);
    writeFileSync(work.at('postmaster.pid'), '');
    expect(await observe(shell, postmasterDelay(work.path))).toBe(undefined);
    expect(await observe(shell, postmasterDelay(work.at('nothing here')))).toBe(undefined);
  });
});

it('a delay is accepted up to the three seconds that Patroni allows', () => {
  expect([undefined, 0, 3, -3, 3.01, -4].map(isRecognized)).toEqual([true, true, true, true, false, false]);
});
