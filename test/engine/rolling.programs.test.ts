import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { firstMember } from '../../roles/shared/patroni/leadership.js';
import type { Role, RoleContext } from '../../src/plan/role.js';
import { DATA_DIRECTORY, type ClusterData } from '../../src/resources/data-directory.js';
import { gate } from '../../src/resources/gate.js';
import type { Gate, Resource } from '../../src/resources/resource.js';
import { SEE_CALLED_OFF } from '../../src/shell/call-off.js';
import { sh } from '../../src/shell/quote.js';
import { patience } from '../support/patience.js';
import { HOSTS, onThreeHosts } from './three-hosts.js';

onThreeHosts(({ work, run, role, stage, make }) => {
  it('says why a gate did not open', { timeout: patience(20_000) }, async () => {
    const gated = role('web', {
      stages: (context) => [
        stage('start', [make(context, 'a')], {
          crossing: 'rolling',
          gates: [
            gate({
              name: 'g',
              title: 'all is well',
              check: sh`echo 'not yet'; [ ${context.host.name} != pg3 ]`,
              unit: 'no-such-unit',
              fatalLogPatterns: ['x'],
              timeout: 1,
            }),
          ],
        }),
        stage('two', [make(context, 'b')]),
      ],
    });
    const { exitCode, errors, steps, events } = await run([gated]);
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ kind: 'gate/closed', host: 'pg3' }]);
    expect(errors[0]?.message).toContain('waiting until all is well: not yet');
    expect(steps.filter((step) => step.includes('web/two')).sort()).toEqual([
      'pg1 web/two changed',
      'pg2 web/two changed',
      'pg3 web/two skipped',
    ]);
    expect(events.filter(({ type }) => type === 'waited')).toHaveLength(2);
  });

  it('does not wait at a gate that depends on a failed host', { timeout: patience(20_000) }, async () => {
    const gateOf = (open: boolean): Gate =>
      gate({
        name: 'g',
        title: 'all are there',
        check: open ? sh`:` : sh`false`,
        dependsOnHosts: HOSTS,
        unit: 'no-such-unit',
        fatalLogPatterns: [],
        timeout: 60,
      });
    const gated = (open: boolean): Role =>
      role('web', {
        stages: (context) => [
          stage('one', [make(context, 'a', context.host.name === 'pg2' ? sh`false` : undefined)]),
          stage('two', [make(context, 'b')], { crossing: 'rolling', gates: [gateOf(open)] }),
        ],
      });
    const { exitCode, errors, steps, events } = await run([gated(false)]);
    expect([exitCode, errors.map(({ host }) => host)]).toEqual([1, ['pg2']]);
    expect(steps.filter((step) => step.includes('web/two')).sort()).toEqual(HOSTS.map((host) => `${host} web/two skipped`));
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'step-end', host: 'pg3', reason: 'it depends on pg2, which failed or was skipped' }),
    );
    expect((await run([gated(true)])).steps.filter((step) => step.includes('web/two'))).toEqual(
      expect.arrayContaining(['pg1 web/two changed', 'pg3 web/two changed']),
    );
  });

  it('stops waiting at a gate when a host that it depends on fails, and names the host', { timeout: patience(30_000) }, async () => {
    const gated = role('web', {
      stages: (context) => [
        stage('one', [make(context, 'a', context.host.name === 'pg2' ? sh`sleep 1; false` : undefined)], {
          crossing: 'rolling',
          gates:
            context.host.name === 'pg2'
              ? []
              : [
                  gate({
                    name: 'g',
                    title: 'all are there',
                    check: sh`false`,
                    dependsOnHosts: HOSTS,
                    unit: 'no-such-unit',
                    fatalLogPatterns: [],
                    timeout: 600,
                  }),
                ],
        }),
      ],
    });
    const programs = sh`systemctl() { echo active; }
journalctl() { :; }`;
    const { exitCode, errors } = await run([gated], { machines: Object.fromEntries(HOSTS.map((name) => [name, { before: programs }])) });
    expect(exitCode).toBe(1);
    expect(
      errors
        .map(({ message }) =>
          message
            .split('\n')
            .map((line) => line.trim())
            .join(' ')
            .trim(),
        )
        .sort(),
    ).toEqual([
      'pg1: giving up waiting until all are there: pg2 failed',
      'pg2: could not make a (exit status 1)',
      'pg3: giving up waiting until all are there: pg2 failed',
    ]);
  });

  describe('a rolling stage', () => {
    /** A unit that is up or down, and may be due for a restart; it writes down when it was handled. */
    function unit({ host }: RoleContext, action: 'start' | 'restart', run = sh`:`): Resource {
      const path = work.at(host.name, 'state');
      return {
        id: 'unit:x',
        probe: () => sh`[ -e ${path} ] && echo done || :`,
        parse: ({ out }) => out.toString(),
        diff: (state) => (state === '' ? [{ action, summary: `${action} x` }] : []),
        apply: () => sh`date +%s.%N >>${work.at('order')}
echo ${`begin ${host.name}`} >>${work.at('order')}
${run}
sleep 0.1
echo ${`end ${host.name}`} >>${work.at('order')}
: >${path}`,
        digest: () => '',
      };
    }
    const order = (): string[] =>
      readFileSync(work.at('order'), 'utf8')
        .split('\n')
        .filter((line) => /^(?:begin|end)/u.test(line));
    const rolling = (action: 'start' | 'restart', broken?: string): Role =>
      role('web', {
        stages: (context) => [
          stage('start', [unit(context, action, context.host.name === broken ? sh`exit 1` : sh`:`)], {
            crossing: 'rolling',
            startsFirst: firstMember,
          }),
          stage('after', [make(context, 'later')]),
        ],
      });

    it('starts the leader first, the others in parallel', async () => {
      expect((await run([rolling('start')])).exitCode).toBe(0);
      expect(order().slice(0, 2)).toEqual(['begin pg1', 'end pg1']);
      expect(order()).toHaveLength(6);
    });

    it('restarts one at a time', async () => {
      expect((await run([rolling('restart')])).exitCode).toBe(0);
      expect(order()).toEqual(HOSTS.flatMap((host) => [`begin ${host}`, `end ${host}`]));
    });

    it('starts no other member when the first leader fails to start', async () => {
      const { exitCode, steps, events } = await run([rolling('start', 'pg1')]);
      expect(exitCode).toBe(1);
      expect(order()).toEqual(['begin pg1']);
      expect(steps).toEqual(expect.arrayContaining(['pg1 web/start failed', 'pg2 web/start skipped', 'pg3 web/start skipped']));
      expect(events).toContainEqual(expect.objectContaining({ type: 'step-end', host: 'pg2', reason: 'pg1, the first leader, failed' }));
    });

    it.each(['start', 'before'])(
      'starts the member with the last commits first, and no other when it fails in the stage `%s`',
      async (where) => {
        const data = (name: string): ClusterData => ({
          kind: 'cluster',
          version: '17',
          systemIdentifier: '7',
          checksums: 1,
          clusterState: 'shut down in recovery',
          copy: 'none',
          ours: false,
          control: 'valid',
          running: false,
          position: { timeline: 2, checkpoint: '0/1', nextOid: 20_000, lastRecord: name === 'pg2' ? '0/9' : '0/8' },
          history: undefined,
          misowned: undefined,
        });
        const down = (broken?: string): Role =>
          role('web', {
            observations: ({ host }) => [{ id: DATA_DIRECTORY.id, probe: () => sh`:`, parse: () => data(host.name) }],
            stages: (context) => [
              stage('before', [make(context, 'before', ...(context.host.name === broken && where === 'before' ? [sh`exit 1`] : []))]),
              stage('start', [unit(context, 'start', context.host.name === broken && where === 'start' ? sh`exit 1` : sh`:`)], {
                crossing: 'rolling',
                startsFirst: firstMember,
              }),
            ],
          });
        const failed = await run([down('pg2')]);
        expect(failed.exitCode).toBe(1);
        expect(existsSync(work.at('order')) ? order() : []).toEqual(where === 'start' ? ['begin pg2'] : []);
        expect(failed.events).toContainEqual(
          expect.objectContaining({ type: 'step-end', host: 'pg1', reason: 'pg2, which has the last commits, failed' }),
        );
        expect((await run([down()])).exitCode).toBe(0);
        expect(order().slice(-6, -4)).toEqual(['begin pg2', 'end pg2']);
      },
    );

    it('restarts no other member after one that did not come back', async () => {
      const { exitCode, events } = await run([rolling('restart', 'pg2')]);
      expect(exitCode).toBe(1);
      expect(order()).toEqual(['begin pg1', 'end pg1', 'begin pg2']);
      expect(events).toContainEqual(
        expect.objectContaining({
          host: 'pg3',
          stage: 'web/start',
          result: 'skipped',
          reason: 'pg2 failed, and two members are never down at once',
        }),
      );
    });

    it('does nothing more to a member that was skipped because another is down', async () => {
      const { steps } = await run([rolling('restart', 'pg2')]);
      expect(steps).toContain('pg3 web/after skipped');
    });
  });

  describe('a coordinated change of the whole cluster', () => {
    const LEADER = 'pg2';
    const going = (): string => work.at('going');

    interface Broken {
      /** Fails in the stage before. */
      before?: string;
      /** The one who leads fails. */
      leader?: boolean;
      /** Fails before it begins to wait. */
      wait?: string;
      /** Nobody leads, for the one who should is down. */
      down?: boolean;
    }

    /** pg2 leads, the others wait for what it does; everybody writes down what it did. */
    function word({ host: { name } }: RoleContext, broken?: Broken): Resource {
      const leads = name === LEADER;
      const run = leads
        ? sh`echo ${`lead ${name}`} >>${work.at('order')}
${broken?.leader === true ? sh`exit 1` : sh`: >${going()}`}`
        : sh`echo ${`wait ${name}`} >>${work.at('order')}
turn=0
while [ ! -e ${going()} ] && [ "$turn" -lt 600 ]; do
${SEE_CALLED_OFF}
[ -z "$off" ] || { echo "not waited for any longer: $off"; exit 1; }
turn=$((turn + 1))
sleep 0.1
done
[ -e ${going()} ]
echo ${`follow ${name}`} >>${work.at('order')}`;
      return {
        id: 'word:x',
        probe: () => sh`[ -e ${work.at(name, 'word')} ] && echo done || :`,
        parse: ({ out }) => out.toString(),
        diff: (state) =>
          state === '' && !(leads && broken?.down === true)
            ? [{ action: 'update', summary: 'change x', coordinated: leads ? 'initiates' : 'waits' }]
            : [],
        apply: () => sh`${run}
: >${work.at(name, 'word')}`,
        digest: () => '',
      };
    }
    const order = (): string[] => readFileSync(work.at('order'), 'utf8').trim().split('\n');
    const changing = (broken?: Broken): Role =>
      role('web', {
        stages: (context) => [
          stage('before', context.host.name === broken?.before ? [make(context, 'b', sh`exit 1`)] : []),
          stage('change', [...(context.host.name === broken?.wait ? [make(context, 'w', sh`exit 1`)] : []), word(context, broken)], {
            crossing: 'rolling',
          }),
        ],
      });

    it('is initiated only when all hosts that wait for it are ready', async () => {
      expect((await run([changing()])).exitCode).toBe(0);
      expect(order().slice(0, 2).sort()).toEqual(['wait pg1', 'wait pg3']);
      expect(order()[2]).toBe('lead pg2');
      expect(order().slice(3).sort()).toEqual(['follow pg1', 'follow pg3']);
    });

    it('does not begin when a host that has to wait for it is excluded', async () => {
      const { exitCode, events } = await run([changing({ before: 'pg3' })]);
      expect([exitCode, existsSync(going())]).toEqual([1, false]);
      expect(events).toContainEqual(
        expect.objectContaining({
          host: LEADER,
          stage: 'web/change',
          result: 'skipped',
          reason: 'pg3 is not ready, and this changes on all members or on none',
        }),
      );
    });

    it('is not waited for when the host that initiates it is excluded', async () => {
      const { steps } = await run([changing({ before: LEADER })]);
      expect(steps).toEqual(expect.arrayContaining(HOSTS.map((host) => `${host} web/change skipped`)));
      expect(existsSync(work.at('order'))).toBe(false);
    });

    it('is completed when the run is interrupted while a host waits', async () => {
      const interrupt = new AbortController();
      const { steps } = await run([changing()], {
        signal: interrupt.signal,
        emit: (event) => {
          if (event.type === 'changing') interrupt.abort();
        },
      });
      expect(steps.filter((step) => step.includes('web/change'))).toEqual(
        expect.arrayContaining(HOSTS.map((host) => `${host} web/change changed`)),
      );
    });

    it('fails the waiting hosts when it is not made, and they stop waiting', async () => {
      const { exitCode, steps, errors } = await run([changing({ leader: true })]);
      expect(exitCode).toBe(1);
      expect(steps).toEqual(expect.arrayContaining(HOSTS.map((host) => `${host} web/change failed`)));
      const words = errors.map(({ message }) => message.split('\n').at(-1)?.trim());
      expect(words.filter((line) => line === 'not waited for any longer: pg2 failed')).toHaveLength(2);
    });

    it('is not waited for when one of the waiting hosts fails', async () => {
      const cut = await run([changing({ wait: 'pg3' })]);
      expect(cut.steps).toEqual(expect.arrayContaining(['pg3 web/change failed', 'pg2 web/change skipped', 'pg1 web/change failed']));
      expect(cut.errors.find(({ host }) => host === 'pg1')?.message).toContain('not waited for any longer: pg2 is out');
    });

    it('is waited for while the connection to its host is lost, because the change continues there', async () => {
      const cut = await run([changing()], { machines: { [LEADER]: { cutExec: 2 } } });
      expect(cut.steps).toEqual(
        expect.arrayContaining([`${LEADER} web/change failed`, 'pg1 web/change changed', 'pg3 web/change changed']),
      );
    });

    it.each([
      { title: 'when none of its hosts can', aim: {}, says: ['pg1', 'pg3'] },
      { title: 'when a host that the run leaves out may', aim: { hosts: ['pg1', 'pg2'] }, says: [] },
    ])('is checked for a host that initiates it, $title', async ({ aim, says }) => {
      writeFileSync(going(), '');
      const { errors } = await run([changing({ down: true })], { selection: aim });
      expect(errors.map(({ message }) => message)).toEqual(
        says.map((host) => `${host}: could not change x: this changes on all hosts together, and none of them leads`),
      );
    });
  });
});
