import { describe, expect, it } from 'vitest';
import { runSecretCommand } from '../../src/secrets/command.js';
import { patience } from '../support/patience.js';

const sh = (script: string, timeoutMs: number) =>
  runSecretCommand({ shown: 'sh', program: '/bin/sh', args: ['-c', script], directory: '/' }, { env: process.env, timeoutMs });

describe('a program that prints a secret', () => {
  it('is stopped when it takes too long, with its output until then', async () => {
    const began = performance.now();
    await expect(sh('echo unlock it >&2; sleep 60', 500)).rejects.toMatchObject({
      message: 'sh did not end within 0.5 seconds\n    unlock it',
    });
    await expect(sh('echo password; exec sleep 60 >&2 2>&1', 300)).rejects.toMatchObject({ kind: 'secrets/command' });
    // A child of its own holds its output open.
    await expect(sh('sleep 60 & echo password', 300)).rejects.toMatchObject({ kind: 'secrets/command' });
    expect(performance.now() - began).toBeLessThan(patience(10_000));
  });

  it('keeps all but the newline at its end, and only the last lines of its errors', async () => {
    expect(await sh("printf 'a \\r\\n'", 5000)).toBe('a ');
    expect(await sh("printf ' a\\n\\n'", 5000)).toBe(' a\n');
    await expect(sh('for n in 1 2 3 4 5 6 7; do echo "line $n" >&2; done; exit 1', 5000)).rejects.toMatchObject({
      message: 'sh ended with exit code 1\n    line 3\n    line 4\n    line 5\n    line 6\n    line 7',
    });
  });
});
