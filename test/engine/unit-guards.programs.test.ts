import { handle } from '../../src/resources/handle.js';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Role, RoleContext, UnitGuard } from '../../src/plan/role.js';
import type { Observation, Resource } from '../../src/resources/resource.js';
import { type Script, sh } from '../../src/shell/quote.js';
import { DEPTH, MATRIX, SEED } from '../support/depth.js';
import { patience } from '../support/patience.js';
import { HOSTS, onThreeHosts } from './three-hosts.js';

onThreeHosts(({ work, run, role, stage, make, has }) => {
  describe('a unit guard', () => {
    const up = (host: string): string => work.at(host, 'up');
    /** Whether the host's unit is up, as a file of its machine has it. */
    const isUp = (host: string): Observation<boolean> => ({
      id: 'is-up',
      when: 'start',
      probe: () => sh`[ -e ${up(host)} ] && echo up || :`,
      parse: ({ out }) => out.length > 0,
    });
    /** A unit that runs and is due for a restart, or is down and is to be started. */
    const unit = ({ host: { name } }: RoleContext, action: 'start' | 'restart', run = sh`:`): Resource => ({
      id: 'unit:x',
      probe: () => sh`[ -e ${work.at(name, 'done')} ] && echo done || :`,
      parse: ({ out }) => out.toString(),
      diff: (state) => (state === '' ? [{ action, summary: `${action} x` }] : []),
      apply: () => sh`echo ${name} >>${work.at('order')}
${run}
: >${up(name)}
: >${work.at(name, 'done')}`,
      digest: () => '',
    });
    const order = (): string[] => (existsSync(work.at('order')) ? readFileSync(work.at('order'), 'utf8').trim().split('\n') : []);
    /** Two others have to be up, and no unit is started whose host is named. */
    const others = (context: RoleContext, { patience: seconds = 0, stray }: Scene): UnitGuard => ({
      ...(seconds === 'default' ? {} : { patience: seconds }),
      asks: [isUp(context.host.name)],
      objection: (view, { host, action, before }) => {
        const working = HOSTS.filter((name) => name !== host && (before.has(name) || view.read(name, handle<boolean>('is-up')) === true));
        const ok = action === 'restart' ? working.length === 2 : host !== stray;
        return ok ? undefined : { kind: 'refuse', host, message: `${host}: no ${action} with ${working.join(', ')}`, hint: 'h' };
      },
    });

    interface Scene {
      actions?: Record<string, 'start' | 'restart'>;
      before?: (host: string) => Resource[];
      run?: Record<string, Script>;
      stray?: string;
      /** Seconds, by default none: where nobody comes up meanwhile, asking again only takes time. */
      patience?: number | 'default';
    }
    const guarded = ({ actions = {}, before, run: scripts = {}, ...scene }: Scene = {}): Role =>
      role('web', {
        stages: (context) => [
          stage('one', before?.(context.host.name) ?? []),
          stage('start', [unit(context, actions[context.host.name] ?? 'restart', scripts[context.host.name])], {
            crossing: 'rolling',
            unitGuard: others(context, scene),
          }),
        ],
      });
    const allUp = (hosts: readonly string[] = HOSTS): void =>
      hosts.forEach((host) => {
        mkdirSync(work.at(host), { recursive: true });
        writeFileSync(up(host), '');
      });

    it('allows restarts when enough other members are up, and is asked before each', async () => {
      allUp();
      const { exitCode, machines } = await run([guarded()]);
      expect([exitCode, order()]).toEqual([0, HOSTS]);
      // The look, the guard of the plan, one before each restart, and its own step.
      expect(machines.count('pg1')).toBe(6);
    });

    it.each(['plan', 'apply'] as const)('refuses what a %s foresees, and nothing is changed', async (mode) => {
      allUp(['pg1', 'pg2']);
      const { exitCode, errors, steps } = await run([guarded({ before: (host) => [make({ host: { name: host } } as RoleContext, 'a')] })], {
        mode,
      });
      expect([exitCode, steps, order()]).toEqual([4, [], []]);
      expect(errors.map(({ message }) => message)).toEqual(['pg1: no restart with pg2', 'pg2: no restart with pg1']);
      expect(HOSTS.some((host) => has(host, 'a'))).toBe(false);
    });

    it('counts members that the run starts earlier', async () => {
      allUp(['pg1', 'pg2']);
      expect((await run([guarded({ actions: { pg3: 'start' } })])).exitCode).toBe(0);
      expect(order()).toEqual(['pg3', 'pg1', 'pg2']);
    });

    it('sees what an earlier stage took down, even if the host failed there', async () => {
      allUp();
      const power = (host: string): Resource[] =>
        host === 'pg3' ? [make({ host: { name: host } } as RoleContext, 'a', sh`rm ${up('pg3')}; exit 1`)] : [];
      const { exitCode, steps, errors } = await run([guarded({ before: power })]);
      expect([exitCode, order()]).toEqual([4, []]);
      expect(errors.map(({ message }) => message.split('\n')[0])).toEqual([
        'pg3: could not make a (exit status 1)',
        'pg1: no restart with pg2',
      ]);
      expect(steps.filter((step) => step.includes('web/start'))).toEqual([
        'pg1 web/start failed',
        'pg2 web/start skipped',
        'pg3 web/start skipped',
      ]);
    });

    it('continues when a host failed whose unit works', async () => {
      allUp();
      const { exitCode, steps } = await run([
        guarded({ before: (host) => (host === 'pg3' ? [make({ host: { name: host } } as RoleContext, 'a', sh`exit 1`)] : []) }),
      ]);
      expect([exitCode, order()]).toEqual([1, ['pg1', 'pg2']]);
      expect(steps).toEqual(expect.arrayContaining(['pg1 web/start changed', 'pg2 web/start changed', 'pg3 web/start skipped']));
    });

    it('treats a host whose connection is lost as unknown', async () => {
      allUp();
      // The look, the plan's guard, the step that is cut.
      const { exitCode, errors } = await run(
        [guarded({ before: (host) => (host === 'pg3' ? [make({ host: { name: host } } as RoleContext, 'a', sh`sleep 1`)] : []) })],
        { machines: { pg3: { cutExec: 3, deadAfterCut: true } } },
      );
      expect([exitCode, order()]).toEqual([4, []]);
      expect(errors.map(({ kind }) => kind)).toEqual(['ssh/connection-lost', 'refused/data']);
    });

    it('stops between two restarts when another member goes down', async () => {
      allUp();
      const { exitCode, steps } = await run([guarded({ run: { pg1: sh`rm ${up('pg3')}` } })]);
      expect([exitCode, order()]).toEqual([4, ['pg1']]);
      expect(steps.filter((step) => step.includes('web/start'))).toEqual([
        'pg1 web/start changed',
        'pg2 web/start failed',
        'pg3 web/start skipped',
      ]);
    });

    it('waits for a member that is just starting', async () => {
      allUp(['pg1', 'pg2']);
      setTimeout(() => allUp(['pg3']), 500);
      expect((await run([guarded({ patience: 'default' })])).exitCode).toBe(0);
    });

    it('can prevent a start', async () => {
      allUp(['pg1', 'pg2']);
      const { exitCode, errors } = await run([guarded({ actions: { pg3: 'start' }, stray: 'pg3', patience: 'default' })]);
      expect([exitCode, order(), errors.map(({ message }) => message)]).toEqual([4, [], ['pg3: no start with pg1, pg2']]);
    });

    it('sends nothing when no unit is started, stopped or restarted', async () => {
      for (const host of HOSTS) {
        allUp([host]);
        writeFileSync(work.at(host, 'done'), '');
      }
      const { machines } = await run([guarded()]);
      expect(HOSTS.map((host) => machines.count(host))).toEqual([1, 1, 1]);
    });

    it(`holds in every run: nothing is restarted while another is down (${DEPTH})`, { timeout: patience(120_000) }, async () => {
      const host = fc.constantFrom(...HOSTS);
      const scenes = fc.sample(
        fc.record({
          running: fc.subarray(HOSTS, { minLength: 1 }),
          // Loses its power while an earlier stage changes it, or while another one is restarted.
          before: fc.option(host, { nil: undefined }),
          during: fc.option(fc.record({ at: host, lost: host }), { nil: undefined }),
          fails: fc.option(host, { nil: undefined }),
        }),
        { seed: SEED, numRuns: MATRIX ? 60 : 4 },
      );
      for (const { running, before, during, fails } of scenes) {
        for (const name of HOSTS) rmSync(work.at(name), { recursive: true, force: true });
        rmSync(work.at('order'), { force: true });
        allUp(running);
        const others = (name: string): Script =>
          sh`ls ${HOSTS.filter((other) => other !== name).map(up)} 2>/dev/null | wc -l >>${work.at('others')}`;
        const scripts = Object.fromEntries(
          HOSTS.map((name) => [
            name,
            sh`[ ! -e ${up(name)} ] || ${others(name)}
${during !== undefined && during.at === name ? sh`rm -f ${up(during.lost)}` : sh`:`}
${fails === name ? sh`exit 1` : sh`:`}`,
          ]),
        );
        const power = (name: string): Resource[] =>
          name === before ? [make({ host: { name } } as RoleContext, 'a', sh`rm -f ${up(name)}; exit 1`)] : [];
        const actions = Object.fromEntries(HOSTS.map((name) => [name, running.includes(name) ? 'restart' : 'start'] as const));
        await run([guarded({ actions, before: power, run: scripts })]);
        const left = existsSync(work.at('others')) ? readFileSync(work.at('others'), 'utf8').trim().split('\n') : [];
        expect(
          left.filter((count) => count.trim() !== '2'),
          JSON.stringify({ running, before, during, fails }),
        ).toEqual([]);
        rmSync(work.at('others'), { force: true });
      }
    });

    it('is not needed for a host that was lost earlier to prevent restarts', async () => {
      const unguarded = role('web', {
        stages: (context) => [
          stage('one', context.host.name === 'pg3' ? [make(context, 'a', sh`exit 1`)] : []),
          stage('start', [unit(context, 'restart')], { crossing: 'rolling' }),
        ],
      });
      const { exitCode, events } = await run([unguarded]);
      expect([exitCode, order()]).toEqual([1, []]);
      expect(events).toContainEqual(
        expect.objectContaining({
          host: 'pg1',
          stage: 'web/start',
          result: 'skipped',
          reason: 'pg3 failed, and two members are never down at once',
        }),
      );
    });
  });
});
