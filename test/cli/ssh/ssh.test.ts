import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { splitAtDashes } from '../../../src/cli/after-dashes.js';
import { runProgram } from '../../../src/cli/run-program.js';
import { answerQuestions, knowsPasswords, passwordFor } from '../../../src/cli/ssh/askpass.js';
import { commandLine, namesOnLine } from '../../../src/cli/ssh/ssh.js';
import { asPgprovError } from '../../../src/lib/errors.js';
import type { Target } from '../../../src/transport/transport.js';
import { freshDirectory } from '../../support/directory.js';

const work = freshDirectory();
const secret = (value: string): { reveal(): string } => ({ reveal: () => value });

const TARGET: Target = {
  name: 'pg1',
  address: '10.0.0.11',
  port: 22,
  user: 'admin',
  password: secret('of pg1'),
  jump: [
    {
      address: 'Bastion',
      port: 22,
      user: 'gate',
      password: secret('of the gate'),
      identityFile: '/keys/gate',
      keyPassphrase: secret('of the key'),
    },
  ],
  become: { method: 'sudo' },
  hostKeys: { policy: 'strict', files: [] },
  connectTimeout: 15,
};

describe('the password prompt of ssh', () => {
  it.each([
    ["admin@10.0.0.11's password: ", 'of pg1'],
    ['(admin@10.0.0.11) Password: ', 'of pg1'],
    ["gate@bastion's password: ", 'of the gate'],
    ["Enter passphrase for key '/keys/gate': ", 'of the key'],
    ["other@10.0.0.99's password: ", undefined],
    ['Verification code: ', undefined],
  ])('%s', (question, answer) => expect(passwordFor(question, TARGET)).toBe(answer));

  it('is answered over a socket, so that no argument, file or variable contains the password', async () => {
    mkdirSync(work.at('private'), { recursive: true });
    const askpass = await answerQuestions(TARGET, work.at('private'));
    try {
      const { stdout } = await promisify(execFile)(askpass.env['SSH_ASKPASS'] ?? '', ["admin@10.0.0.11's password: "]);
      expect(stdout).toBe('of pg1\n');
      await expect(promisify(execFile)(askpass.env['SSH_ASKPASS'] ?? '', ['Verification code: '])).rejects.toMatchObject({ code: 1 });
      const files = readdirSync(work.at('private')).filter((name) => name !== 'answers');
      expect(files).toEqual(['askpass']);
      for (const text of [readFileSync(work.at('private', 'askpass'), 'utf8'), JSON.stringify(askpass.env)])
        expect(text).not.toContain('of pg1');
    } finally {
      askpass.close();
    }
  });

  it('is left to the terminal where the inventory has no password', () => {
    const { password: _, ...without } = TARGET;
    expect([knowsPasswords(TARGET), knowsPasswords({ ...without, jump: [] })]).toEqual([true, false]);
  });
});

describe('the line given to the login shell', () => {
  const host = (method: 'sudo' | 'doas' | 'none') => ({ ssh: { become: { method } } }) as Parameters<typeof commandLine>[0];

  it.each([
    [[], false, 'sudo', undefined],
    [['ls /tmp | wc -l'], false, 'sudo', 'ls /tmp | wc -l'],
    [['ls', "it's here"], false, 'sudo', "ls 'it'\\''s here'"],
    [[], true, 'sudo', 'sudo -i'],
    [['id -u; pwd'], true, 'sudo', "sudo -H -- sh -c 'id -u; pwd'"],
    [['id', '-u'], true, 'doas', "doas sh -c 'id -u'"],
    [['id -u'], true, 'none', 'id -u'],
  ] as const)('%j, as root: %s, by %s', (words, asRoot, method, line) => expect(commandLine(host(method), words, asRoot)).toBe(line));

  it('arrives as it was written', () => {
    const words = ['printf', '%s\n', "it's", '$HOME', 'a\nb', '--'];
    const line = commandLine(host('none'), words, true) ?? '';
    expect(execFileSync('sh', ['-c', line], { encoding: 'utf8' })).toBe("it's\n$HOME\na\nb\n--\n");
  });
});

describe('the arguments of a command line with --', () => {
  it.each([
    [
      ['ssh', 'i.yml', 'pg1', '--', 'ls', '--', '-l'],
      ['i.yml', 'pg1', 'ls', '--', '-l'],
      ['i.yml', 'pg1'],
      ['ls', '--', '-l'],
    ],
    [['psql', '--vagrant', '--', '-c', 'select 1'], ['-c', 'select 1'], [], ['-c', 'select 1']],
    [['ssh', 'i.yml', 'pg1'], ['i.yml', 'pg1'], ['i.yml', 'pg1'], []],
  ])('%j', (line, given, before, after) => expect(splitAtDashes(line, given)).toEqual({ before, after }));

  it('name an inventory and a host, or the host alone', () => {
    expect(namesOnLine(['i.yml', 'pg1', 'ls'], {})).toEqual({ file: 'i.yml', name: 'pg1', rest: ['ls'] });
    expect(namesOnLine(['pg1'], {})).toEqual({ file: undefined, name: 'pg1', rest: [] });
    expect(namesOnLine(['pg1'], { vagrant: true })).toEqual({ file: undefined, name: 'pg1', rest: [] });
    expect(namesOnLine(['i.yml', 'pg1'], { vagrant: true })).toEqual({ file: 'i.yml', name: 'pg1', rest: [] });
    expect(() => namesOnLine(['i.yml'], {})).toThrow('no host given');
  });
});

describe('a program that takes over the terminal', () => {
  const signal = new AbortController().signal;

  it.each([
    ['exit 7', 7],
    ['kill -TERM $$', 143],
  ])('exits with the code that a shell would give: %s', async (line, code) => {
    expect(await runProgram({ program: 'sh', args: ['-c', line], signal, hint: '' })).toBe(code);
  });

  it('is reported missing with what to install', async () => {
    const error = await runProgram({ program: work.at('no-such-program'), args: [], signal, hint: 'install it' }).catch(asPgprovError);
    expect(error).toMatchObject({ kind: 'cli/no-program', hint: 'install it', exitCode: 2 });
  });

  it('is ended together with pgprov', async () => {
    const end = new AbortController();
    writeFileSync(work.at('begun.sh'), `: >${work.at('begun')}\nexec sleep 600\n`);
    const running = runProgram({ program: 'sh', args: [work.at('begun.sh')], signal: end.signal, hint: '' });
    await expect.poll(() => existsSync(work.at('begun'))).toBe(true);
    end.abort();
    expect(await running).toBe(143);
  });
});
