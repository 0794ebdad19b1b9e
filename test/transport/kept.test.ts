import { describe, expect, it } from 'vitest';
import { UnreachableError } from '../../src/lib/errors.js';
import { KeptConnections } from '../../src/transport/kept.js';
import type { Connection, ExecEnd, Target, Transport } from '../../src/transport/transport.js';

const TARGET = { name: 'pg1' } as Target;
const REQUEST = { script: '', onStdout: () => undefined };

function unreachable(message: string): UnreachableError {
  return new UnreachableError({ kind: 'ssh/refused', host: 'pg1', message, hint: 'start it' });
}

/** A transport whose connections are made, lost and answered by hand. */
function byHand(): Transport & { made: { lose(): void; answer(): void; closed: boolean }[]; refuse: boolean | Promise<void> } {
  const transport = {
    made: [] as { lose(): void; answer(): void; closed: boolean }[],
    refuse: false as boolean | Promise<void>,
    connect: async (): Promise<Connection> => {
      if (typeof transport.refuse !== 'boolean') await transport.refuse;
      else if (transport.refuse === true) throw unreachable('pg1 refuses');
      let lost = (_error: UnreachableError): void => undefined;
      let finish = (_end: ExecEnd): void => undefined;
      const made = { lose: () => lost(unreachable('pg1 is lost')), answer: () => finish({ code: 0, stderr: '' }), closed: false };
      transport.made.push(made);
      return {
        exec: async () => ({
          ended: new Promise<ExecEnd>((resolve) => (finish = resolve)),
          closeInput: () => undefined,
          kill: () => undefined,
        }),
        onLost: (listener) => (lost = listener),
        close: async () => void (made.closed = true),
      };
    },
  };
  return transport;
}

describe('kept connections', () => {
  it('stay open when they are closed, until all of them are', async () => {
    const inner = byHand();
    const kept = new KeptConnections(inner, { patience: () => undefined });
    await (await kept.connect(TARGET)).close();
    await (await kept.connect(TARGET)).close();
    expect(inner.made.map(({ closed }) => closed)).toEqual([false]);
    await kept.close();
    expect(inner.made.map(({ closed }) => closed)).toEqual([true]);
  });

  it('are made again after they were lost, and after an attempt that failed', async () => {
    const inner = byHand();
    const kept = new KeptConnections(inner, { patience: () => undefined });
    await kept.connect(TARGET);
    inner.made[0]?.lose();
    inner.refuse = true;
    await expect(kept.connect(TARGET)).rejects.toThrow('pg1 refuses');
    inner.refuse = false;
    await kept.connect(TARGET);
    expect(inner.made).toHaveLength(2);
  });

  it('report a host that delays a survey, and use it again once it has answered', async () => {
    const inner = byHand();
    const kept = new KeptConnections(inner, { patience: () => 20 });
    const exec = await (await kept.connect(TARGET)).exec(REQUEST);
    expect((await exec.ended).error?.kind).toBe('ssh/silent');
    await expect(kept.connect(TARGET)).rejects.toThrow('pg1 has not answered for 1 s');
    inner.made[0]?.answer();
    await expect
      .poll(() =>
        kept.connect(TARGET).then(
          () => 'answers',
          () => 'silent',
        ),
      )
      .toBe('answers');
    expect(inner.made).toHaveLength(1);
  });

  it('are retried in parallel with surveys that must not wait', async () => {
    const inner = byHand();
    const kept = new KeptConnections(inner, { patience: () => undefined, aside: true });
    await kept.connect(TARGET);
    inner.made[0]?.lose();
    let open = (): void => undefined;
    inner.refuse = new Promise((resolve) => (open = resolve));
    // The attempt is still under way, and the look is told why there was none before.
    await expect(kept.connect(TARGET)).rejects.toThrow('pg1 is lost');
    open();
    await kept.connect(TARGET);
    expect(inner.made).toHaveLength(2);
  });
});
