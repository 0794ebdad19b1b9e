import { describe, expect, it } from 'vitest';
import { which } from 'zx';

import { type LocalShell, LocalTransport } from '../../src/transport/local.js';
import type { ExecEnd } from '../../src/transport/transport.js';

const SHELLS: LocalShell[] = ['sh', 'dash', 'bash', 'busybox sh'];

async function run(shell: LocalShell, script: string): Promise<ExecEnd & { stdout: string }> {
  const connection = await new LocalTransport(shell).connect();
  const chunks: Buffer[] = [];
  const exec = await connection.exec({ script, onStdout: (chunk) => chunks.push(chunk) });
  const end = await exec.ended;
  await connection.close();
  return { ...end, stdout: Buffer.concat(chunks).toString('utf8') };
}

describe.each(SHELLS)('%s', (shell) => {
  const there = which.sync(shell.split(' ')[0] ?? '', { nothrow: true }) !== null;

  it.skipIf(!there)('runs a script from stdin', async () => {
    expect(await run(shell, 'echo ✓; echo no >&2; exit 4')).toEqual({ code: 4, stdout: '✓\n', stderr: 'no\n' });
  });

  it.skipIf(!there)('accepts a large script and one that ends early', async () => {
    expect(await run(shell, `${'echo x\n'.repeat(60_000)}`)).toMatchObject({ code: 0, stdout: 'x\n'.repeat(60_000) });
    expect(await run(shell, `exit 3\n${'# x\n'.repeat(500_000)}`)).toMatchObject({ code: 3 });
  });
});

describe('LocalTransport', () => {
  it('holds the input open', async () => {
    const connection = await new LocalTransport().connect();
    const exec = await connection.exec({ script: 'cat >/dev/null; exit 6\n', onStdout: () => {}, holdInput: true });
    setTimeout(() => exec.closeInput(), 100);
    expect(await exec.ended).toMatchObject({ code: 6 });
  });

  it('kills what still runs on close', async () => {
    const connection = await new LocalTransport().connect();
    // One process, for a child that the shell starts while its tree is being listed is missed.
    const exec = await connection.exec({ script: 'exec sleep 30', onStdout: () => {} });
    await connection.close();
    expect(await exec.ended).toMatchObject({ code: null });
  });
});
