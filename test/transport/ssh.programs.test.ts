import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { $ } from 'zx';

import { type PgprovError, UnreachableError } from '../../src/lib/errors.js';
import { SshTransport } from '../../src/transport/ssh.js';
import type { Connection, ExecEnd, Target } from '../../src/transport/transport.js';
import { freePort, hopAt, makeKeys, Sshd, targetAt, whyNoSshd } from './sshd.js';
import { patience } from '../support/patience.js';

const reason = await whyNoSshd();
if (reason !== undefined) console.log(`skipped, all of test/transport/ssh.programs.test.ts: ${reason}`);

const transport = new SshTransport({ agentSocket: undefined, home: '/nonexistent' });

async function failure(target: Target, from = transport, signal?: AbortSignal): Promise<PgprovError> {
  return from.connect(target, signal).then(
    () => expect.unreachable('it connected'),
    (error: PgprovError) => error,
  );
}

async function run(connection: Connection, script: string): Promise<ExecEnd & { stdout: string }> {
  const chunks: Buffer[] = [];
  const exec = await connection.exec({ script, onStdout: (chunk) => chunks.push(chunk) });
  const end = await exec.ended;
  return { ...end, stdout: Buffer.concat(chunks).toString('utf8') };
}

/** Waits for stdout to hold a text. */
function awaitText(text: string): { onStdout(chunk: Buffer): void; seen: Promise<void> } {
  let all = '';
  let resolve = (): void => {};
  const seen = new Promise<void>((done) => (resolve = done));
  return {
    seen,
    onStdout: (chunk) => {
      all += chunk.toString();
      if (all.includes(text)) resolve();
    },
  };
}

describe.skipIf(reason !== undefined)('ssh transport against a real sshd', () => {
  let keys: Awaited<ReturnType<typeof makeKeys>>;
  let server: Sshd;
  let known: string;
  let count = 0;

  async function knownHosts(text: string): Promise<string> {
    const file = join(keys.dir, `known_hosts_${(count += 1)}`);
    await writeFile(file, text);
    return file;
  }

  function target(more: Partial<Target> = {}, file = known): Target {
    return targetAt(server.port, { identityFile: keys.key, hostKeys: { policy: 'strict', files: [file] }, ...more });
  }

  async function within<T>(work: (connection: Connection) => Promise<T>, to: Target = target()): Promise<T> {
    const connection = await transport.connect(to);
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }

  beforeAll(async () => {
    keys = await makeKeys();
    server = await Sshd.start(`${keys.key}.pub`, [], ['ed25519', 'ecdsa']);
    known = await knownHosts(await server.knownLine());
  });

  afterAll(async () => {
    await server.stop();
    await keys.clean();
  });

  describe('exec', () => {
    it('carries a large script and multibyte output without losing or breaking a byte', async () => {
      const line = `printf '%s\\n' 'grün ✓ 漢字 😀'\n`;
      const times = 12_000;
      const result = await within((connection) => run(connection, `${line.repeat(times)}exit 0\n`));
      expect(Buffer.byteLength(line.repeat(times))).toBeGreaterThan(400_000);
      expect(result.code).toBe(0);
      expect(result.stdout).toBe('grün ✓ 漢字 😀\n'.repeat(times));
    });

    it('returns raw bytes', async () => {
      const chunks: Buffer[] = [];
      await within(async (connection) => {
        const exec = await connection.exec({
          script: `printf '\\377\\000\\376'`,
          onStdout: (chunk) => chunks.push(chunk),
        });
        return exec.ended;
      });
      expect(Buffer.concat(chunks)).toEqual(Buffer.from([0xff, 0, 0xfe]));
    });

    it('gives the exit code and stderr, several times over one connection', async () => {
      await within(async (connection) => {
        expect(await run(connection, 'echo oops >&2; exit 7')).toEqual({ code: 7, stderr: 'oops\n', stdout: '' });
        expect((await run(connection, 'echo again')).stdout).toBe('again\n');
      });
      expect(await within((connection) => run(connection, 'kill -KILL $$'))).toMatchObject({ code: null });
    });

    it('caps stderr at 64 KiB and goes on reading', async () => {
      const result = await within((connection) => run(connection, 'head -c 3000000 /dev/zero | tr "\\0" x >&2; echo end'));
      expect(result).toMatchObject({ code: 0, stdout: 'end\n' });
      expect(result.stderr).toHaveLength(64 * 1024);
    });

    it('survives a shell that ends before it has read its script', async () => {
      const script = `exit 5\n${`# ${'x'.repeat(100)}\n`.repeat(50_000)}`;
      await within(async (connection) => {
        expect(await run(connection, script)).toMatchObject({ code: 5 });
        expect(await run(connection, 'echo fine')).toMatchObject({ code: 0, stdout: 'fine\n' });
      });
    });

    it('holds the input open until it is closed', async () => {
      await within(async (connection) => {
        const { onStdout, seen } = awaitText('up');
        const exec = await connection.exec({ script: 'echo up; cat >/dev/null; exit 9\n', onStdout, holdInput: true });
        await seen;
        const early = await Promise.race([exec.ended, new Promise((resolve) => setTimeout(resolve, 200, 'still up'))]);
        expect(early).toBe('still up');
        exec.closeInput();
        expect(await exec.ended).toMatchObject({ code: 9 });
      });
    });

    it.concurrent('gives up when nothing is received for too long, and not while something is', async () => {
      // On a busy machine a shell may take a second to begin.
      const seconds = Math.ceil(patience(2000) / 1000);
      await within(
        async (connection) => {
          const busy = 'for i in 1 2 3 4 5 6 7 8; do echo "$i"; sleep 0.3; done';
          expect(await run(connection, busy)).toMatchObject({ code: 0, stdout: '1\n2\n3\n4\n5\n6\n7\n8\n' });
          const end = await run(connection, `echo up; sleep ${2 * seconds + 1}`);
          expect(end).toMatchObject({ code: null, stdout: 'up\n', error: { kind: 'ssh/silent', exitCode: 3, host: 'db1' } });
          expect(end.error?.message).toContain(`for ${seconds} s`);
          expect(end.error?.hint).toContain('ssh.command_timeout');
          expect(await run(connection, 'echo fine')).toMatchObject({ code: 0 });
        },
        target({ commandTimeout: seconds }),
      );
    });

    it.concurrent('may be silent after its end, because it may hold a lock', async () => {
      await within(
        async (connection) => {
          const exec = await connection.exec({
            script: 'cat >/dev/null; exit 3\n',
            onStdout: () => {},
            holdInput: true,
            isComplete: () => true,
          });
          await new Promise((resolve) => setTimeout(resolve, 1500));
          exec.closeInput();
          expect(await exec.ended).toEqual({ code: 3, stderr: '' });
        },
        target({ commandTimeout: 1 }),
      );
    });

    it('kills the command', async () => {
      await within(async (connection) => {
        const { onStdout, seen } = awaitText('up');
        const exec = await connection.exec({ script: 'echo up; sleep 3', onStdout });
        await seen;
        exec.kill();
        expect(await exec.ended).toMatchObject({ code: null });
      });
    });

    it('passes on the output of a login shell next to its own', async () => {
      const noisy = await Sshd.start(`${keys.key}.pub`, [`ForceCommand echo Welcome; echo careful >&2; eval "$SSH_ORIGINAL_COMMAND"`]);
      try {
        const file = await knownHosts(await noisy.knownLine());
        const to = targetAt(noisy.port, { identityFile: keys.key, hostKeys: { policy: 'strict', files: [file] } });
        expect(await within((connection) => run(connection, 'echo hi'), to)).toEqual({
          code: 0,
          stdout: 'Welcome\nhi\n',
          stderr: 'careful\n',
        });
      } finally {
        await noisy.stop();
      }
    });
  });

  it('tells for how long nothing was heard', async () => {
    const connection = await transport.connect(target());
    const began = performance.now();
    await run(connection, 'echo up');
    // Something came after that.
    expect(connection.quietMs).toBeLessThan(performance.now() - began);
    await connection.close();
  });

  describe('a lost connection', () => {
    it('ends the exec without an exit code and is reported', async () => {
      const connection = await transport.connect(target());
      const lost = new Promise<PgprovError>((resolve) => connection.onLost(resolve));
      const { onStdout, seen } = awaitText('up');
      const exec = await connection.exec({ script: 'echo up; sleep 5', onStdout });
      await seen;
      await server.cut();
      expect(await exec.ended).toMatchObject({ code: null });
      const error = await lost;
      expect(error).toBeInstanceOf(UnreachableError);
      expect(error).toMatchObject({ kind: 'ssh/connection-lost', host: 'db1', exitCode: 3 });
      await expect(connection.exec({ script: '', onStdout })).rejects.toMatchObject({ kind: 'ssh/connection-lost' });
      const late = new Promise((resolve) => connection.onLost(resolve));
      expect(await late).toBe(error);
      await connection.close();
    });

    it('that nobody has noticed keeps no exec from ending once it is closed', async () => {
      const own = await Sshd.start(`${keys.key}.pub`);
      try {
        const file = await knownHosts(await own.knownLine());
        const connection = await transport.connect(
          targetAt(own.port, { identityFile: keys.key, hostKeys: { policy: 'strict', files: [file] } }),
        );
        const { onStdout, seen } = awaitText('up');
        const exec = await connection.exec({ script: 'echo up; sleep 60', onStdout });
        await seen;
        for (const pid of await own.sessions()) process.kill(pid, 'SIGSTOP');
        const another = connection.exec({ script: 'echo up', onStdout });
        await connection.close();
        expect(await exec.ended).toMatchObject({ code: null });
        await expect(another).rejects.toMatchObject({ kind: 'ssh/connection-lost' });
      } finally {
        await own.stop();
      }
    });

    it('is not reported after close', async () => {
      const connection = await transport.connect(target());
      let told = false;
      connection.onLost(() => (told = true));
      await connection.close();
      await connection.close();
      expect(told).toBe(false);
    });
  });

  describe('host keys', () => {
    it('refuses an unknown host, showing what to compare', async () => {
      const file = await knownHosts('');
      const error = await failure(target({}, file));
      const print = (await $({ quiet: true, input: await server.hostKey() })`ssh-keygen -lf -`).stdout.split(' ')[1] ?? '';
      expect(error).toMatchObject({ kind: 'ssh/host-key-unknown', exitCode: 3, host: 'db1' });
      expect(error.message).toContain(`[127.0.0.1]:${server.port}`);
      expect(error.message).toContain(`ssh-ed25519 ${print}`);
      expect(error.hint).toContain('ssh-keyscan');
      expect(error.hint).toContain('accept-new');
    });

    it('refuses a changed key under either policy, naming the line', async () => {
      const other = await readFile(`${keys.wrongKey}.pub`, 'utf8');
      const file = await knownHosts(`# mine\n[127.0.0.1]:${server.port} ${other}`);
      for (const policy of ['strict', 'accept-new'] as const) {
        const error = await failure(target({ hostKeys: { policy, files: [file] } }));
        expect(error.kind).toBe('ssh/host-key-changed');
        expect(error.message).toContain(`${file}:2`);
        expect(error.message.match(/SHA256:/gu)).toHaveLength(2);
      }
      expect(await readFile(file, 'utf8')).toContain('# mine');
    });

    it('asks for the key type that it knows', async () => {
      await within((connection) => run(connection, 'true'), target({}, await knownHosts(await server.knownLine('ecdsa'))));
    });

    it('treats a known host that presents another type as changed', async () => {
      const only = await Sshd.start(`${keys.key}.pub`, [], ['ed25519']);
      try {
        const file = await knownHosts(`[127.0.0.1]:${only.port} ${await server.hostKey('ecdsa')}\n`);
        const hostKeys = { policy: 'accept-new', files: [file] } as const;
        expect(await failure(targetAt(only.port, { identityFile: keys.key, hostKeys }))).toMatchObject({
          kind: 'ssh/host-key-changed',
        });
      } finally {
        await only.stop();
      }
    });

    it('reads files hashed by ssh-keygen', async () => {
      const file = await knownHosts(await server.knownLine());
      await $({ quiet: true })`ssh-keygen -H -f ${file}`;
      expect(await readFile(file, 'utf8')).toMatch(/^\|1\|/u);
      await within((connection) => run(connection, 'true'), target({}, file));
    });

    it('refuses a revoked key, in any file', async () => {
      const revoked = await knownHosts(`@revoked * ${await server.hostKey()}\n`);
      const error = await failure(target({ hostKeys: { policy: 'accept-new', files: [known, revoked] } }));
      expect(error.kind).toBe('ssh/host-key-revoked');
      expect(error.message).toContain(`${revoked}:1`);
    });

    it('refuses a host that is known only by a certificate authority, under either policy', async () => {
      const file = await knownHosts(`@cert-authority * ${await server.hostKey()}\n`);
      for (const policy of ['strict', 'accept-new'] as const) {
        const error = await failure(target({ hostKeys: { policy, files: [file] } }));
        expect(error.kind).toBe('ssh/host-certificate');
        expect(error.message).toContain(`${file}:1 trusts a certificate authority (@cert-authority)`);
        expect(error.hint).toContain('ssh-keyscan');
      }
      expect(await readFile(file, 'utf8')).toMatch(/^@cert-authority [^\n]*\n$/u);
    });

    it('recognises a host by its alias, and records a new one under it', async () => {
      const line = `db1.example ${await server.hostKey()}\n`;
      await within((connection) => run(connection, 'true'), target({ hostKeyAlias: 'db1.example' }, await knownHosts(line)));
      const file = await knownHosts('');
      await within(
        (connection) => run(connection, 'true'),
        target({ hostKeyAlias: 'db1.example', hostKeys: { policy: 'accept-new', files: [file] } }),
      );
      expect(await readFile(file, 'utf8')).toBe(line);
    });

    it('records a new host once, even with many parallel connections', async () => {
      const file = join(keys.dir, 'new', 'known_hosts');
      const to = target({ hostKeys: { policy: 'accept-new', files: [file] } });
      const connections = await Promise.all(Array.from({ length: 8 }, () => transport.connect(to)));
      await Promise.all(connections.map((connection) => connection.close()));
      expect(await readFile(file, 'utf8')).toBe(await server.knownLine());
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect((await stat(join(keys.dir, 'new'))).mode & 0o777).toBe(0o700);
      await within((connection) => run(connection, 'true'), target({}, file));
    });
  });

  describe('logging in', () => {
    it('names what was tried', async () => {
      const error = await failure(target({ identityFile: keys.wrongKey }));
      expect(error.kind).toBe('ssh/auth-failed');
      expect(error.message).toContain(`tried key ${keys.wrongKey}`);
      expect(error.message).toContain('publickey');
    });

    it('says so when there was nothing to try', async () => {
      const { identityFile: _, ...bare } = target();
      const error = await failure(bare);
      expect(error.kind).toBe('ssh/auth-failed');
      expect(error.message).toContain('no key or password');
    });

    it('complains about identity files', async () => {
      const missing = await failure(target({ identityFile: join(keys.dir, 'nowhere') }));
      expect(missing).toMatchObject({ kind: 'ssh/identity-file' });
      const locked = await failure(target({ identityFile: keys.lockedKey }));
      expect(locked).toMatchObject({ kind: 'ssh/identity-file' });
      expect(locked.hint).toContain('ssh-add');
      expect(await failure(target({ identityFile: `${keys.key}.pub` }))).toMatchObject({ kind: 'ssh/identity-file' });
    });

    it('uses the usual key files, also when the agent is gone', async () => {
      const home = join(keys.dir, 'home');
      await mkdir(join(home, '.ssh'), { recursive: true });
      await writeFile(join(home, '.ssh', 'id_ed25519'), await readFile(keys.key), { mode: 0o600 });
      const from = new SshTransport({ agentSocket: join(keys.dir, 'no-agent'), home });
      const { identityFile: _, ...bare } = target();
      const connection = await from.connect(bare);
      expect(await run(connection, 'echo in')).toMatchObject({ stdout: 'in\n' });
      await connection.close();
    });

    it('uses the agent, also for an identity file with a passphrase', async () => {
      const socket = join(keys.dir, 'agent');
      const agent = $({ quiet: true, nothrow: true })`ssh-agent -D -a ${socket}`;
      try {
        await expect
          .poll(() =>
            stat(socket).then(
              () => true,
              () => false,
            ),
          )
          .toBe(true);
        await $({ quiet: true, env: { ...process.env, SSH_AUTH_SOCK: socket } })`ssh-add -q ${keys.key}`;
        const from = new SshTransport({ agentSocket: socket, home: '/nonexistent' });
        const { identityFile: _, ...bare } = target();
        await (await from.connect(bare)).close();
        const copy = join(keys.dir, 'copy');
        await writeFile(copy, await readFile(keys.key), { mode: 0o600 });
        await writeFile(`${copy}.pub`, await readFile(`${keys.key}.pub`));
        await $({ quiet: true })`ssh-keygen -q -p -N secret -f ${copy}`;
        await (await from.connect(target({ identityFile: copy }))).close();
      } finally {
        await agent.kill();
        await agent;
      }
    });
  });

  // Dozens of handshakes take their time on a busy machine.
  describe('jump hosts', { timeout: patience(30_000) }, () => {
    let first: Sshd;
    let second: Sshd;
    let all: string;

    beforeAll(async () => {
      first = await Sshd.start(`${keys.key}.pub`);
      second = await Sshd.start(`${keys.key}.pub`);
      all = await knownHosts((await server.knownLine()) + (await first.knownLine()) + (await second.knownLine()));
    });

    afterAll(async () => {
      await first.stop();
      await second.stop();
    });

    const chain = () => [hopAt(first.port, keys.key), hopAt(second.port, keys.key)];

    it('form a chain that shares each hop and closes it with the last user', async () => {
      const to = target({ jump: chain() }, all);
      const connections = await Promise.all(Array.from({ length: 15 }, () => transport.connect(to)));
      expect(await first.sessions()).toHaveLength(1);
      expect(await second.sessions()).toHaveLength(1);
      const results = await Promise.all(connections.map((connection) => run(connection, 'echo "$SSH_CONNECTION"')));
      expect(results.every(({ stdout }) => stdout.trim().endsWith(`127.0.0.1 ${server.port}`))).toBe(true);
      const [last, ...others] = connections;
      await Promise.all(others.map((connection) => connection.close()));
      expect(await first.sessions()).toHaveLength(1);
      await last?.close();
      await expect.poll(() => first.sessions()).toHaveLength(0);
      await expect.poll(() => second.sessions()).toHaveLength(0);
    });

    it('do not open more handshakes at once than an sshd accepts', async () => {
      // Twice the usual, for on a busy machine sshd learns late that a login is through.
      const shy = await Sshd.start(`${keys.key}.pub`, ['MaxStartups 20:100:20']);
      try {
        const file = await knownHosts((await readFile(all, 'utf8')) + (await shy.knownLine()));
        const to = targetAt(shy.port, {
          identityFile: keys.key,
          hostKeys: { policy: 'strict', files: [file] },
          jump: chain(),
          connectTimeout: 30,
        });
        const connections = await Promise.all(Array.from({ length: 30 }, () => transport.connect(to)));
        expect(await first.sessions()).toHaveLength(1);
        const queued = connections.map(({ facts }) => Math.round(facts?.queuedMs ?? -1)).sort((a, b) => a - b);
        // Eight go at once, the rest wait in line.
        expect(queued[0]).toBeLessThan(5);
        expect(queued[8]).toBeGreaterThan(queued[7] ?? 0);
        expect(queued.at(-1)).toBeGreaterThan(queued[8] ?? 0);
        await Promise.all(connections.map((connection) => connection.close()));
      } finally {
        await shy.stop();
      }
    });

    it('may be known by their own files and names', async () => {
      const file = await knownHosts(`gate ${await first.hostKey()}\n`);
      const jump = [{ ...hopAt(first.port, keys.key), hostKeyAlias: 'gate', hostKeys: { policy: 'strict', files: [file] } as const }];
      await within((connection) => run(connection, 'true'), target({ jump }));
    });

    it('are named, when one fails, to every host behind it', async () => {
      const dead = await freePort();
      const jump = [hopAt(first.port, keys.key), hopAt(dead, keys.key)];
      const errors = await Promise.all(['db1', 'db2'].map((name) => failure(target({ name, jump }, all))));
      errors.forEach((error, index) => {
        expect(error).toMatchObject({
          kind: 'ssh/jump-failed',
          host: `db${index + 1}`,
          cause: { kind: 'ssh/refused' },
        });
        expect(error.message).toContain(`jump host 2 of 2, `);
        expect(error.message).toContain(`127.0.0.1:${dead}`);
      });
      await expect.poll(() => first.sessions()).toHaveLength(0);
    });

    it('have every host key checked', async () => {
      const error = await failure(target({ jump: chain() }));
      expect(error).toMatchObject({ kind: 'ssh/jump-failed', cause: { kind: 'ssh/host-key-unknown' } });
    });

    it('are distinguished from a target that refuses', async () => {
      const port = await freePort();
      const error = await failure(target({ port, jump: [hopAt(first.port, keys.key)] }, all));
      expect(error).toMatchObject({ kind: 'ssh/refused', host: 'db1' });
      expect(error.message).toContain(`through`);
    });

    it('may forbid forwarding', async () => {
      const closed = await Sshd.start(`${keys.key}.pub`, ['AllowTcpForwarding no']);
      try {
        const file = await knownHosts((await server.knownLine()) + (await closed.knownLine()));
        const error = await failure(target({ jump: [hopAt(closed.port, keys.key)] }, file));
        expect(error).toMatchObject({ kind: 'ssh/jump-failed', host: 'db1' });
        expect(error.hint).toContain('AllowTcpForwarding');
      } finally {
        await closed.stop();
      }
    });

    it('take the connections behind them along when they are lost', async () => {
      const connection = await transport.connect(target({ jump: chain() }, all));
      const lost = new Promise<PgprovError>((resolve) => connection.onLost(resolve));
      const { onStdout, seen } = awaitText('up');
      const exec = await connection.exec({ script: 'echo up; sleep 5', onStdout });
      await seen;
      await first.cut();
      expect(await exec.ended).toMatchObject({ code: null });
      expect(await lost).toMatchObject({ kind: 'ssh/connection-lost' });
      await connection.close();
      await within((again) => run(again, 'true'), target({ jump: chain() }, all));
    });
  });
});

describe('hosts that cannot be reached', () => {
  let mute: Server;
  let port: number;
  const sockets = new Set<Socket>();

  beforeAll(async () => {
    mute = createServer((socket) => {
      sockets.add(socket);
      // Reading is what lets it notice that the other side hung up.
      socket.on('error', () => {}).resume();
    });
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    port = (mute.address() as { port: number }).port;
  });

  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });

  it('refused port', async () => {
    const closed = await freePort();
    const error = await failure(targetAt(closed));
    expect(error).toMatchObject({ kind: 'ssh/refused', host: 'db1', exitCode: 3 });
    expect(error.message).toContain(`127.0.0.1:${closed}`);
  });

  it('unresolvable name', async () => {
    const error = await failure(targetAt(22, { address: 'nosuchhost.invalid' }));
    expect(error).toMatchObject({ kind: 'ssh/name-not-resolved', exitCode: 3 });
    expect(error.message).toContain('nosuchhost.invalid');
  });

  it('a listener that never sends anything', async () => {
    const error = await failure(targetAt(port, { connectTimeout: 0.3 }));
    expect(error.kind).toBe('ssh/timeout');
    expect(error.message).toContain('handshake within 0.3 s');
  });

  it('a listener that closes the connection', async () => {
    const rude = createServer((socket) => socket.end('go away\r\n'));
    await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve));
    const error = await failure(targetAt((rude.address() as { port: number }).port));
    expect(error.kind).toBe('ssh/handshake');
    rude.close();
  });

  it('a host that stops answering later, noticed by keepalives', async () => {
    if (reason !== undefined) return;
    const keys = await makeKeys();
    const server = await Sshd.start(`${keys.key}.pub`);
    try {
      const file = join(keys.dir, 'known');
      await writeFile(file, await server.knownLine());
      const to = targetAt(server.port, {
        identityFile: keys.key,
        hostKeys: { policy: 'strict', files: [file] },
        keepalive: { interval: 0.2, count: 2 },
      });
      const connection = await transport.connect(to);
      const lost = new Promise<PgprovError>((resolve) => connection.onLost(resolve));
      for (const pid of await server.sessions()) process.kill(pid, 'SIGSTOP');
      expect(await lost).toMatchObject({ kind: 'ssh/connection-lost' });
    } finally {
      await server.stop();
      await keys.clean();
    }
  });

  it('an abort, while connecting and beforehand', async () => {
    const controller = new AbortController();
    const connecting = failure(targetAt(port), transport, controller.signal);
    setTimeout(() => controller.abort(), 100);
    expect(await connecting).toMatchObject({ kind: 'ssh/aborted', exitCode: 130 });
    expect(await failure(targetAt(port), transport, controller.signal)).toMatchObject({ kind: 'ssh/aborted' });
    await expect.poll(() => [...sockets].every((socket) => socket.destroyed)).toBe(true);
  });

  it('an abort behind a jump host that never answers', async () => {
    const jump = [{ address: '127.0.0.1', port, user: 'nobody' }];
    const controller = new AbortController();
    const connecting = failure(targetAt(22, { jump }), transport, controller.signal);
    setTimeout(() => controller.abort(), 100);
    expect(await connecting).toMatchObject({ kind: 'ssh/aborted' });
    const error = await failure(targetAt(22, { jump, connectTimeout: 0.2 }));
    expect(error).toMatchObject({ kind: 'ssh/jump-failed', cause: { kind: 'ssh/timeout' } });
  });
});
