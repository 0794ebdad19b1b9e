import { readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { which } from 'zx';

import { Secret } from '../../src/lib/secret.js';
import { explainBecomeFailure } from '../../src/transport/become-failure.js';
import { SshTransport } from '../../src/transport/ssh.js';
import type { Become, Connection, Exec, ExecEnd, Target } from '../../src/transport/transport.js';
import { withAccounts, whyNoAccounts } from './accounts.js';
import { makeKeys, Sshd, targetAt, whyNoSshd } from './sshd.js';
import { patience } from '../support/patience.js';

async function whyNot(): Promise<string | undefined> {
  for (const program of ['sudo', 'script', 'openssl']) {
    if (which.sync(program, { nothrow: true }) === null) return `no ${program} on this machine`;
  }
  return (await whyNoAccounts()) ?? whyNoSshd();
}

const reason = await whyNot();
if (reason !== undefined) console.log(`skipped, all of test/transport/requiretty.programs.test.ts: ${reason}`);

const SHELLS = ['sh', 'bash', 'csh', 'fish'].flatMap((name) => {
  const shell = which.sync(name, { nothrow: true });
  return shell === null ? [] : [{ name, shell }];
});

const PASSWORD = 'right pass';

// For each shell a user that sudo never asks and one that it asks; `pty` is one whose commands get a terminal from sudo.
const ACCOUNTS = [
  ...SHELLS.flatMap(({ name, shell }) => [`free-${name}`, `asks-${name}`].map((user) => ({ name: user, shell }))),
  { name: 'pty', shell: '/bin/sh' },
].map((account) => ({ ...account, password: PASSWORD }));

const asked = new Secret(PASSWORD);
const unwanted = new Secret('echo pwned; exit 66');

/** Prints the root shell's processes up to sshd's, one id a line, then `up`, then waits for the end of its input. */
const HOLDING = `p=$$
while [ "$p" -gt 1 ] && ! grep -q '^sshd' "/proc/$p/comm"; do echo "$p"; p=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$p/status"); done
echo up
cat >/dev/null
exit 9
`;

/** Those that still run; one that ended may wait for its parent, which here and there is an init that never looks. */
function alive(processes: readonly string[]): string[] {
  return processes.filter((id) => {
    try {
      return !/^State:\s+Z/mu.test(readFileSync(`/proc/${id}/status`, 'utf8'));
    } catch {
      return false;
    }
  });
}

describe.skipIf(reason !== undefined)('real sudo that requires a terminal', () => {
  let keys: Awaited<ReturnType<typeof makeKeys>>;
  let before: string[];
  let server: Sshd;

  beforeAll(async () => {
    keys = await makeKeys();
    // The login users have to get at their authorized_keys.
    await chmod(keys.dir, 0o755);
    before = await withAccounts(keys.dir, ACCOUNTS, [
      'Defaults requiretty, lecture=never, timestamp_timeout=0, !use_pty',
      'Defaults:pty use_pty',
      'root ALL=(ALL:ALL) ALL',
      ...ACCOUNTS.map(({ name }) => `${name} ALL=(ALL:ALL) ${name.startsWith('asks') ? '' : 'NOPASSWD: '}ALL`),
    ]);
    server = await Sshd.start(`${keys.key}.pub`, [], ['ed25519'], before);
  });

  afterAll(async () => {
    await server?.stop();
    await keys?.clean();
  });

  async function targetOf(user: string, become: Become, at = server): Promise<Target> {
    const known = join(keys.dir, `known_${at.port}`);
    await writeFile(known, await at.knownLine());
    return targetAt(at.port, { user, identityFile: keys.key, become, hostKeys: { policy: 'strict', files: [known] } });
  }

  async function within<T>(target: Target, work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await new SshTransport({ agentSocket: undefined, home: '/nonexistent' }).connect(target);
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }

  async function run(connection: Connection, script: string): Promise<ExecEnd & { stdout: string }> {
    const chunks: Buffer[] = [];
    const exec = await connection.exec({ script, onStdout: (chunk) => chunks.push(chunk) });
    const end = await exec.ended;
    return { ...end, stdout: Buffer.concat(chunks).toString('latin1') };
  }

  /** Starts a script that waits; gives the ids of its processes once it does. */
  async function hold(connection: Connection): Promise<{ exec: Exec; processes: string[] }> {
    let text = '';
    const exec = await connection.exec({ script: HOLDING, onStdout: (chunk) => (text += chunk.toString()), holdInput: true });
    await expect.poll(() => text, { timeout: patience(10_000) }).toMatch(/up\n$/u);
    return { exec, processes: text.trim().split('\n').slice(0, -1) };
  }

  describe.concurrent.each(SHELLS)('from $name', ({ name }) => {
    it.each<[string, string, Become]>([
      ['without a password', `free-${name}`, { method: 'sudo' }],
      ['with a password', `asks-${name}`, { method: 'sudo', password: asked }],
      ['with a password that sudo does not ask for', `free-${name}`, { method: 'sudo', password: unwanted }],
    ])('%s', async (_title, user, become) => {
      const script = `id -u\necho "$HOME"\n(: </dev/tty) 2>/dev/null || echo no terminal\n${'# filler\n'.repeat(20_000)}echo careful >&2\nexit 4\n`;
      await within(await targetOf(user, become), async (connection) => {
        const end = { code: 4, stdout: '0\n/root\nno terminal\n', stderr: 'careful\n' };
        expect(await run(connection, script)).toEqual(end);
        expect(await run(connection, script)).toEqual(end);
      });
    });
  });

  it.concurrent.each(['free-sh', 'pty'])('changes no byte in transit, for %s', async (user) => {
    const script = `cat <<'EOF'\na\u0003b\u0004c\u001ad\r\nEOF\nprintf '\\377\\000\\004\\n\\r\\n'\n`;
    const end = await within(await targetOf(user, { method: 'sudo' }), (connection) => run(connection, script));
    expect(end).toEqual({ code: 0, stderr: '', stdout: 'a\u0003b\u0004c\u001ad\r\n\u00ff\u0000\u0004\n\r\n' });
  });

  it.concurrent('is refused once on a connection', async () => {
    const log = join(keys.dir, 'commands');
    await writeFile(log, '');
    await chmod(log, 0o666);
    const counting = await Sshd.start(
      `${keys.key}.pub`,
      [`ForceCommand echo "$SSH_ORIGINAL_COMMAND" >>${log}; eval "$SSH_ORIGINAL_COMMAND"`],
      ['ed25519'],
      before,
    );
    try {
      await within(await targetOf('free-sh', { method: 'sudo' }, counting), async (connection) => {
        for (const code of [1, 2, 3]) expect(await run(connection, `exit ${code}`)).toMatchObject({ code });
      });
      const commands = (await readFile(log, 'utf8')).trim().split('\n');
      expect(commands.map((command) => command.includes('script'))).toEqual([false, true, true, true]);
    } finally {
      await counting.stop();
    }
  });

  it.concurrent('tries a wrong password once', async () => {
    const target = await targetOf('asks-sh', { method: 'sudo', password: new Secret('wrong') });
    const end = await within(target, (connection) => run(connection, 'echo in'));
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toContain('1 incorrect password attempt');
    expect(explainBecomeFailure(end, target)).toMatchObject({ kind: 'become/wrong-password' });
  });

  it.concurrent('says that a password is required', async () => {
    const target = await targetOf('asks-sh', { method: 'sudo' });
    const end = await within(target, (connection) => run(connection, 'echo in'));
    expect(explainBecomeFailure(end, target)).toMatchObject({ kind: 'become/password-required' });
  });

  it.concurrent('does not repeat a script that prints sudo’s message', async () => {
    const target = await targetOf('asks-sh', { method: 'sudo', password: asked });
    const script = `echo ran\necho 'sudo: sorry, you must have a tty to run sudo' >&2\nexit 1\n`;
    expect(await within(target, (connection) => run(connection, script))).toMatchObject({ code: 1, stdout: 'ran\n' });
  });

  it.concurrent('reports in the status that root’s shell was killed', async () => {
    const end = await within(await targetOf('free-sh', { method: 'sudo' }), (connection) => run(connection, 'kill -KILL $$'));
    expect(end.code).toBe(137);
  });

  describe.each<[string, Become]>([
    ['free-sh', { method: 'sudo' }],
    ['asks-bash', { method: 'sudo', password: asked }],
    ['pty', { method: 'sudo' }],
  ])('a script that waits, for %s', (user, become) => {
    it('continues until its input is closed', async () => {
      await within(await targetOf(user, become), async (connection) => {
        const { exec, processes } = await hold(connection);
        expect(alive(processes)).toEqual(processes);
        exec.closeInput();
        expect(await exec.ended).toMatchObject({ code: 9 });
        await expect.poll(() => alive(processes)).toEqual([]);
      });
    });

    it('ends when its input is closed before sudo has refused', async () => {
      await within(await targetOf(user, become), async (connection) => {
        const exec = await connection.exec({ script: HOLDING, onStdout: () => {}, holdInput: true });
        exec.closeInput();
        expect(await exec.ended).toMatchObject({ code: 9 });
      });
    });

    it('leaves nothing behind when it is killed', async () => {
      await within(await targetOf(user, become), async (connection) => {
        const { exec, processes } = await hold(connection);
        exec.kill();
        expect(await exec.ended).toMatchObject({ code: null });
        await expect.poll(() => alive(processes)).toEqual([]);
      });
    });

    it('leaves nothing behind when the connection is cut', async () => {
      await within(await targetOf(user, become), async (connection) => {
        const { exec, processes } = await hold(connection);
        await server.cut();
        expect(await exec.ended).toMatchObject({ code: null });
        await expect.poll(() => alive(processes)).toEqual([]);
      });
    });
  });

  it('says so when there is no script command', async () => {
    const bin = join(keys.dir, 'bin');
    await mkdir(bin);
    for (const program of ['env', 'sh', 'sudo']) await symlink(await which(program), join(bin, program));
    const bare = await Sshd.start(`${keys.key}.pub`, [`SetEnv PATH=${bin}`], ['ed25519'], before);
    try {
      const target = await targetOf('free-sh', { method: 'sudo' }, bare);
      const end = await within(target, (connection) => run(connection, 'echo in'));
      expect(end.stdout).toBe('');
      const error = explainBecomeFailure(end, target);
      expect(error).toMatchObject({ kind: 'become/tty-required', exitCode: 3 });
      expect(error?.hint).toMatch(/script.*util-linux.*!requiretty/u);
    } finally {
      await bare.stop();
    }
  });
});
