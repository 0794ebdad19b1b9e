import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apply, type ApplyOptions } from '../../../src/cli/apply/apply.js';
import { keepGoing } from '../../../src/cli/display.js';
import type { Environment } from '../../../src/cli/pipeline/environment.js';
import { readRuns, type RunRecord } from '../../../src/store/run-record.js';
import { summariseRun } from '../../../src/store/run-summary.js';
import { writeRotation } from '../../../src/store/password-rotation.js';
import { HOSTS, onThreeHosts } from '../three-hosts.js';

/** A stream of the display that is on a full disk. */
async function fullDisk(name = 'stdout'): Promise<NodeJS.WriteStream> {
  const stream = createWriteStream('/dev/full');
  await once(stream, 'open');
  keepGoing(name, stream as unknown as NodeJS.WriteStream);
  return stream as unknown as NodeJS.WriteStream;
}

/** A stream of the display whose reader is gone. */
async function closedPipe(): Promise<NodeJS.WriteStream> {
  const reader = spawn('true', { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(reader, 'exit');
  const stream = reader.stdin as unknown as NodeJS.WriteStream;
  keepGoing('stdout', stream);
  return stream;
}

describe('pgprov apply', () => {
  onThreeHosts((three) => {
    const command =
      (options: ApplyOptions = {}) =>
      (environment: Environment): Promise<number> =>
        apply(three.inventory, options, environment);
    const made = (): string[] => HOSTS.filter((host) => three.has(host));

    it('is refused with an inventory that has no directory, where the store would be', async () => {
      expect(await three.run((environment) => apply('/dev/stdin', {}, environment))).toMatchObject({
        thrown: 'inventory/no-place',
        exitCode: 2,
      });
    });

    it('names the command that finishes an unfinished change of a password', async () => {
      mkdirSync(three.at('.pgprov', 'demo'), { recursive: true });
      await writeRotation(three.at('.pgprov', 'demo'), { path: 'replication.password', from: 'old', to: 'new' });
      const { stdout } = await three.run(command());
      expect(stdout).toContain(`\`pgprov secrets rotate replication.password ${three.inventory}\` finishes it`);
    });

    it('asks nobody where no host has data and there is no terminal, and keeps a journal', async () => {
      const { exitCode, asked, stdout, journals } = await three.run(command());
      expect([exitCode, asked, journals, made()]).toEqual([0, [], 1, HOSTS]);
      expect(stdout).toContain('Done in');
    });

    it('shows a summary where no host has data, and asks at a terminal', async () => {
      const no = await three.run(command(), { answer: false });
      expect([no.exitCode, no.asked, no.journals, made()]).toEqual([130, ['demo holds no data yet. Apply these changes?'], 0, []]);
      expect(no.stdout).toBe(`  make the file  3 changes on pg1, pg2, pg3

pg1: 1 change, pg2: 1 change, pg3: 1 change
Nothing that runs now is restarted or reloaded.
\`pgprov plan ${three.inventory}\` shows each change.

Nothing was changed.
`);
      const yes = await three.run(command(), { answer: true });
      expect([yes.exitCode, yes.asked.length, yes.journals, made()]).toEqual([0, 1, 1, HOSTS]);
    });

    it.each<ApplyOptions>([{ yes: true }, { output: 'json' }])('asks nobody where no host has data, with %o', async (options) => {
      const { exitCode, asked } = await three.run(command(options), { answer: false });
      expect([exitCode, asked, made()]).toEqual([0, [], HOSTS]);
    });

    it('shows the plan and asks before it changes a cluster with data, then applies it on the same connections', async () => {
      three.giveData('pg2');
      const { exitCode, asked, stdout, machines, journals } = await three.run(command(), { answer: true });
      expect([exitCode, asked, journals, made()]).toEqual([0, ['demo holds data. Apply these changes?'], 1, HOSTS]);
      expect(stdout).toMatch(/^pg1, pg2, pg3 {2}1 change each$[\s\S]*apply: cluster demo, pg1, pg2, pg3/mu);
      // The look, the look after the answer, the step, and the look that proves it.
      expect(HOSTS.map((host) => machines.count(host))).toEqual([4, 4, 4]);
      expect(machines.open.size).toBe(0);
    });

    it('changes nothing when the answer is no, and leaves no journal', async () => {
      three.giveData('pg1');
      const { exitCode, asked, stdout, stderr, journals, machines } = await three.run(command(), { answer: false });
      expect([exitCode, asked.length, journals, made()]).toEqual([130, 1, 0, []]);
      expect(stdout.endsWith('\n\nNothing was changed.\n')).toBe(true);
      expect(stdout).not.toContain('apply: cluster');
      expect(stderr).toBe('looking at pg1, pg2, pg3 …\n');
      expect(machines.open.size).toBe(0);
    });

    it('changes nothing when the hosts have changed while the question was open', async () => {
      three.giveData('pg1');
      const answer = (): boolean => {
        three.give('pg3');
        return true;
      };
      const { exitCode, stderr, journals } = await three.run(command(), { answer });
      expect([exitCode, journals, made()]).toEqual([4, 1, ['pg3']]);
      expect(stderr).toContain('pg3: make the file (in the plan, not so now)');
    });

    it('keeps the local lock while the question is open, so that another run learns who holds it', async () => {
      three.giveData('pg1');
      let second: { exitCode: number; thrown: string | undefined } | undefined;
      const { exitCode } = await three.run(
        async (environment) =>
          apply(
            three.inventory,
            {},
            {
              ...environment,
              confirm: async () => {
                second = await three.run(command({ yes: true }));
                return true;
              },
            },
          ),
        { answer: true },
      );
      expect([exitCode, second?.exitCode, second?.thrown]).toEqual([0, 5, 'lock/held']);
    });

    it('does not ask with --yes', async () => {
      three.giveData('pg1');
      const { exitCode, asked, machines } = await three.run(command({ yes: true }), { answer: false });
      expect([exitCode, asked, made()]).toEqual([0, [], HOSTS]);
      expect(machines.count('pg1')).toBe(3);
    });

    it.each<ApplyOptions>([{}, { output: 'json' }, { diff: true }])(
      'does not change a cluster with data where nobody can be asked: %o',
      async (options) => {
        three.giveData('pg1');
        const { exitCode, stdout, stderr } = await three.run(command(options), options.output === 'json' ? { answer: true } : {});
        expect([exitCode, made()]).toEqual([2, []]);
        expect(stdout + stderr).toContain('there is no terminal to ask on');
      },
    );

    it('shows the differences with --diff, and does not ask with --yes', async () => {
      three.giveData('pg1');
      const { exitCode, asked, stdout } = await three.run(command({ diff: true, yes: true }), { answer: false });
      expect([exitCode, asked, made()]).toEqual([0, [], HOSTS]);
      expect(stdout).toMatch(/^pg1, pg2, pg3 {2}1 change each$[\s\S]*apply: cluster demo/mu);
    });

    it('says before it asks that --restart comes afterwards, and does not restart after a no', async () => {
      three.giveData('pg1');
      const { exitCode, asked, stdout } = await three.run(command({ restart: true }), { answer: false });
      expect([exitCode, asked.length, made()]).toEqual([130, 1, []]);
      expect(stdout).toContain(`then, as --restart says, \`pgprov restart ${three.inventory} --pending\` runs`);
      expect((await three.run(command({ restart: true, check: true }))).stdout).toContain('then, as --restart says, ');
      expect((await three.run(command({ check: true }))).stdout).not.toContain('pgprov restart');
    });

    it('restarts what is pending once its changes are made', async () => {
      const { thrown, journals } = await three.run(command({ restart: true, yes: true }));
      // These hosts have no Patroni.
      expect([thrown, journals, made()]).toEqual(['restart/no-host', 1, HOSTS]);
    });

    it('only shows the plan with --check', async () => {
      const { exitCode, stdout, journals } = await three.run(command({ check: true }), { answer: true });
      expect([exitCode, journals, made()]).toEqual([0, 0, []]);
      expect(stdout).toContain('pg1, pg2, pg3  1 change each');
    });

    it('prints only events with --output json, in the order of the run', async () => {
      const { exitCode, stdout, events } = await three.run(command({ output: 'json', yes: true, timings: true }));
      expect(exitCode).toBe(0);
      expect(events).toHaveLength(stdout.trimEnd().split('\n').length);
      expect(events[0]).toMatchObject({ type: 'run-start', command: 'apply', run: expect.any(String) as string });
      expect(events.slice(-2).map(({ type }) => String(type))).toEqual(['run-end', 'timings']);
    });

    it.each([{ terminal: true }, { terminal: false }])(
      'exits with 4 when a guard refuses, and journals it, on a terminal ($terminal)',
      async ({ terminal }) => {
        three.refuse();
        const { exitCode, stdout, stderr, journals } = await three.run(command(), terminal ? { answer: true } : {});
        expect([exitCode, journals, made()]).toEqual([4, 1, []]);
        expect(terminal ? stderr : stdout).toContain('error: the guard objects');
        if (terminal) expect(stdout).toBe('');
      },
    );

    it.each([{ terminal: true }, { terminal: false }])(
      'exits with 3 when a host is out of reach (terminal: $terminal)',
      async ({ terminal }) => {
        const around = { machines: { pg2: { unreachable: true } }, ...(terminal ? { answer: true } : {}) };
        const { exitCode, stdout, stderr } = await three.run(command(), around);
        expect([exitCode, made()]).toEqual([3, []]);
        expect(terminal ? stderr : stdout).toContain('pg2 refuses');
        const [run] = readRuns(three.at('.pgprov', 'demo'));
        const { ending, broke, ms } = summariseRun(run as RunRecord);
        expect([ending, broke, run?.head?.unbegun]).toEqual([
          'unreachable',
          [{ host: 'pg2', stage: 'connect' }],
          terminal ? true : undefined,
        ]);
        // It began with its look.
        const times = [run?.head, ...(run?.events ?? [])].map((entry) => Date.parse(entry?.at ?? ''));
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(ms).toBeGreaterThanOrEqual(0);
      },
    );

    it('does not ask when there is nothing to do, and says so', async () => {
      three.give(...HOSTS);
      three.giveData('pg1');
      const { exitCode, asked, stdout, journals, machines } = await three.run(command(), { answer: true });
      expect([exitCode, asked, journals, machines.count('pg1')]).toEqual([0, [], 1, 1]);
      expect(stdout).toContain('No changes: 3 hosts are as the inventory says');
    });

    it('does not count the time of the question as its own, and shows it separately with --timings', async () => {
      three.giveData('pg1');
      const { stdout } = await three.run(
        async (environment) =>
          apply(
            three.inventory,
            { timings: true },
            {
              ...environment,
              confirm: async () => {
                await new Promise((resolve) => setTimeout(resolve, 300));
                return true;
              },
            },
          ),
        { answer: true },
      );
      expect(stdout).toMatch(/your answer +0\.\d+ s/u);
      const [run] = readRuns(three.at('.pgprov', 'demo'));
      const answered = run?.events.find(({ type }) => type === 'answered');
      const kinds = (run?.events ?? []).map(({ type }) => type);
      expect(kinds.slice(kinds.indexOf('answered') + 1, kinds.indexOf('stage-start'))).toEqual(['surveyed', 'surveyed', 'surveyed']);
      const asked = answered?.type === 'answered' ? answered.ms : 0;
      const ended = run?.events.find((event) => event.type === 'run-end') as { ms: number; at: string } | undefined;
      // What was held back is journaled with the time at which it happened.
      const times = [run?.head, ...(run?.events ?? [])].map((entry) => Date.parse(entry?.at ?? ''));
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(asked).toBeGreaterThanOrEqual(290);
      // Were the answer counted twice, this would be too long by just that.
      expect((ended?.ms ?? Infinity) + asked).toBeLessThan(Date.parse(ended?.at ?? '') - (times[0] ?? 0) + 250);
    });

    it.each<{ where: string; open(): Promise<NodeJS.WriteStream>; output?: 'json' }>([
      { where: 'a full disk', open: fullDisk },
      { where: 'a full disk', open: fullDisk, output: 'json' },
      { where: 'a pipe that nobody reads', open: closedPipe },
    ])('goes on where its stdout is $where ($output), journals, and says so at the end', async ({ where, open, output }) => {
      const out = await open();
      const { exitCode, stderr } = await three.run((environment) =>
        apply(three.inventory, { yes: true, ...(output === undefined ? {} : { output }) }, { ...environment, out }),
      );
      expect([exitCode, made()], stderr).toEqual([0, HOSTS]);
      const [run] = readRuns(three.at('.pgprov', 'demo'));
      const why = where === 'a full disk' ? 'stdout cannot be written (ENOSPC: no space left on device)' : 'nobody reads stdout any more';
      expect(run?.events.flatMap((event) => (event.type === 'warning' ? event.text : []))).toEqual([expect.stringContaining(why)]);
      expect(run?.events.at(-1)?.type).toBe('run-end');
      expect(stderr).toContain(`warning: ${why}`);
      expect(stderr).toMatch(/Done in .* s: 3 changes on 3 hosts\. `pgprov runs show [^`]*` shows all of it\.\n$/u);
      expect(stderr).toContain(`runs show ${three.inventory} ${run?.id}`);
    });

    it('goes on where its stderr is on a full disk, and says so on stdout', async () => {
      const err = await fullDisk('stderr');
      err.write('before the run\n');
      const { exitCode, stdout } = await three.run((environment) => apply(three.inventory, { yes: true }, { ...environment, err }));
      expect([exitCode, made()]).toEqual([0, HOSTS]);
      expect(stdout).toContain('warning: stderr cannot be written (ENOSPC: no space left on device); the run goes on without it');
    });

    it('writes the page for a run that was declined', async () => {
      three.giveData('pg1');
      const page = three.at('page.html');
      const { exitCode } = await three.run(command({ report: page }), { answer: false });
      expect(exitCode).toBe(130);
      const text = readFileSync(page, 'utf8');
      expect(text).toMatch(/<dt>Exit code<\/dt><dd>130<\/dd>/u);
      expect(text).toContain('first look');
    });
  });
});
