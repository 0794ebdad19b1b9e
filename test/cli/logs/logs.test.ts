import { describe, expect, it } from 'vitest';
import { logs, type LogsOptions } from '../../../src/cli/logs/logs.js';
import type { Environment } from '../../../src/cli/pipeline/environment.js';
import { onThreeHosts } from '../three-hosts.js';

describe('pgprov logs', () => {
  onThreeHosts((three) => {
    const command =
      (options: LogsOptions = {}) =>
      (environment: Environment): Promise<number> =>
        logs(three.inventory, options, environment);

    it('names the hosts that are off, reads the others and exits with 3', async () => {
      const { exitCode, stderr, machines, journals } = await three.run(command(), { machines: { pg2: { unreachable: true } } });
      expect([exitCode, journals]).toEqual([3, 0]);
      expect(stderr).toContain('pg2 refuses');
      expect([machines.count('pg1'), machines.count('pg3'), machines.open.size]).toEqual([1, 1, 0]);
    });

    it('asks only the selected hosts', async () => {
      const { exitCode, machines } = await three.run(command({ host: ['pg3'] }), { machines: { pg2: { unreachable: true } } });
      expect([exitCode, [...machines.sent.keys()]]).toEqual([0, ['pg3']]);
    });

    it('refuses an invalid regular expression before it connects', async () => {
      const { thrown, exitCode, machines } = await three.run(command({ grep: '(' }));
      expect([thrown, exitCode, machines.sent.size]).toEqual(['logs/expression', 2, 0]);
    });
  });
});
