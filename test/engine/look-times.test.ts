import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.js';
import type { Role } from '../../src/plan/role.js';
import type { Observation } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { HOSTS, onThreeHosts, type Ran } from './three-hosts.js';

/** Milliseconds between the moment at which the run heard that a probe had begun and the one at which the probe may end. */
const TAKES = 20;

onThreeHosts(({ work, run: runOn, role, stage, make }) => {
  describe('the recorded times', () => {
    // A busy machine may hear that a probe began together with its end, and what takes no time is not told; so each waits until it was
    // heard of.
    const run = (catalog: readonly Role[], options: Parameters<typeof runOn>[1] = {}): Promise<Ran> =>
      runOn(catalog, {
        ...options,
        heard: (host, said) =>
          [...said.matchAll(/ begin see:(slow|of-looks|of-first)$/gmu)].forEach(([, id = '']) =>
            setTimeout(() => writeFileSync(work.at(host, id), ''), TAKES),
          ),
      });
    const observed = (host: string, id: string, when: Observation['when'] = 'everyStep'): Observation => ({
      id,
      when,
      probe: () => sh`until [ -e ${work.at(host, id)} ]; do sleep 0.02; done; rm ${work.at(host, id)}`,
      parse: () => true,
    });
    const slow = role('web', {
      observations: ({ host: { name } }) => [
        observed(name, 'slow'),
        observed(name, 'of-looks', 'startAndEnd'),
        observed(name, 'of-first', 'start'),
      ],
      stages: (context) => [stage('one', [make(context, 'quick')])],
    });
    const of = <Type extends RunEvent['type']>({ events }: Ran, type: Type): Extract<RunEvent, { type: Type }>[] =>
      events.filter((event) => event.type === type) as Extract<RunEvent, { type: Type }>[];

    it('are those of each probe, in the first survey and the last', async () => {
      const ran = await run([slow]);
      for (const type of ['surveyed', 'surveyed-again'] as const) {
        expect(
          of(ran, type)
            .map(({ host }) => host)
            .sort(),
        ).toEqual(HOSTS);
        for (const { ms, times } of of(ran, type)) {
          const { overheadMs = -1, probes = [] } = times ?? {};
          expect(probes.find(({ id }) => id === 'slow')?.ms).toBeGreaterThanOrEqual(TAKES - 1);
          expect(overheadMs).toBeGreaterThan(0);
          expect(overheadMs + probes.reduce((sum, probe) => sum + probe.ms, 0)).toBeLessThanOrEqual(ms + probes.length + 2);
        }
      }
    });

    it('are those of the questions asked at that moment', async () => {
      const ran = await run([slow]);
      const asked = (type: 'surveyed' | 'surveyed-again'): string[] => (of(ran, type)[0]?.times?.probes ?? []).map(({ id }) => id).sort();
      expect(asked('surveyed')).toEqual(expect.arrayContaining(['of-first', 'of-looks', 'slow']));
      expect(asked('surveyed-again')).toEqual(['of-looks', 'slow']);
      const [look, step, last] = ran.machines.sent.get('pg1') ?? [];
      expect(
        [look, step, last].map((script) =>
          ['slow', 'of-looks', 'of-first'].filter((id) => script?.split('\n').includes(`pgprov_mark begin see:${id}`)),
        ),
      ).toEqual([['slow', 'of-looks', 'of-first'], ['slow'], ['slow', 'of-looks']]);
    });

    it('include the second survey of a host that runs another system than last time', async () => {
      const ran = await run([slow], { mode: 'plan', machines: { pg2: { os: 'rocky', version: '9.4' } } });
      const probes = of(ran, 'surveyed').map(({ host, times }) => [host, times?.probes.filter(({ id }) => id === 'slow').length]);
      expect(Object.fromEntries(probes)).toEqual({ pg1: 1, pg2: 2, pg3: 1 });
    });

    it('show what went before, the wait for a handshake, and how many scripts were sent', async () => {
      const ran = await run([slow], { startUp: { processMs: 300, askMs: 4000 } });
      expect(of(ran, 'run-start')[0]?.startUp).toEqual({ processMs: 300, askMs: 4000, keysMs: expect.any(Number) as number });
      expect(of(ran, 'connected').map(({ queuedMs }) => queuedMs)).toEqual([0, 0, 0]);
      expect(
        of(ran, 'disconnected')
          .map(({ host, scripts }) => [host, scripts])
          .sort(),
      ).toEqual(HOSTS.map((host) => [host, ran.machines.count(host)]));
      expect(ran.machines.count('pg1')).toBe(3);
      expect(of(ran, 'run-end')[0]?.cpuMs).toBeGreaterThan(0);
      const again = await run([slow]);
      expect(of(again, 'surveyed-again')).toEqual([]);
      expect(of(again, 'disconnected').map(({ scripts }) => scripts)).toEqual([1, 1, 1]);
    });
  });
});
