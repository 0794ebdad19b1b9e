import { PassThrough } from 'node:stream';

import type { ClientChannel } from 'ssh2';
import { describe, expect, it } from 'vitest';

import { SshExec } from '../../src/transport/ssh-exec.js';

/** A channel without a server behind it. */
function fakeChannel(): ClientChannel {
  const channel = new PassThrough({ emitClose: false });
  return Object.assign(channel, { stderr: new PassThrough() }) as unknown as ClientChannel;
}

describe('SshExec', () => {
  it.each<[string, (number | null)[], number | null]>([
    ['a status', [7], 7],
    ['a signal', [null], null],
    ['neither', [], null],
  ])('recognises %s without an exit event', async (_title, args, code) => {
    const channel = fakeChannel();
    const exec = new SshExec(channel, { script: '', onStdout: () => {} }, undefined);
    channel.emit('close', ...args);
    expect(await exec.ended).toEqual({ code, stderr: '' });
  });
});
