import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROGRAM } from './support/pgprov.js';
import { patience } from '../support/patience.js';

const run = promisify(execFile);
let directory: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgprov-completion-'));
  await mkdir(join(directory, 'bin'));
  await writeFile(join(directory, 'bin', 'pgprov'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  await chmod(join(directory, 'bin', 'pgprov'), 0o755);
  await mkdir(join(directory, 'my clusters'));
  await mkdir(join(directory, 'roles'));
  await writeFile(join(directory, 'roles', 'pg_cron.ts'), 'throw new Error("run at Tab");\n');
  await mkdir(join(directory, 'roles', 'operations'));
  await writeFile(join(directory, 'roles', 'operations', 'checkpoint.ts'), 'throw new Error("run at Tab");\n');
  await writeFile(join(directory, 'my clusters', 'orders.yml'), 'cluster: orders\n');
  await writeFile(join(directory, 'notes.txt'), '');
  await mkdir(join(directory, '.pgprov', 'demo', 'snapshots'), { recursive: true });
  await writeFile(join(directory, '.pgprov', 'demo', 'snapshots', '20260101T000000Z.tar.gz'), '');
  await writeFile(
    join(directory, 'inventory.yml'),
    'cluster: demo\nrolesPath: roles\nhosts: {alpha: 192.0.2.1, beta: {address: 192.0.2.2, ssh: {password: {command: [touch, "run at Tab"]}}}}\ngroups: {replicas: {hosts: [beta]}}\n',
  );
  env = { PATH: `${join(directory, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: directory, TERM: 'dumb', LC_ALL: 'C.UTF-8' };
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What is typed before Tab, and the line that is there then. */
const LINES: readonly (readonly [typed: string, completed: string])[] = [
  ['pgprov val', 'pgprov validate'],
  ['pgprov secrets reenc', 'pgprov secrets reencrypt'],
  ['pgprov plan --detailed', 'pgprov plan --detailed-exitcode'],
  ['pgprov apply inv', 'pgprov apply inventory.yml'],
  ['pgprov apply inventory.yml --host al', 'pgprov apply inventory.yml --host alpha'],
  ['pgprov apply inventory.yml --host=al', 'pgprov apply inventory.yml --host=alpha'],
  ['pgprov apply inventory.yml --host alpha,b', 'pgprov apply inventory.yml --host alpha,beta'],
  ['pgprov plan inventory.yml --group re', 'pgprov plan inventory.yml --group replicas'],
  ['pgprov plan inventory.yml --skip-role pg_', 'pgprov plan inventory.yml --skip-role pg_cron'],
  ['pgprov run pg_', 'pgprov run pg_cron'],
  ['pgprov operate ch', 'pgprov operate checkpoint'],
  ['pgprov apply inventory.yml --output j', 'pgprov apply inventory.yml --output json'],
  ['pgprov ssh inventory.yml al', 'pgprov ssh inventory.yml alpha'],
  ['pgprov psql inventory.yml --host be', 'pgprov psql inventory.yml --host beta'],
  ['pgprov status inventory.yml --until h', 'pgprov status inventory.yml --until healthy'],
  ['pgprov snapshot li', 'pgprov snapshot list'],
  [
    'pgprov config edit inventory.yml --back-to .pgprov/demo/snapshots/20260101',
    'pgprov config edit inventory.yml --back-to .pgprov/demo/snapshots/20260101T000000Z.tar.gz',
  ],
  ['pgprov validate my', 'pgprov validate my clusters/'],
  ['pgprov validate ~/inv', 'pgprov validate ~/inventory.yml'],
  ['pgprov validate notes', 'pgprov validate notes'],
];

/** Types lines at a shell's own prompt, each with Tab at its end, and has the shell say what it then takes them for. */
async function typeAt(shell: string, start: string): Promise<(readonly [string, string])[]> {
  // A line that the shell breaks is not found in what it prints.
  const child = spawn('script', ['-qec', `stty cols 400; ${shell}`, '/dev/null'], { cwd: directory, env, stdio: 'pipe' });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8').replace(/[\u0007\r]/gu, '')));
  const shows = async (wanted: string, from: number, limit = patience(20_000)): Promise<void> => {
    for (const end = Date.now() + limit; Date.now() < end && !text.slice(from).includes(wanted); )
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  try {
    child.stdin.write(`${start}; show() { printf '<%s>\\n' "$*"; }; show read''y\n`);
    await shows('<ready>', 0);
    const lines: (readonly [string, string])[] = [];
    for (const [typed, completed] of LINES) {
      const from = text.length;
      child.stdin.write(`${typed}\t`);
      await shows(
        completed.slice(typed.length).trim() || '\n',
        from + typed.length,
        completed === typed ? patience(1_000) : patience(20_000),
      );
      // Ctrl-A: the line becomes the arguments of what shows them.
      child.stdin.write('\u0001show \n');
      await shows('\n<', from);
      await shows('>\n', text.lastIndexOf('\n<'));
      lines.push([typed, (/^<(.*)>$/mu.exec(text.slice(from))?.[1] ?? text.slice(from)).replace(`${directory}/`, '~/').trim()]);
    }
    return lines;
  } finally {
    child.stdin.end('exit\n');
    child.kill();
  }
}

const has = (shell: string): boolean => ['/usr/bin', '/bin', '/usr/local/bin'].some((place) => existsSync(join(place, shell)));

describe('completion', () => {
  it('is done by bash at Tab', async () => {
    expect(await typeAt('bash --norc --noprofile -i', 'eval "$(pgprov completion bash)"')).toEqual(LINES);
  });

  // Needs the Debian package zsh.
  it.skipIf(!has('zsh'))('is done by zsh at Tab', async () => {
    expect(await typeAt('zsh -f -i', 'autoload -Uz compinit; compinit -u -D; eval "$(pgprov completion zsh)"')).toEqual(LINES);
  });

  // Needs the Debian package fish, whose `complete -C` completes a line without a terminal.
  it.skipIf(!has('fish'))('is done by fish', async () => {
    const lines = LINES.map(async ([typed, completed]) => {
      const { stdout } = await run('fish', ['--no-config', '-c', 'pgprov completion fish | source; complete -C $argv[1]', typed], {
        cwd: directory,
        env,
      });
      const [, before = ''] = /^(.* )?\S*$/su.exec(typed) ?? [];
      return [completed, stdout.trim() === '' ? typed : `${before}${stdout.trim().split('\t')[0] ?? ''}`];
    });
    for (const [completed, found] of await Promise.all(lines)) expect(found).toBe(completed);
  });

  it('offers all matches with descriptions', async () => {
    const { stdout } = await run('pgprov', ['__complete', '2', 'pgprov', 'runs', ''], { cwd: directory, env });
    expect(stdout.split('\n')).toEqual([
      'files',
      'show\treplay a run from its journal; times are UTC',
      'bin/',
      'inventory.yml',
      'my clusters/',
      'roles/',
      '',
    ]);
  });

  it('runs no role and no program, and survives an invalid inventory', async () => {
    expect(existsSync(join(directory, 'run at Tab'))).toBe(false);
    await writeFile(join(directory, 'broken.yml'), 'hosts: [\n');
    const { stdout } = await run('pgprov', ['__complete', '4', 'pgprov', 'plan', 'broken.yml', '--host', ''], { cwd: directory, env });
    expect(stdout).toBe('words\n');
  });
});
