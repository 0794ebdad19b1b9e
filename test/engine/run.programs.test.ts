import { commandHandle } from '../../src/resources/command.js';
import { handle } from '../../src/resources/handle.js';
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Objection, Role, RoleContext, Settling } from '../../src/plan/role.js';
import { file } from '../../src/resources/files/file.js';
import type { Observation, Resource } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { Store } from '../../src/store/store.js';
import { ME } from '../support/directory.js';
import { Machines } from '../support/machines.js';
import { HOSTS, onThreeHosts, type Ran } from './three-hosts.js';
import { DEMO } from '../support/demo.js';

onThreeHosts(({ work, run, role, stage, text, make, has, web }) => {
  it('carries out a plan, proves it, and says what happened', async () => {
    const {
      exitCode,
      proposal: { changes: plan },
      checks,
      machines,
      events,
      steps,
    } = await run([web]);
    expect(exitCode).toBe(0);
    for (const host of HOSTS) {
      expect(readFileSync(work.at(host, 'a'), 'utf8')).toBe('a');
      expect(has(host, 'c')).toBe(true);
      // The survey and one for each stage with changes; without observations nothing is left to be looked at.
      expect(machines.count(host)).toBe(3);
    }
    expect(plan.map(({ host, stage: id, resource }) => `${host} ${id} ${resource.split('/').at(-1)}`)).toHaveLength(9);
    expect(checks.every(({ ok }) => ok)).toBe(true);
    expect(steps.sort()).toEqual(HOSTS.flatMap((host) => [`${host} web/files changed`, `${host} web/more changed`]));
    expect(events[0]).toMatchObject({
      type: 'run-start',
      command: 'apply',
      cluster: 'demo',
      hosts: HOSTS,
      stages: [
        { id: 'web/files', role: 'web', title: 'do files', hosts: HOSTS },
        { id: 'web/more', hosts: HOSTS },
      ],
    });
    expect(events.at(-1)).toMatchObject({
      type: 'run-end',
      exitCode: 0,
      recap: HOSTS.map((host) => ({ host, ok: 0, changed: 3, failed: 0, skipped: 0, remarks: [`hello from ${host}`] })),
    });
    expect(machines.open.size).toBe(0);
  });

  it('begins to connect before the stages are computed, and disconnects when they cannot be', async () => {
    const opened: string[] = [];
    const twice = role('web', {
      stages: (context) => {
        opened.push(...machines.open);
        return [stage('one', [make(context, 'a')]), stage('two', [make(context, 'a')])];
      },
    });
    const machines = new Machines(work.path, {});
    const { exitCode, kinds } = await run([twice], { transport: machines });
    expect(opened).toEqual(HOSTS);
    expect([exitCode, kinds]).toEqual([2, ['roles/same-resource']]);
    expect(HOSTS.map((host) => machines.count(host))).toEqual([0, 0, 0]);
    await expect.poll(() => machines.open.size).toBe(0);
  });

  it('does nothing the second time, with one exec per host', async () => {
    await run([web]);
    const {
      exitCode,
      proposal: { changes: plan },
      machines,
      steps,
      events,
    } = await run([web]);
    expect(exitCode).toBe(0);
    expect(plan).toEqual([]);
    expect(HOSTS.map((host) => machines.count(host))).toEqual([1, 1, 1]);
    expect(new Set(steps.map((step) => step.split(' ')[2]))).toEqual(new Set(['ok']));
    expect(events.at(-1)).toMatchObject({ recap: HOSTS.map((host) => ({ host, ok: 3, changed: 0 })) });
    expect(events.filter(({ type }) => type === 'checked')).toHaveLength(1);
  });

  it('only reads when it plans', async () => {
    const {
      exitCode,
      proposal: { changes: plan },
      machines,
      events,
    } = await run([web], { mode: 'plan' });
    expect(exitCode).toBe(0);
    expect(plan).toHaveLength(9);
    expect(HOSTS.map((host) => [machines.count(host), has(host, 'a'), has(host, 'run/pgprov.lock')])).toEqual(
      HOSTS.map(() => [1, false, false]),
    );
    expect(events.some(({ type }) => type === 'step-start')).toBe(false);
  });

  it('reports a danger to the cluster in read-only commands until a run has removed it; a plan reports only the change', async () => {
    const opened = ({ host }: { host: { name: string } }): Resource =>
      ({
        ...text({ host } as RoleContext, 'a'),
        diff: () => (host.name === 'pg2' ? [{ action: 'update', summary: 'close it', danger: 'it is open' }] : []),
      }) as Resource;
    const roles = [
      role('web', {
        stages: (context) => [stage('files', [opened(context)])],
        drift: () => [{ host: 'pg1', what: 'it is otherwise', mend: 'mend it' }],
      }),
    ];
    const own = { host: 'pg1', what: 'it is otherwise', mend: 'mend it' };
    const looked = await run(roles, { mode: 'survey' });
    expect(looked.proposal.drift).toEqual([
      own,
      { host: 'pg2', what: 'it is open', mend: expect.stringMatching(/^`pgprov apply \S+` corrects it: close it$/u) as string },
    ]);
    expect(looked.proposal.changes).toHaveLength(1);
    const planned = await run(roles, { mode: 'plan' });
    expect(planned.proposal.drift).toEqual([own]);
    expect(planned.proposal.changes.map(({ host, summary }) => `${host}: ${summary}`)).toEqual(['pg2: close it']);
    expect(looked.proposal.refusal).toBeUndefined();
  });

  it('tells who only looks why a run would refuse to end the differences, unless another look could change that', async () => {
    const objections = (settles: boolean): Role =>
      role('web', {
        stages: (context) => [stage('files', [text(context, 'a')])],
        guards: () => [
          { kind: 'preflight', message: 'no room', hint: 'make some' },
          {
            kind: 'refuse',
            message: 'two primaries',
            hint: 'stop one',
            ...(settles ? { settles: { within: 1, moves: new Map(), failed: [] } } : {}),
          },
        ],
      });
    const refusal = async (...roles: Role[]): Promise<string | undefined> => (await run(roles, { mode: 'survey' })).proposal.refusal;
    expect(await refusal(objections(false))).toBe('two primaries');
    expect(await refusal(objections(true))).toBeUndefined();
    const unfit = role('web', {
      stages: (context) => [stage('files', [text(context, 'a')])],
      preflight: () => [{ kind: 'preflight', message: 'etcd has other members', hint: 'take them out' }],
    });
    expect(await refusal(unfit)).toBe('etcd has other members');
    const stuck = role('web', {
      stages: (context) => [stage('files', [{ ...text(context, 'a'), obstacle: () => ({ what: 'it is masked', advice: 'unmask it' }) }])],
    });
    expect(await refusal(stuck)).toMatch(/it is masked$/u);
  });

  it('continues where it failed', async () => {
    const stages = (broken: boolean): Role =>
      role('web', {
        stages: (context) => [stage('one', [make(context, 'a')]), stage('two', [make(context, 'b', broken ? sh`false` : undefined)])],
      });
    expect((await run([stages(true)])).exitCode).toBe(1);
    const {
      exitCode,
      proposal: { changes: plan },
    } = await run([stages(false)]);
    expect(exitCode).toBe(0);
    expect(plan.map(({ stage: id }) => id)).toEqual(['web/two', 'web/two', 'web/two']);
  });

  it('asks the guards again before every stage', async () => {
    const guarded = role('web', {
      stages: (context) => [
        stage('one', [make(context, 'a')]),
        stage('start', [make(context, 'b')], { crossing: 'rolling' }),
        stage('two', [make(context, 'c')]),
      ],
      guards: (view) =>
        view.read('pg3', commandHandle('b'))?.done === true ? [{ kind: 'refuse', message: 'now it matters', hint: 'h' }] : [],
    });
    const { exitCode, steps } = await run([guarded]);
    expect(exitCode).toBe(4);
    expect(steps.filter((step) => step.includes('web/two'))).toEqual([]);
    expect(has('pg1', 'b')).toBe(true);
  });

  it('lets the current steps end when it is interrupted, and starts no more', async () => {
    const interrupt = new AbortController();
    const slow = role('web', {
      stages: (context) => [
        stage('one', [
          make(
            context,
            'a',
            sh`sleep 0.3
: >${work.at(context.host.name, 'a')}`,
          ),
        ]),
        stage('two', [make(context, 'b')]),
      ],
    });
    const { exitCode, steps, events } = await run([slow], {
      signal: interrupt.signal,
      emit: (event) => {
        if (event.type === 'changing') interrupt.abort();
      },
    });
    expect(exitCode).toBe(130);
    expect(steps.sort()).toEqual(HOSTS.flatMap((host) => [`${host} web/one changed`, `${host} web/two skipped`]));
    expect(events.some(({ type }) => type === 'checked')).toBe(false);
    expect((await run([slow])).exitCode).toBe(0);
  });

  it('runs thorough questions for the proofs of a run, and in read-only commands', async () => {
    const seen = (what: string): Observation<string> => ({
      id: 'seen',
      when: 'startAndEnd',
      probe: () => sh`echo ${what}`,
      parse: ({ out }) => out.toString('utf8').trim(),
    });
    const looking = role('web', {
      observations: () => [{ ...seen('some'), thorough: seen('all') }],
      stages: (context) => [stage('one', [make(context, 'quick')])],
    });
    const read = ({ view }: Ran): unknown[] => HOSTS.map((host) => view?.read(host, handle('seen')));
    expect(read(await run([looking], { mode: 'plan' }))).toEqual(['some', 'some', 'some']);
    expect(read(await run([looking]))).toEqual(['all', 'all', 'all']);
    expect(read(await run([looking]))).toEqual(['some', 'some', 'some']);
    expect(read(await run([looking], { mode: 'survey' }))).toEqual(['all', 'all', 'all']);
  });

  it('reports a change that did not take effect', async () => {
    const vain = role('web', { stages: (context) => [stage('one', [make(context, 'a', sh`:`)])] });
    const { exitCode, errors } = await run([vain], { selection: { hosts: ['pg1'] } });
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ kind: 'apply/did-not-take', message: 'pg1: applied, but the change did not take effect: make a' }]);
  });

  it('asks again when a proof may still come true, and not next to one that has failed for good', async () => {
    // The first look finds nobody, the second sees what the first one left.
    const knock = (context: Pick<RoleContext, 'host'>): Observation<boolean> => ({
      id: 'knock',
      probe: () => sh`[ -e ${work.at(context.host.name, 'knocked')} ] || { : >${work.at(context.host.name, 'knocked')}; exit 1; }`,
      parse: ({ status }) => status === 0,
    });
    const opens = role('web', {
      observations: (context) => [knock(context)],
      checks: (view) => [
        { title: 'it opens', ok: view.read('pg1', handle<boolean>('knock')) === true, detail: 'shut', host: 'pg1', settles: true },
      ],
    });
    const { exitCode, checks, events } = await run([opens]);
    expect([exitCode, checks.map(({ ok }) => ok)]).toEqual([0, [true]]);
    expect(events).toContainEqual({ type: 'note', text: 'waiting for a proof: pg1: it opens (shut)' });
    const never = role('other', {
      checks: () => [
        { title: 'it opens', ok: false, detail: 'shut', settles: true },
        { title: 'it is dry', ok: false, detail: 'wet' },
      ],
    });
    const hopeless = await run([never]);
    expect([hopeless.exitCode, hopeless.events.some(({ type }) => type === 'note')]).toEqual([1, false]);
  });

  /** A role that objects to what each look sees; looks are counted on pg1. */
  const objecting = (objectionAt: (look: number) => Objection | undefined): ReturnType<typeof role> => {
    const looks = (context: Pick<RoleContext, 'host'>): Observation<number> => ({
      id: 'looks',
      probe: () => sh`echo look >>${work.at(context.host.name, 'looks')}; wc -l <${work.at(context.host.name, 'looks')}`,
      parse: ({ out }) => Number(String(out)),
    });
    return role('web', {
      observations: (context) => [looks(context)],
      stages: (context) => [stage('files', [text(context, 'a')])],
      guards: (view) => [objectionAt(view.read('pg1', handle<number>('looks')) ?? 0)].filter((each) => each !== undefined),
    });
  };
  const coming = (seen: string, rest: Partial<Settling> = {}): Objection => ({
    kind: 'refuse',
    message: 'pg1 is not up',
    hint: 'see pg1',
    settles: { within: 60, moves: new Map([['pg1', seen]]), failed: [], ...rest },
  });

  it('waits for what passes by itself before it plans, says what for, and continues', async () => {
    const { exitCode, events, steps } = await run([objecting((look) => (look < 3 ? coming(`pg1 replays file ${look}`) : undefined))]);
    expect([exitCode, steps.sort()]).toEqual([0, HOSTS.map((host) => `${host} web/files changed`)]);
    expect(events.flatMap((event) => (event.type === 'awaiting' ? [event.text] : []))).toEqual([
      'pg1 replays file 1',
      'pg1 replays file 2',
    ]);
    expect(events.filter(({ type }) => type === 'awaited')).toHaveLength(1);
  });

  it.each<{ title: string; at: (look: number) => Objection; says: Partial<Objection> }>([
    {
      title: 'it gets no further',
      at: (look) => coming(`pg1 replays file ${look % 2}`, { within: 3, variable: 'web.start_timeout' }),
      says: { message: 'pg1 is not up', hint: 'it got no further in 3 s (web.start_timeout); see pg1' },
    },
    {
      title: 'it has failed and begins again',
      at: (look) =>
        coming('pg1 starts', { within: 3600, ...(look === 2 ? { moves: new Map([['pg2', 'pg2 starts']]), failed: ['pg1'] } : {}) }),
      says: { hint: 'see pg1' },
    },
    {
      title: 'nothing moves any more',
      at: (look) => (look < 2 ? coming('pg1 starts', { within: 3600 }) : { kind: 'refuse', message: 'pg1 failed', hint: 'see why' }),
      says: { message: 'pg1 failed', hint: 'see why' },
    },
  ])('refuses what it has waited for when $title', async ({ at, says }) => {
    const { exitCode, errors, steps } = await run([objecting(at)]);
    expect([exitCode, steps]).toEqual([4, []]);
    expect(errors).toMatchObject([says]);
  });

  it('does not wait for one objection next to another that stays', async () => {
    const stays = role('other', { guards: () => [{ kind: 'refuse', message: 'never', hint: 'no' }] });
    const { exitCode, events } = await run([objecting(() => coming('pg1 starts')), stays]);
    expect([exitCode, events.some(({ type }) => type === 'awaiting')]).toEqual([4, false]);
  });

  it('waits between two stages as well', async () => {
    const starts = (look: number): Objection | undefined => (look === 2 ? coming('pg1 elects') : undefined);
    const web = objecting(starts);
    const roles = [role('first', { stages: (context) => [stage('files', [text(context, 'f')], { crossing: 'rolling' })] }), web];
    const { exitCode, events } = await run(roles);
    expect(exitCode).toBe(0);
    const order = events.flatMap(({ type }) => (type === 'stage-start' || type === 'awaiting' ? [type] : []));
    expect(order).toEqual(['stage-start', 'awaiting', 'stage-start']);
  });

  it('fails when the proof does', async () => {
    const unproven = role('web', {
      checks: () => [
        { title: 'all is well', ok: false, detail: 'it is not', host: 'pg1' },
        { title: 'x', ok: true, detail: '' },
      ],
    });
    const { exitCode, errors } = await run([unproven]);
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ kind: 'check/failed', message: 'pg1: all is well: it is not' }]);
  });

  it('says what a probe could not read', async () => {
    const odd = role('web', {
      stages: () => [
        stage('one', [
          {
            ...make({ host: { name: 'x' } } as RoleContext, 'a'),
            parse: () => {
              throw new Error('a riddle');
            },
          },
        ]),
      ],
    });
    const { kinds, errors } = await run([odd], { selection: { hosts: ['pg2'] } });
    expect(kinds).toEqual(['probe/unknown-answer']);
    expect(errors[0]?.message).toBe('pg2: command:a could not be read: a riddle');
  });

  it('runs only the selected hosts and roles', async () => {
    const { machines, exitCode } = await run([web], { selection: { hosts: ['pg3'] } });
    expect(exitCode).toBe(0);
    expect(HOSTS.map((host) => machines.count(host))).toEqual([0, 0, 3]);
  });

  it('stores passwords before anything is changed, and shows none', async () => {
    const secretive = role('web', {
      stages: (context) => [
        stage('one', [
          file({
            path: work.at(context.host.name, 'a'),
            content: context.credentials.password('web.password', undefined),
            ...ME,
          }) as Resource,
        ]),
      ],
    });
    const store = await Store.open(work.at('store'), DEMO, { writable: true });
    const { events, exitCode } = await run([secretive], {
      store,
      emit: (event) => {
        if (event.type === 'step-start') expect(existsSync(work.at('store', 'passwords.yml'))).toBe(true);
      },
    });
    expect(exitCode).toBe(0);
    const password = store.password('web.password', undefined).reveal();
    expect(readFileSync(work.at('pg1', 'a'), 'utf8')).toBe(password);
    expect(JSON.stringify(events)).not.toContain(password);
  });

  it('emits notes of a step as events', async () => {
    const noting = role('web', {
      stages: (context) => [stage('one', [make(context, 'a', sh`note 'half way'; : >${work.at(context.host.name, 'a')}`)])],
    });
    const { events } = await run([noting], { selection: { hosts: ['pg1'] } });
    expect(events).toContainEqual({ type: 'note', host: 'pg1', stage: 'web/one', text: 'half way' });
  });
});
