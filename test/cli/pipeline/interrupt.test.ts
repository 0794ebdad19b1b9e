import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/lib/package-root.js';
import { freshDirectory } from '../../support/directory.js';
import { patience } from '../../support/patience.js';

const from = (module: string): string => JSON.stringify(`${packageRoot()}/${module}`);

interface Running {
  child: ChildProcess;
  printed(pattern: RegExp): Promise<void>;
  /** Its exit code or signal, and all that it printed. */
  ended(): Promise<[number | string | null, string]>;
}

describe('a run that is told to end', () => {
  const work = freshDirectory();

  /** A run whose two hosts are at a step, until it is told on its stdin that they are through. */
  function start(): Running {
    const file = work.at('run.mts');
    writeFileSync(
      file,
      `
      import { once } from 'node:events';
      const { Showing } = await import(${from('src/cli/pipeline/showing.ts')});
      const { onInterrupt } = await import(${from('src/cli/pipeline/interrupt.ts')});
      const { RunClock } = await import(${from('src/cli/pipeline/timings.ts')});
      const environment = { out: process.stdout, err: process.stderr, variables: {}, now: () => new Date() };
      const inventory = { file: '/srv/inventory.yml', cluster: 'demo', rolesPath: [], dir: ${JSON.stringify(work.path)} };
      const showing = await Showing.open(
        { shows: 'run', journal: { aim: {}, set: [] } },
        { environment, form: { kind: 'plain', color: false }, clock: new RunClock({}), inventory, store: ${JSON.stringify(work.at('store'))} },
      );
      const controller = new AbortController();
      const stop = onInterrupt(controller, (how) => showing.interrupted(how), () => void showing.leave().finally(() => process.exit(130)));
      const hosts = ['pg1', 'pg2'];
      const stage = 'postgresql/packages';
      const stages = [{ id: stage, role: 'postgresql', title: 'install PostgreSQL', hosts }];
      showing.emit({ type: 'run-start', command: 'apply', cluster: 'demo', hosts, stages });
      for (const host of hosts) showing.emit({ type: 'step-start', host, stage, changes: 1 });
      showing.emit({ type: 'note', text: 'ready' });
      await once(process.stdin, 'data');
      for (const host of hosts) showing.emit({ type: 'step-end', host, stage, result: 'changed', changes: 1, ms: 9 });
      const recap = hosts.map((host) => ({ host, ok: 0, changed: 1, failed: 0, skipped: 0, remarks: [] }));
      showing.emit({ type: 'run-end', exitCode: 130, ms: 9000, recap });
      stop();
      await showing.close();
      process.exit(controller.signal.aborted ? 3 : 0);
    `,
    );
    const child = spawn(process.execPath, ['--import', 'tsx', file], { cwd: packageRoot(), stdio: 'pipe' });
    let all = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (all += chunk.toString('utf8')));
    const ended = new Promise<number | string | null>((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
    return {
      child,
      printed: (pattern) => expect.poll(() => all, { timeout: patience(30_000), interval: 20 }).toMatch(pattern),
      ended: async () => [await ended, all],
    };
  }

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'says at once what is finished, and at the end that nothing is left (%s)',
    async (signal) => {
      const run = start();
      await run.printed(/ready/u);
      run.child.kill(signal);
      await run.printed(/: finishing postgresql\/packages on pg1, pg2; nothing new is begun/u);
      run.child.stdin?.write('\n');
      const [code, all] = await run.ended();
      expect(code, all).toBe(3);
      expect(all).toContain(
        'Interrupted after 9 s. Made 2 changes on 2 hosts. No step is under way on any host; `pgprov apply /srv/inventory.yml --resume` continues.',
      );
      expect(all.includes('Ctrl-C again leaves at once')).toBe(signal !== 'SIGHUP');
    },
  );

  it('takes a signal that comes twice at once for one', async () => {
    const run = start();
    await run.printed(/ready/u);
    // As `timeout` does: to the process, and to its group.
    run.child.kill('SIGTERM');
    run.child.kill('SIGTERM');
    await run.printed(/interrupted: finishing/u);
    run.child.stdin?.write('\n');
    const [code, all] = await run.ended();
    expect([code, all.match(/interrupted:/gu)?.length], all).toEqual([3, 1]);
  });

  it('says at the second one what the hosts are still at, and leaves', async () => {
    const run = start();
    await run.printed(/ready/u);
    run.child.kill('SIGINT');
    await run.printed(/interrupted: finishing/u);
    const again = setInterval(() => run.child.kill('SIGINT'), 400);
    const [code, all] = await run.ended();
    clearInterval(again);
    expect(code, all).toBe(130);
    expect(all).toContain(
      'left at once: still at work: postgresql/packages on pg1, pg2; `pgprov apply /srv/inventory.yml --resume` waits for pg1, pg2 and continues',
    );
  });
});
