import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apply } from '../../../src/cli/apply/apply.js';
import { diff, plan, type PlanOptions } from '../../../src/cli/apply/plan.js';
import type { Environment } from '../../../src/cli/pipeline/environment.js';
import { writeOperation } from '../../../src/store/operation-record.js';
import { HOSTS, onThreeHosts } from '../three-hosts.js';

describe('read-only commands', () => {
  onThreeHosts((three) => {
    const planning =
      (options: Partial<PlanOptions> = {}) =>
      (environment: Environment): Promise<number> =>
        plan(three.inventory, { diff: true, ...options }, environment);
    const diffing =
      (options: Partial<PlanOptions> & { quiet?: boolean } = {}) =>
      (environment: Environment): Promise<number> =>
        diff(three.inventory, { diff: true, ...options }, environment);
    const made = (): string[] => HOSTS.filter((host) => three.has(host));

    it('plan shows what would change, takes no lock, keeps no journal, and does not ask', async () => {
      three.giveData('pg1');
      const { exitCode, stdout, stderr, asked, journals, machines } = await three.run(planning(), { answer: true });
      expect([exitCode, stderr, asked, journals, made()]).toEqual([0, '', [], 0, []]);
      expect(stdout).toContain('pg1: 1 change, pg2: 1 change, pg3: 1 change');
      expect(machines.sent.get('pg1')?.[0]).not.toContain('flock');
      expect(existsSync(three.at('.pgprov', 'demo', 'lock'))).toBe(false);
    });

    it('plan exits with 6 when asked to, and prints events with --output json', async () => {
      expect((await three.run(planning({ detailedExitcode: true }))).exitCode).toBe(6);
      const { exitCode, stdout, events } = await three.run(planning({ detailedExitcode: true, output: 'json' }));
      expect(exitCode).toBe(6);
      expect(events).toHaveLength(stdout.trimEnd().split('\n').length);
      expect(events.find(({ type }) => type === 'planned')).toMatchObject({ changes: [{ host: 'pg1' }, { host: 'pg2' }, { host: 'pg3' }] });
    });

    it('plan and apply --check say which operation is not finished, because apply is refused until then', async () => {
      const store = three.at('.pgprov', 'demo');
      mkdirSync(store, { recursive: true });
      await writeOperation(store, { operation: 'recover', given: {}, chosen: {}, began: '2026-11-28T09:00:00.000Z', by: 'ann@laptop' });
      const checking = (environment: Environment): Promise<number> => apply(three.inventory, { check: true }, environment);
      for (const asked of [planning(), checking]) {
        const { exitCode, stderr } = await three.run(asked);
        expect(exitCode).toBe(0);
        expect(stderr).toMatch(/^warning: the recover that ann@laptop began at .* is not finished.*; finish it with `pgprov recover /u);
      }
    });

    it('plan says that there is nothing to do', async () => {
      three.give(...HOSTS);
      const { exitCode, stdout } = await three.run(planning({ detailedExitcode: true }));
      expect([exitCode, stdout]).toEqual([0, 'No changes. The cluster is as the inventory says.\n']);
    });

    it('plan -o saves a plan, which apply carries out after a question on a terminal only', async () => {
      three.giveData('pg1');
      const out = three.at('plan.json');
      const kept = await three.run(planning({ out }));
      expect(kept.stdout).toContain(`Kept in ${out}`);
      expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({
        pgprov_plan: 2,
        changes: [{ host: 'pg1' }, { host: 'pg2' }, { host: 'pg3' }],
      });
      const carrying = (environment: Environment): Promise<number> => apply(out, {}, environment);
      const declined = await three.run(carrying, { answer: false });
      expect([declined.exitCode, declined.asked.length, made()]).toEqual([130, 1, []]);
      const { exitCode, asked } = await three.run(carrying);
      expect([exitCode, asked, made()]).toEqual([0, [], HOSTS]);
    });

    it('apply refuses a plan, before it asks, when the hosts have changed since', async () => {
      three.giveData('pg1');
      const out = three.at('plan.json');
      await three.run(planning({ out }));
      three.give('pg2');
      const { exitCode, asked, stderr } = await three.run((environment) => apply(out, {}, environment), { answer: true });
      expect([exitCode, asked, made()]).toEqual([4, [], ['pg2']]);
      expect(stderr).toContain('the hosts are not as they were when the plan was made');
    });

    it('diff exits with 6 where hosts have drifted, and with 0 where they have not', async () => {
      three.give('pg1', 'pg2');
      const drifted = await three.run(diffing());
      expect(drifted.exitCode).toBe(6);
      expect(drifted.stdout).toContain('pg3');
      three.give('pg3');
      expect((await three.run(diffing())).exitCode).toBe(0);
      const quiet = await three.run(diffing({ quiet: true }));
      expect([quiet.exitCode, quiet.stdout, quiet.stderr]).toEqual([0, '', '']);
    });

    it.each([
      { what: 'a refusal', exitCode: 4, says: 'the guard objects', around: {}, refuses: true },
      {
        what: 'that hosts are out of reach',
        exitCode: 3,
        says: 'pg2 refuses',
        around: { machines: { pg2: { unreachable: true } } },
        refuses: false,
      },
    ])('report on stderr $what, and print no answer', async ({ exitCode, says, around, refuses }) => {
      if (refuses) three.refuse();
      for (const command of [planning(), diffing(), diffing({ quiet: true })]) {
        const ended = await three.run(command, around);
        expect([ended.exitCode, ended.stdout]).toEqual([exitCode, '']);
        expect(ended.stderr).toContain(says);
      }
    });
  });
});
