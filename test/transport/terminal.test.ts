import { describe, expect, it } from 'vitest';

import { wantsTerminal } from '../../src/transport/terminal.js';

describe('wantsTerminal', () => {
  const refusal = 'sudo: sorry, you must have a tty to run sudo\n';

  it.each<[string, number | null, string, boolean]>([
    ['what sudo says', 1, refusal, true],
    ['beside the noise of a login shell', 1, `careful\n${refusal}bye\n`, true],
    ['with carriage returns', 1, refusal.replace('\n', '\r\n'), true],
    ['an exec that ended well', 0, refusal, false],
    ['a lost connection', null, refusal, false],
    ['another status than the one of sudo', 7, refusal, false],
    ['the words in the middle of a line', 1, `x ${refusal}`, false],
    ['another refusal', 1, 'sudo: a password is required\n', false],
  ])('%s', (_title, code, stderr, wants) => {
    expect(wantsTerminal({ code, stderr })).toBe(wants);
  });
});
