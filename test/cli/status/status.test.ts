import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../src/cli/pipeline/environment.js';
import { check } from '../../../src/cli/status/check.js';
import { status, type StatusOptions } from '../../../src/cli/status/status.js';
import { CHECKS } from '../../../src/report/check-names.js';
import { endOperation, writeOperation } from '../../../src/store/operation-record.js';
import { storeDirectory } from '../../../src/store/store.js';
import { onThreeHosts } from '../three-hosts.js';

describe('pgprov status', () => {
  onThreeHosts((three) => {
    const command =
      (options: StatusOptions = {}) =>
      (environment: Environment): Promise<number> =>
        status(three.inventory, options, environment);

    it('takes no lock, keeps no journal, does not ask, and prints only its answer', async () => {
      three.giveData('pg1');
      const { exitCode, stdout, stderr, asked, journals, machines } = await three.run(command(), { answer: true });
      expect([exitCode, stderr, asked, journals]).toEqual([0, '', [], 0]);
      expect(stdout).toContain('healthy');
      expect(machines.sent.get('pg1')?.[0]).not.toContain('flock');
      expect(machines.open.size).toBe(0);
    });

    it('prints its times in the JSON, and below the text', async () => {
      const { stdout } = await three.run(command({ json: true, timings: true }));
      expect(JSON.parse(stdout)).toMatchObject({ cluster: 'demo', timings: { hosts: [{ scripts: 1 }, { scripts: 1 }, { scripts: 1 }] } });
      expect((await three.run(command({ timings: true }))).stdout).toMatch(/healthy[\s\S]*the run waited for/u);
    });

    it('names an operation that is not finished first, with the commands that end it', async () => {
      three.giveData('pg1');
      const began = { operation: 'restart', given: {}, chosen: {}, began: '2026-11-28T09:30:00.123Z', by: 'ann@laptop' };
      const store = storeDirectory(dirname(three.inventory), 'demo');
      mkdirSync(store, { recursive: true });
      await writeOperation(store, began);
      const text = (await three.run(command())).stdout;
      expect(text.split('\n\n')[0]).toMatch(
        /the restart that ann@laptop began at 2026-11-28T09:30:00Z is not finished, .*`pgprov restart .*`, or give it up with `pgprov restart .* --give-up`/u,
      );
      expect(text.replaceAll(/\s+/gu, ' ')).toMatch(
        /which `pgprov apply [^`]*` refuses to end until what was begun is over: finish it with `pgprov restart [^`]*`, or give it up with/u,
      );
      expect(JSON.parse((await three.run(command({ json: true }))).stdout)).toMatchObject({
        unfinished: expect.stringContaining('the restart that ann@laptop began') as string,
      });
      await endOperation(store);
    });

    it('answers as a plugin of a monitoring system, whatever it meets', async () => {
      three.giveData('pg1');
      const asked: StatusOptions = { check: ['members', 'differences', 'backup'] };
      const checked =
        (options: StatusOptions, file = three.inventory) =>
        (environment: Environment) =>
          check(file, options, environment);
      const well = await three.run(checked({ check: ['members'] }));
      expect([well.exitCode, well.stderr, well.stdout.split('\n')[0]]).toEqual([
        0,
        '',
        expect.stringMatching(/^PGPROV OK - demo: members: /u),
      ]);
      const away = await three.run(checked({ check: ['members'] }), { machines: { pg2: { unreachable: true } } });
      expect([away.exitCode, away.stdout.split('\n')[0]]).toEqual([
        3,
        expect.stringMatching(/^PGPROV UNKNOWN - demo: members: pg2 refuses/u),
      ]);
      const none = await three.run(checked(asked));
      expect([none.exitCode, none.stdout]).toEqual([
        1,
        expect.stringMatching(/\[WARNING\] differences: .*\n\[UNKNOWN\] backup: no host has the role backup/u),
      ]);
      const all = await three.run(checked({ check: CHECKS }));
      expect(all.stdout).toContain('] differences: ');
      expect(all.stdout).not.toContain('backup');
      const missing = await three.run(checked(asked, `${three.inventory}.not`));
      expect([missing.exitCode, missing.stdout]).toEqual([3, expect.stringMatching(/^PGPROV UNKNOWN - /u)]);
    });

    it('reports an unreachable host in its answer, not next to it', async () => {
      const { exitCode, stdout, stderr } = await three.run(command({ json: true }), { machines: { pg2: { unreachable: true } } });
      expect([exitCode, stderr]).toEqual([3, '']);
      expect(JSON.parse(stdout)).toMatchObject({ problems: ['pg2 refuses'] });
    });
  });
});
