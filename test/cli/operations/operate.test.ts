import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { withOwnOptions } from '../../../src/cli/operations/command.js';
import { addOwnOperationCommand } from '../../../src/cli/operations/own-command.js';
import { resumeOptions } from '../../../src/cli/apply/resume.js';
import { runOperation, runWithSource, type OperateCommandOptions } from '../../../src/cli/operations/operate.js';
import { waysOut } from '../../../src/cli/operations/unfinished.js';
import type { Environment } from '../../../src/cli/pipeline/environment.js';
import snapshot from '../../../src/operations/snapshot.js';
import type { Operation } from '../../../src/plan/operation.js';
import { endOperation, readOperation, writeOperation, type OperationRecord } from '../../../src/store/operation-record.js';
import { thisProcess } from '../../../src/store/process.js';
import { readRuns } from '../../../src/store/run-record.js';
import { HOSTS, onThreeHosts } from '../three-hosts.js';

describe('the command of an operation', () => {
  onThreeHosts((three) => {
    const command =
      (options: OperateCommandOptions = {}) =>
      (environment: Environment): Promise<number> =>
        runOperation(three.operation, three.inventory, options, environment);
    const left = (): string[] => HOSTS.filter((host) => three.has(host));
    const record = (): Promise<unknown> => readOperation(three.at('.pgprov', 'demo'), three.inventory);

    it('shows its steps and asks, then takes them one by one on the same connections', async () => {
      three.give(...HOSTS);
      three.giveData('pg1');
      const { exitCode, asked, stdout, journals, events, machines } = await three.run(command(), { answer: true });
      expect([exitCode, asked, journals, left(), events]).toEqual([0, ['demo holds data. Carry out the sweep?'], 1, [], []]);
      expect(stdout).toMatch(/^1\. take the file of pg1 away\n {3}its readers fail\n[\s\S]*sweep: cluster demo, pg1, pg2, pg3/u);
      expect(readRuns(three.at('.pgprov', 'demo'))[0]?.head?.command).toBe('sweep');
      expect([await record(), machines.open.size]).toEqual([undefined, 0]);
    });

    it('names the run that it follows in its journal', async () => {
      three.give('pg1');
      await three.run((environment) =>
        runOperation(three.operation, three.inventory, { yes: true }, environment, { follows: 'the-apply' }),
      );
      expect(readRuns(three.at('.pgprov', 'demo'))[0]?.head).toMatchObject({ command: 'sweep', follows: 'the-apply' });
    });

    it('does nothing when the answer is no: exit code 130, no journal, no record', async () => {
      three.give(...HOSTS);
      three.giveData('pg1');
      const { exitCode, stdout, stderr, journals } = await three.run(command(), { answer: false });
      expect([exitCode, stderr, journals, await record(), left()]).toEqual([130, 'looking at pg1, pg2, pg3 …\n', 0, undefined, HOSTS]);
      expect(stdout.endsWith('\n\nNothing was changed.\n')).toBe(true);
    });

    it('does nothing when the cluster has changed while the question was open', async () => {
      three.give('pg1', 'pg3');
      three.giveData('pg1');
      const answer = (): boolean => {
        three.give('pg2');
        return true;
      };
      const { exitCode, stderr, journals } = await three.run(command(), { answer });
      expect([exitCode, journals, await record(), left()]).toEqual([4, 1, undefined, HOSTS]);
      expect(stderr).toContain('the cluster changed while the question was open');
    });

    it('does not ask with --yes, nor without data', async () => {
      three.give(...HOSTS);
      const empty = await three.run(command(), { answer: false });
      expect([empty.exitCode, empty.asked, left()]).toEqual([0, [], []]);
      three.give('pg2');
      three.giveData('pg1');
      const { exitCode, asked } = await three.run(command({ yes: true }), { answer: false });
      expect([exitCode, asked, left()]).toEqual([0, [], []]);
    });

    it('does nothing to a cluster with data where nobody can be asked', async () => {
      three.give(...HOSTS);
      three.giveData('pg1');
      const { exitCode, stdout, stderr, journals } = await three.run(command());
      expect([exitCode, stdout, journals, left()]).toEqual([2, '', 1, HOSTS]);
      expect(stderr).toContain('whether the sweep may begin');
    });

    it('only shows its steps with --check', async () => {
      three.give('pg1', 'pg2');
      three.giveData('pg1');
      const { exitCode, stdout, asked, journals } = await three.run(command({ check: true }), { answer: true });
      expect([exitCode, asked, journals, left()]).toEqual([0, [], 0, ['pg1', 'pg2']]);
      expect(stdout).toBe('1. take the file of pg1 away\n   its readers fail\n2. take the file of pg2 away\n   its readers fail\n');
    });

    it.each([{ check: true }, { check: false }])('prints only events with --output json (check: $check)', async ({ check }) => {
      three.give('pg1');
      const { exitCode, stdout, events } = await three.run(command({ output: 'json', yes: true, check }));
      expect([exitCode, events.length]).toEqual([0, stdout.trimEnd().split('\n').length]);
      expect([events[0]?.type, events.at(-1)?.type]).toEqual(['run-start', 'run-end']);
      const times = events.map((event) => Date.parse((event as unknown as { at: string }).at));
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(events.find(({ type }) => type === 'steps')).toMatchObject({ steps: [{ id: 'sweep/pg1' }] });
    });

    it('exits with 4 when a guard refuses, and journals it as what never began', async () => {
      three.give(...HOSTS);
      three.refuse();
      for (const [options, kept] of [
        [{}, 1],
        [{ yes: true }, 2],
        [{ check: true }, 2],
      ] as const) {
        const { exitCode, stdout, stderr, journals } = await three.run(command(options), { answer: true });
        expect([exitCode, stdout, journals, left()]).toEqual([4, '', kept, HOSTS]);
        expect(stderr).toContain('error: the guard objects');
      }
      const [run] = readRuns(three.at('.pgprov', 'demo'));
      expect(run?.head).toMatchObject({ command: 'sweep', unbegun: true });
      // What an apply is to resume is the last apply, whatever did not come to begin after it.
      await expect(resumeOptions(three.inventory, {})).rejects.toMatchObject({ kind: 'resume/no-run' });
    });

    it('exits with 3 when a host is out of reach', async () => {
      three.give(...HOSTS);
      const { exitCode, stdout, stderr, journals } = await three.run(command({ yes: true }), { machines: { pg3: { unreachable: true } } });
      expect([exitCode, stdout, journals, left()]).toEqual([3, '', 1, HOSTS]);
      expect(stderr).toContain('pg3 refuses');
    });

    it('says that there is nothing to do, does not ask, and leaves no journal', async () => {
      three.giveData('pg1');
      const { exitCode, stdout, asked, journals } = await three.run(command(), { answer: false });
      expect([exitCode, asked, journals]).toEqual([0, [], 0]);
      expect(stdout).toContain('No file is there.');
    });

    it('continues an interrupted operation with the options that it began with', async () => {
      three.give(...HOSTS);
      // The look, what the step asks, and the step itself, which is cut.
      const broken = await three.run(command({ yes: true, ...{ to: 'attic' } }), { machines: { pg1: { cutExec: 3 } } });
      expect(broken.exitCode).not.toBe(0);
      expect(await record()).toMatchObject({ operation: 'sweep', given: { to: 'attic' } });
      expect(await three.run(command({ yes: true, ...{ to: 'cellar' } }))).toMatchObject({
        exitCode: 2,
        thrown: 'operation/contradiction',
      });
      const { exitCode, stdout } = await three.run(command({ yes: true, resume: true }));
      expect([exitCode, left(), await record()]).toEqual([0, [], undefined]);
      expect(stdout).toContain('resuming the sweep --to attic that');
      expect((await three.run(command({ resume: true }))).stdout).toBe('Nothing to resume: no sweep of demo is unfinished.\n');
    });

    it('puts right what it left in the way of others before it is given up, and tells of hosts that do not answer', async () => {
      const steps: typeof three.operation.remaining = (run) => three.operation.remaining(run);
      const operation: typeof three.operation = {
        ...three.operation,
        hinders: {
          role: ({ options }) => ('to' in options ? 'site' : undefined),
          steps: (run) => steps(run).steps.flatMap((step) => ('on' in step ? step : [])),
          unasked: ({ view }) => (view.surveyed('pg3') ? undefined : 'pg3 keeps its file until the evening'),
        },
      };
      const sweep =
        (options: OperateCommandOptions) =>
        (environment: Environment): Promise<number> =>
          runOperation(operation, three.inventory, options, environment);
      const breakOff = async (to: object): Promise<void> => {
        three.give(...HOSTS);
        expect((await three.run(sweep({ yes: true, ...to }), { machines: { pg1: { cutExec: 3 } } })).exitCode).not.toBe(0);
        expect(await record()).toMatchObject({ operation: 'sweep' });
        three.give(...HOSTS);
      };
      await breakOff({ to: 'attic' });
      const { exitCode, stdout, asked } = await three.run(sweep({ giveUp: true }), { answer: false });
      expect([exitCode, left(), await record(), asked]).toEqual([0, [], undefined, []]);
      expect(stdout).toMatch(
        /take the file of pg1 away[^]*the sweep --to attic that \S+ began at \S+ is given up; the cluster stays as it is/u,
      );
      expect(readRuns(three.at('.pgprov', 'demo'))[0]?.head?.command).toBe('sweep --to attic --give-up');

      await breakOff({ to: 'attic' });
      const away = await three.run(sweep({ giveUp: true }), { machines: { pg3: { unreachable: true } } });
      expect([away.exitCode, left(), await record()]).toEqual([3, ['pg3'], undefined]);
      expect(away.stdout).toContain('pg3 keeps its file until the evening');

      // Nothing of that where what was chosen leaves nothing behind: no host is connected to.
      await breakOff({});
      const plain = await three.run(sweep({ giveUp: true }), {
        machines: Object.fromEntries(HOSTS.map((name) => [name, { unreachable: true }])),
      });
      expect([plain.exitCode, left(), await record()]).toEqual([0, HOSTS, undefined]);
    });

    it('resumes for the hosts that it began with, and for no others', async () => {
      three.give(...HOSTS);
      const chosen: (readonly string[] | undefined)[] = [];
      const operation: typeof three.operation = {
        ...three.operation,
        choosesHosts: true,
        remaining: (run) => {
          chosen.push(run.chosenHosts);
          return three.operation.remaining(run);
        },
      };
      const given =
        (options: OperateCommandOptions) =>
        (environment: Environment): Promise<number> =>
          runOperation(operation, three.inventory, { yes: true, ...options }, environment);
      const broken = await three.run(given({ host: ['pg1', 'pg2'] }), { machines: { pg1: { cutExec: 3 } } });
      expect(broken.exitCode).not.toBe(0);
      expect(await record()).toMatchObject({ hosts: ['pg1', 'pg2'] });
      expect(await three.run(given({ host: ['pg3'] }))).toMatchObject({ exitCode: 2, thrown: 'operation/contradiction' });
      chosen.splice(0);
      expect((await three.run(given({}))).exitCode).toBe(0);
      expect(new Set(chosen.map((names) => names?.join()))).toEqual(new Set(['pg1,pg2']));
    });

    it('reads a second cluster and goes on with that one alone, which its advice names', async () => {
      three.give(...HOSTS);
      const named: (string | undefined)[] = [];
      const operation: typeof three.operation = {
        ...three.operation,
        takesSource: true,
        sourceClient: () => undefined,
        remaining: (run) => {
          named.push(run.source?.inventory.cluster);
          return three.operation.remaining(run);
        },
      };
      const from =
        (cluster: string) =>
        (environment: Environment): Promise<number> => {
          const file = three.at(`${cluster}.yml`);
          writeFileSync(file, `cluster: ${cluster}\nroles: [site]\nhosts:\n  far: {address: 192.0.2.99}\n`);
          return runWithSource(operation, file, { yes: true, into: three.inventory } as OperateCommandOptions, environment);
        };
      const broken = await three.run(from('first'), { machines: { pg1: { cutExec: 3 } } });
      expect(broken.exitCode).not.toBe(0);
      expect(await record()).toMatchObject({ source: three.at('first.yml'), command: `sweep ${three.at('first.yml')}` });
      expect(await three.run(from('second'))).toMatchObject({ exitCode: 2, thrown: 'operation/contradiction' });
      const refused = three.run((environment) => runOperation({ ...three.operation, name: 'paint' }, three.inventory, {}, environment));
      expect(await refused).toMatchObject({ exitCode: 4, thrown: 'operation/unfinished' });
      const unfinished = (await readOperation(three.at('.pgprov', 'demo'), three.inventory)) as OperationRecord;
      expect(waysOut(unfinished, three.inventory)).toContain(
        `\`pgprov sweep ${three.at('first.yml')} --into ${three.inventory} --give-up\``,
      );
      expect((await three.run(from('first'))).exitCode).toBe(0);
      expect([new Set(named), left(), await record()]).toEqual([new Set(['first']), [], undefined]);
    });

    it('does not call an operation unfinished while another process carries it out', async () => {
      const store = three.at('.pgprov', 'demo');
      mkdirSync(store, { recursive: true });
      const began = { operation: 'switchover', given: {}, chosen: {}, began: '2026-11-28T09:00:00.000Z', by: 'ann@laptop' };
      await writeOperation(store, began);
      const { ticks: _, ...here } = thisProcess();
      writeFileSync(join(store, 'lock'), JSON.stringify({ ...here, pid: process.ppid, holder: 'ann@laptop (process 7)' }));
      const { exitCode, thrown } = await three.run(command({ check: true }));
      rmSync(join(store, 'lock'));
      await endOperation(store);
      expect([exitCode, thrown]).toEqual([5, 'lock/held']);
    });

    it('that changes nothing is held up by nothing, asks nobody, and leaves neither a record nor a journal', async () => {
      three.giveData('pg1');
      three.give('pg2');
      mkdirSync(three.at('.pgprov', 'demo'), { recursive: true });
      const begun = { operation: 'other', given: {}, chosen: {}, began: '2026-11-29T03:00:00Z', by: 'ann@laptop' };
      await writeOperation(three.at('.pgprov', 'demo'), begun);
      const { ticks: _, ...here } = thisProcess();
      writeFileSync(three.at('.pgprov', 'demo', 'lock'), JSON.stringify({ ...here, pid: process.ppid, holder: 'ann@laptop (process 7)' }));
      const { exitCode, asked, stdout, journals, machines } = await three.run((environment) =>
        runOperation(snapshot as Operation, three.inventory, {}, environment),
      );
      expect([exitCode, asked, journals, machines.open.size]).toEqual([0, [], 0, 0]);
      expect(stdout).toContain(`demo is saved in ${three.at('.pgprov', 'demo', 'snapshots')}/`);
      expect(await record()).toEqual(begun);
    });

    it('prints what it answers with --json and nothing else, also where what it is to prove does not hold', async () => {
      three.give(...HOSTS);
      const answering: Operation<{ json?: boolean }> = {
        name: 'look',
        description: 'looks',
        options: { json: { type: 'boolean', description: 'print as JSON' } },
        roles: three.operation.roles,
        requiresConverged: false,
        changesNothing: true,
        remaining: () => ({ steps: [] }),
        checks: ({ options }) => [{ title: 'it holds', ok: options.json !== true, detail: 'seen' }],
        answer: ({ inventory }) => ({ cluster: inventory.cluster }),
      };
      const look = (options: object): ReturnType<typeof three.run> =>
        three.run((environment) => runOperation(answering as Operation, three.inventory, options, environment));
      const answered = await look({ json: true });
      expect([answered.exitCode, JSON.parse(answered.stdout)]).toEqual([1, { cluster: 'demo' }]);
      expect(answered.stderr).toContain('it holds: seen');
      const shown = await look({});
      expect([shown.exitCode, shown.stdout.includes('"cluster"')]).toEqual([0, false]);
    });

    it('is refused when another run began or finished an operation after this one started, for example while it asked for a password', async () => {
      three.give(...HOSTS);
      const store = three.at('.pgprov', 'demo');
      const other = {
        operation: 'sweep',
        given: { to: 'attic' },
        chosen: { to: 'attic' },
        began: '2026-11-28T09:00:00.000Z',
        by: 'ann@laptop',
      };
      const meanwhile =
        (change: () => Promise<void>) =>
        (environment: Environment): Promise<number> =>
          runOperation(
            three.operation,
            three.inventory,
            { yes: true },
            {
              ...environment,
              transportTo: async (hosts) => {
                mkdirSync(store, { recursive: true });
                await change();
                return environment.transportTo(hosts);
              },
            },
          );
      for (const operation of ['sweep', 'switchover']) {
        await endOperation(store);
        const { exitCode, thrown } = await three.run(meanwhile(() => writeOperation(store, { ...other, operation })));
        const kind = operation === 'sweep' ? 'operation/meanwhile' : 'operation/unfinished';
        expect([exitCode, thrown, left(), await record()]).toEqual([4, kind, HOSTS, { ...other, operation }]);
      }
      await writeOperation(store, other);
      const finished = await three.run(meanwhile(() => endOperation(store)));
      expect([finished.exitCode, finished.thrown, left(), await record()]).toEqual([4, 'operation/meanwhile', HOSTS, undefined]);
    });

    it('resumes without the options that it began with, also where they have defaults', async () => {
      three.give(...HOSTS);
      const operation = { ...three.operation, options: { olderThan: { type: 'integer', default: 0, description: 'minutes' } } } as const;
      const sweep =
        (...words: string[]) =>
        (environment: Environment): Promise<number> => {
          const typed = withOwnOptions(new Command(), operation).parse(words, { from: 'user' }).opts();
          return runOperation(operation, three.inventory, { yes: true, ...typed }, environment);
        };
      expect((await three.run(sweep('--older-than', '60'), { machines: { pg1: { cutExec: 3 } } })).exitCode).not.toBe(0);
      expect(await record()).toMatchObject({ given: { olderThan: 60 } });
      expect(await three.run(sweep('--older-than', '0'))).toMatchObject({ exitCode: 2, thrown: 'operation/contradiction' });
      expect([(await three.run(sweep())).exitCode, left(), await record()]).toEqual([0, [], undefined]);
      three.give(...HOSTS);
      await three.run(sweep(), { machines: { pg1: { cutExec: 3 } } });
      expect(await record()).toMatchObject({ given: { olderThan: 0 } });
    });

    it('takes the answer to what an unfinished operation asks, and keeps it', async () => {
      three.give(...HOSTS);
      const operation: typeof three.operation = {
        ...three.operation,
        options: {
          to: { type: 'string', description: 'a place' },
          approve: { type: 'boolean', answers: true, description: 'go on' },
        },
        guards: ({ options, done }) =>
          'approve' in options || done.size === 0
            ? []
            : [{ kind: 'preflight', error: 'sweep/asks', message: 'is it well?', hint: '--approve' }],
      };
      const sweep =
        (options: object) =>
        (environment: Environment): Promise<number> =>
          runOperation(operation, three.inventory, { yes: true, ...options }, environment);
      expect(await three.run(sweep({ to: 'attic' }))).toMatchObject({
        exitCode: 1,
        stdout: expect.stringContaining('is it well?') as string,
      });
      expect(await record()).toMatchObject({ given: { to: 'attic' }, chosen: { to: 'attic' } });
      expect(await three.run(sweep({ to: 'cellar', approve: true }))).toMatchObject({ exitCode: 2, thrown: 'operation/contradiction' });
      expect((await three.run(sweep({ approve: true }), { machines: { pg2: { cutExec: 3 } } })).exitCode).not.toBe(0);
      expect(await record()).toMatchObject({ given: { to: 'attic', approve: true }, chosen: { to: 'attic', approve: true } });
      expect([(await three.run(sweep({}))).exitCode, left(), await record()]).toEqual([0, [], undefined]);
    });

    it('takes no other answer once it is taken back', async () => {
      three.give(...HOSTS);
      const operation: typeof three.operation = {
        ...three.operation,
        options: {
          approve: { type: 'boolean', answers: true, description: 'go on' },
          undo: { type: 'boolean', answers: 'takes-back', description: 'go back' },
        },
      };
      const sweep =
        (options: object) =>
        (environment: Environment): Promise<number> =>
          runOperation(operation, three.inventory, { yes: true, ...options }, environment);
      expect((await three.run(sweep({ approve: true }), { machines: { pg1: { cutExec: 3 } } })).exitCode).not.toBe(0);
      expect(await three.run(sweep({ approve: true, undo: true }))).toMatchObject({ exitCode: 2, thrown: 'operation/contradiction' });
      expect((await three.run(sweep({ undo: true }), { machines: { pg2: { cutExec: 3 } } })).exitCode).not.toBe(0);
      expect(await record()).toMatchObject({ given: { approve: true, undo: true } });
      expect(await three.run(sweep({ approve: true }))).toMatchObject({ exitCode: 2, thrown: 'operation/contradiction' });
      expect([(await three.run(sweep({}))).exitCode, left(), await record()]).toEqual([0, [], undefined]);
    });

    it('can give up a user’s operation whose file is gone', async () => {
      const own = { operation: 'operate reindex', given: {}, chosen: {}, began: '2026-11-28T09:00:00.000Z', by: 'ann@laptop' };
      await three.run(command({ check: true }));
      mkdirSync(three.at('.pgprov', 'demo'), { recursive: true });
      await writeOperation(three.at('.pgprov', 'demo'), own);
      const words = ['operate', 'reindex', three.inventory, '--give-up'];
      const codes: number[] = [];
      const program = new Command('pgprov').exitOverride();
      addOwnOperationCommand(program, (code) => codes.push(code), words);
      await program.parseAsync(words, { from: 'user' });
      expect([codes, await record()]).toEqual([[0], undefined]);
    });
  });
});
