import { afterEach, describe, expect, it, vi } from 'vitest';
import { Session } from '../../src/engine/session.js';
import type { Host } from '../../src/model/index.js';
import { sh } from '../../src/shell/quote.js';
import type { Exec, ExecEnd } from '../../src/transport/transport.js';
import { inventoryOf } from '../support/inventory.js';

/** A host with these signs of life, whose scripts end when the test says so. */
async function sessionOf(ssh: string): Promise<{ session: Session; end(): void; hear(ms: number): void }> {
  const inventory = await inventoryOf(`cluster: demo\nssh: {${ssh}}\nhosts:\n  pg1: {address: 192.0.2.1, roles: []}\n`);
  let quiet = 0;
  let end = (): void => undefined;
  const ended = new Promise<ExecEnd>((resolve) => (end = () => resolve({ code: null, stderr: '' })));
  const exec: Exec = { ended, closeInput: () => undefined, kill: () => undefined };
  const connection = {
    get quietMs() {
      return quiet;
    },
    exec: async () => exec,
    onLost: () => undefined,
    close: async () => undefined,
  };
  const session = await Session.open(inventory.hosts[0] as Host, { connect: async () => connection });
  return { session, end: () => end(), hear: (ms) => (quiet = ms) };
}

describe('a script on a host that has fallen silent', () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    {
      title: 'tells so until the connection counts as lost, or something is heard again',
      ssh: 'keepalive_interval: 5, keepalive_count: 3',
      told: [
        'nothing has been heard from pg1 for 10 s; after about 20 s it counts as lost',
        'nothing has been heard from pg1 for 15 s; after about 20 s it counts as lost',
      ],
    },
    { title: 'tells nothing where nobody asks for signs of life', ssh: 'keepalive_interval: 0', told: [] },
  ])('$title', async ({ ssh, told }) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { session, end, hear } = await sessionOf(ssh);
    const notes: string[] = [];
    const running = session.run([{ id: 'x', body: sh`:`, mode: 'probe' }], { listener: { note: (text) => notes.push(text) } });
    const outcome = running.catch((error: { kind: string }) => error.kind);
    for (const seconds of [4.9, 10.2, 15.1, 0]) {
      hear(seconds * 1000);
      await vi.advanceTimersByTimeAsync(5000);
    }
    end();
    expect(await outcome).toBe('ssh/connection-lost');
    expect(notes).toEqual(told);
    expect(vi.getTimerCount()).toBe(0);
  });
});
