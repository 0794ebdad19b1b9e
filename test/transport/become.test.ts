import { describe, expect, it } from 'vitest';

import { becomeRoot } from '../../src/transport/become.js';
import { explainBecomeFailure } from '../../src/transport/become-failure.js';
import { BecomeGate } from '../../src/transport/become-gate.js';
import { targetAt } from './sshd.js';

const password = { reveal: () => 'right pass' };

describe('becomeRoot', () => {
  it('needs nothing for root', () => {
    expect(becomeRoot({ method: 'none' }, 'n1')).toEqual({ command: 'sh' });
  });

  it('never prompts without a password', () => {
    expect(becomeRoot({ method: 'sudo' }, 'n1')).toEqual({ command: 'env LC_ALL=C sudo -n -H -- sh' });
  });

  it('sends the password on stdin alone', () => {
    const { command, dialogue } = becomeRoot({ method: 'sudo', password }, 'n1');
    expect(command).toBe(
      `env LC_ALL=C sudo -S -p pgprov-password-n1: -H -- sh -c 'echo pgprov-n1; while IFS= read -r l; do if [ "$l" = pgprov-n1 ]; then exec sh; fi; done; exit 1'`,
    );
    expect(dialogue).toMatchObject({ passwordLine: 'right pass\n', go: 'pgprov-n1\n' });
  });

  it('gives sudo a terminal, and the root shell none', () => {
    const under = (sudo: string, shell: string): string =>
      `env LC_ALL=C SHELL=/bin/sh PGPROV_ROOT='${shell}' sh -c 'exec script -qec "$1" /dev/null 3<&0 4>&1 5>&2 </dev/null >/dev/null' sh '${sudo} -- sh -c "$PGPROV_ROOT" <&3 >&4 2>&5; exit $?'`;
    expect(becomeRoot({ method: 'sudo' }, 'n1', true)).toEqual({ command: under('sudo -n -H', 'exec setsid -w sh') });
    const { command, dialogue } = becomeRoot({ method: 'sudo', password }, 'n1', true);
    expect(command).toBe(
      under(
        'sudo -S -p pgprov-password-n1: -H',
        'echo pgprov-n1; while IFS= read -r l; do if [ "$l" = pgprov-n1 ]; then exec setsid -w sh; fi; done; exit 1',
      ),
    );
    expect(dialogue).toEqual(becomeRoot({ method: 'sudo', password }, 'n1').dialogue);
    expect(becomeRoot({ method: 'none' }, 'n1', true)).toEqual({ command: 'sh' });
  });

  it.each([false, true])('uses nothing that csh or fish would read differently (terminal: %s)', (terminal) => {
    expect(becomeRoot({ method: 'sudo', password }, 'n1', terminal).command).not.toMatch(/[\n!\\]/u);
    expect(() => becomeRoot({ method: 'sudo', password }, `n'1`)).toThrow(RangeError);
  });
});

describe('BecomeGate', () => {
  const gate = (): BecomeGate => new BecomeGate(becomeRoot({ method: 'sudo', password }, 'n1').dialogue ?? expect.unreachable());

  it('finds the announcement across chunks and behind noise', () => {
    const opened = gate();
    expect(opened.stdout(Buffer.from(`Welcome\n${'x'.repeat(1000)}\npgpro`))).toBeUndefined();
    expect(opened.stdout(Buffer.from('v-n1'))).toBeUndefined();
    expect(opened.stdout(Buffer.from('\nrest'))?.toString()).toBe('rest');
    expect(opened.ready).toBe(true);
    expect(opened.stdout(Buffer.from('more'))?.toString()).toBe('more');
  });

  it('treats a second prompt as a wrong password', () => {
    const opened = gate();
    expect(opened.askedAgain(Buffer.from('pgprov-password-n1:'))).toBe(false);
    expect(opened.askedAgain(Buffer.from('Sorry, try again.\npgprov-pass'))).toBe(false);
    expect(opened.askedAgain(Buffer.from('word-n1:'))).toBe(true);
    expect(opened.clean('pgprov-password-n1:Sorry')).toBe('Sorry');
  });
});

describe('explainBecomeFailure', () => {
  const target = targetAt(22, { user: 'admin', become: { method: 'sudo' } });
  // What sudo 1.8 to 1.9, coreutils, busybox, bash and dash really print.
  const recorded: [string, number, string][] = [
    ['become/password-required', 1, 'sudo: a password is required\n'],
    ['become/password-required', 1, 'sudo: interactive authentication is required\n'],
    ['become/password-required', 1, '\nsudo: no password was provided\nsudo: a password is required\n'],
    ['become/wrong-password', 1, 'Sorry, try again.\n\nsudo: no password was provided\nsudo: 1 incorrect password attempt\n'],
    ['become/wrong-password', 1, 'Sorry, try again.\nSorry, try again.\nsudo: 3 incorrect password attempts\n'],
    ['become/not-allowed', 1, 'locked is not in the sudoers file.\n'],
    ['become/not-allowed', 1, 'locked is not in the sudoers file.  This incident will be reported.\n'],
    ['become/not-allowed', 1, "Sorry, user admin is not allowed to execute '/usr/bin/sh' as root on db1.\n"],
    ['become/not-allowed', 1, 'Sorry, user admin may not run sudo on db1.\n'],
    ['become/tty-required', 1, 'sudo: sorry, you must have a tty to run sudo\n'],
    ['become/tty-required', 127, 'sh: 1: exec: script: not found\n'],
    ['become/tty-required', 127, 'sh: line 1: exec: script: not found\n'],
    ['become/tty-required', 127, 'sh: 1: exec: setsid: not found\n'],
    ['become/tty-required', 1, 'script: failed to create pseudo-terminal: No such file or directory\n'],
    ['become/sudo-missing', 127, "/usr/bin/env: 'sudo': No such file or directory\n"],
    ['become/sudo-missing', 127, 'env: ‘sudo’: No such file or directory\n'],
    ['become/sudo-missing', 127, "env: can't execute 'sudo': No such file or directory\n"],
    ['become/sudo-missing', 127, 'sh: 1: sudo: not found\n'],
    ['become/failed', 1, 'sudo: account validation failure, is your account locked?\n'],
    ['become/failed', 1, 'sudo: ein Passwort ist notwendig\n'],
  ];

  it.each(recorded)('%s (%i): %j', (kind, code, stderr) => {
    const error = explainBecomeFailure({ code, stderr: `a lecture\n${stderr}` }, target);
    expect(error).toMatchObject({ kind, exitCode: 3, host: 'db1' });
    expect(error?.message).toContain('admin on db1');
  });

  // What OpenDoas 6.8 and the shells really print.
  it.each([
    ['become/password-required', 1, 'doas: Authentication required\n'],
    ['become/not-allowed', 1, 'doas: Operation not permitted\n'],
    ['become/failed', 1, 'doas: doas is not enabled, /etc/doas.conf: No such file or directory\n'],
    ['become/failed', 1, 'doas: /etc/doas.conf is writable by group or other\n'],
    ['become/failed', 1, 'doas: syntax error at line 1\n'],
    ['become/doas-missing', 127, 'env: ‘doas’: No such file or directory\n'],
    ['become/doas-missing', 127, 'sh: 1: doas: not found\n'],
  ])('doas: %s (%i): %j', (kind, code, stderr) => {
    const error = explainBecomeFailure({ code, stderr }, { ...target, become: { method: 'doas' } });
    expect(error).toMatchObject({ kind, exitCode: 3 });
    expect(error?.message).not.toContain('sudo');
  });

  it('quotes unknown output', () => {
    const error = explainBecomeFailure({ code: 1, stderr: 'sudo: account validation failure, is your account locked?\n' }, target);
    expect(error?.message).toContain('account validation failure');
  });

  it('leaves other failures alone', () => {
    expect(explainBecomeFailure({ code: 2, stderr: 'sh: 3: Syntax error\n' }, target)).toBeUndefined();
    expect(explainBecomeFailure({ code: null, stderr: '' }, target)).toBeUndefined();
    expect(explainBecomeFailure({ code: 1, stderr: 'sudo: x\n' }, { ...target, become: { method: 'none' } })).toBeUndefined();
  });
});
