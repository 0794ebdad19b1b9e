import { expect, it } from 'vitest';
import { growingSeconds, seconds } from '../../src/shell/patience.js';
import { sh } from '../../src/shell/quote.js';
import { runSections } from '../support/sections.js';
import { inEveryShell, SHELLS } from '../support/shells.js';

inEveryShell(SHELLS, (shell) => {
  it.each([
    { patience: undefined, limits: '90 2 12 22' },
    { patience: 3, limits: '270 6 36 66' },
  ])('multiplies limits by a patience of $patience, and gives later tries more time, up to a bound', async ({ patience, limits }) => {
    const body = sh`begin=${growingSeconds(2)}
waited=50
later=${growingSeconds(2)}
waited=5000
echo ${seconds(90)} $begin $later ${growingSeconds(2)}`;
    const { answers } = await runSections(shell, [{ id: 'x', mode: 'step', body }], patience === undefined ? {} : { patience });
    expect(answers.get('x')?.out.toString()).toBe(`${limits}\n`);
  });
});
