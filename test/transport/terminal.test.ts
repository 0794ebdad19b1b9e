import { describe, expect, it } from 'vitest';

import { wantsTerminal } from '../../src/transport/terminal.js';

describe('wantsTerminal', () => {
  const refusal = 'sudo: sorry, you must have a tty to run sudo\n';

  it.each<[string, number | null, string, boolean]>([
    ['sudo’s message', 1, refusal, true],
    ['sudo’s message next to the output of a login shell', 1, `careful\n${refusal}bye\n`, true],
    ['sudo’s message with carriage returns', 1, refusal.replace('\n', '\r\n'), true],
    ['a successful exec', 0, refusal, false],
    ['a lost connection', null, refusal, false],
    ['a status other than sudo’s', 7, refusal, false],
    ['the message in the middle of a line', 1, `x ${refusal}`, false],
    ['another refusal', 1, 'sudo: a password is required\n', false],
  ])('%s', (_title, code, stderr, wants) => {
    expect(wantsTerminal({ code, stderr })).toBe(wants);
  });
});
