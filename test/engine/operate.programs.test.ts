import { handle } from '../../src/resources/handle.js';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { operate } from '../../src/engine/operate.js';
import { InputError } from '../../src/lib/errors.js';
import type { OperateOptions, OperateOutcome } from '../../src/engine/operate-options.js';
import type { RunEvent } from '../../src/events.js';
import {
  defineOperation,
  type ConvergeStep,
  type HostStep,
  type LeftOver,
  type Operation,
  type OperationRun,
  type OperationStep,
} from '../../src/plan/operation.js';
import { defineRole, type Role, type RoleContext, type Stage } from '../../src/plan/role.js';
import { pgprov } from '../../src/lib/pgprov-command.js';
import { command } from '../../src/resources/command.js';
import { gate } from '../../src/resources/gate.js';
import { NOTHING_DONE, type Gate, type Observation, type Resource } from '../../src/resources/resource.js';
import { frameScript } from '../../src/shell/frame.js';
import { HOLD_UNTIL_INPUT_CLOSES, takeRunLock } from '../../src/shell/lock.js';
import { sh } from '../../src/shell/quote.js';
import { Store } from '../../src/store/store.js';
import { LocalTransport } from '../../src/transport/local.js';
import type { Exec } from '../../src/transport/transport.js';
import { freshDirectory } from '../support/directory.js';
import { DEMO } from '../support/demo.js';
import { inventoryOf } from '../support/inventory.js';
import { Machines, type MachineOptions } from '../support/machines.js';
import { isThere } from '../support/shells.js';

const HOSTS = ['pg1', 'pg2', 'pg3'];
const ready = isThere('flock') && isThere('dash');

describe.skipIf(!ready)(ready ? 'operate' : 'operate (skipped: no flock or no dash on this machine)', () => {
  const work = freshDirectory();

  interface Ran extends OperateOutcome {
    events: RunEvent[];
    machines: Machines;
    /** What was written down and forgotten, in order. */
    record: string[];
    /** `pg1 paint/one changed`, in the order in which they ended. */
    steps: string[];
    kinds: string[];
  }

  /** Carries an operation out on three machines that are directories of this one. */
  async function run(
    operation: Operation<object>,
    options: Partial<OperateOptions<object>> & {
      machines?: Record<string, MachineOptions>;
      catalog?: readonly Role[];
      on?: (event: RunEvent) => void;
    } = {},
  ): Promise<Ran> {
    const { machines: given, catalog = [web], on, ...rest } = options;
    const hosts = HOSTS.map((name, index) => `  ${name}: {address: 192.0.2.${index + 1}}`).join('\n');
    const inventory = await inventoryOf(
      `cluster: demo\nroles: [${catalog.map(({ name }) => name).join(', ')}]\nhosts:\n${hosts}\n`,
      catalog,
    );
    const machines = new Machines(work.path, given);
    const [events, record]: [RunEvent[], string[]] = [[], []];
    const outcome = await operate({
      operation,
      inventory,
      catalog,
      given: {},
      check: false,
      transport: machines,
      openStore: (how) => Store.open(work.at('store'), DEMO, how),
      putSecret: async () => undefined,
      editInventory: async () => undefined,
      signal: new AbortController().signal,
      begin: async (chosen) => void record.push(`begin ${JSON.stringify(chosen)}`),
      end: async () => void record.push('end'),
      ...rest,
      emit: (event) => {
        events.push(event);
        on?.(event);
      },
    });
    return {
      ...outcome,
      events,
      machines,
      record,
      steps: events.flatMap((event) => (event.type === 'step-end' ? [`${event.host} ${event.stage} ${event.result}`] : [])),
      kinds: outcome.errors.map(({ kind }) => kind),
    };
  }

  /** Tells whether a host has been painted. */
  const painted = ({ host }: Pick<RoleContext, 'host'>): Observation<boolean> => ({
    id: 'painted',
    probe: () => sh`[ -e ${work.at(host.name, 'paint')} ]`,
    parse: ({ status }) => status === 0,
  });
  const web = defineRole({
    name: 'web',
    description: 'web',
    variables: { type: 'object', properties: {} },
    stages: () => [],
    observations: (context) => [painted(context)],
  });
  const has = (host: string, name = 'paint'): boolean => existsSync(work.at(host, name));
  const paint = ({ host }: Pick<RoleContext, 'host'>, how = sh`: >${work.at(host.name, 'paint')}`): Resource =>
    command({ name: 'paint', summary: 'paint', unless: sh`[ -e ${work.at(host.name, 'paint')} ]`, run: how }) as Resource;
  const bare = ({ view }: OperationRun<object>): string[] => HOSTS.filter((name) => view.read(name, handle<boolean>('painted')) === false);
  const stepOn = (host: string, rest: Partial<HostStep> = {}): HostStep => ({
    id: host,
    title: `paint ${host}`,
    on: [host],
    resources: (context) => [paint(context)],
    ...rest,
  });

  /** Paints one host after the other, the last in the inventory first. */
  const painting = (rest: Partial<Operation<object>> = {}): Operation<object> =>
    defineOperation({
      name: 'paint',
      description: 'paints',
      options: {},
      roles: ['web'],
      remaining: (now) => ({
        steps: bare(now)
          .reverse()
          .map((host) => stepOn(host)),
      }),
      ...rest,
    });

  const clean = (...already: string[]): void => {
    for (const host of HOSTS) {
      mkdirSync(work.at(host), { recursive: true });
      rmSync(work.at(host, 'paint'), { force: true });
      if (already.includes(host)) writeFileSync(work.at(host, 'paint'), '');
    }
  };

  /** A role whose service has the member pg9, which the inventory has not. */
  const withStranger = defineRole({
    ...web,
    strangers: (_view, bears) => (bears('pg9') ? [] : [{ kind: 'refuse', message: 'pg9 is not in the inventory', hint: 'put it back' }]),
  });

  it.each<{ what: string; rest: Partial<Operation<object>>; check: boolean }>([
    { what: 'any operation', rest: {}, check: false },
    { what: 'any operation with --check', rest: {}, check: true },
    { what: 'one that bears another member', rest: { bears: (_start, name) => name === 'pg8' }, check: false },
    { what: 'one whose own guards object', rest: { guards: () => [{ kind: 'preflight', message: 'busy', hint: 'wait' }] }, check: false },
  ])('refuses $what before its first step beside a member that the inventory does not have', async ({ rest, check }) => {
    clean();
    const { exitCode, errors, steps, record, foreseen } = await run(painting(rest), { catalog: [withStranger], check });
    expect([exitCode, errors.map(({ message }) => message), steps, record]).toEqual([4, ['pg9 is not in the inventory'], [], []]);
    expect(foreseen).toBeUndefined();
  });

  it.each<{ what: string; rest: Partial<Operation<object>> }>([
    { what: 'bears any', rest: { bears: true } },
    { what: 'bears that one', rest: { bears: (_start, name) => name === 'pg9' } },
  ])('carries one out beside such a member that $what', async ({ rest }) => {
    clean();
    expect((await run(painting(rest), { catalog: [withStranger] })).exitCode).toBe(0);
  });

  it('asks about such members no more once a step is carried out', async () => {
    clean();
    const late = defineRole({
      ...web,
      strangers: () => (has('pg3') ? [{ kind: 'refuse', message: 'pg9 is not in the inventory', hint: 'put it back' }] : []),
    });
    expect((await run(painting(), { catalog: [late] })).exitCode).toBe(0);
  });

  it('takes the first remaining step, surveys, and asks again until no step remains', async () => {
    clean();
    const { exitCode, steps, record, events, checks, machines } = await run(
      painting({ checks: (now) => [{ title: 'all are painted', ok: bare(now).length === 0, detail: 'seen' }] }),
    );
    expect(exitCode).toBe(0);
    expect(steps).toEqual(['pg3 paint/pg3 changed', 'pg2 paint/pg2 changed', 'pg1 paint/pg1 changed']);
    expect(record).toEqual(['begin {}', 'end']);
    expect(checks).toEqual([{ title: 'all are painted', ok: true, detail: 'seen' }]);
    expect(events.find(({ type }) => type === 'steps')).toMatchObject({
      steps: [{ id: 'paint/pg3', title: 'paint pg3', hosts: ['pg3'] }, { id: 'paint/pg2' }, { id: 'paint/pg1' }],
    });
    expect(events.filter(({ type }) => type === 'connected')).toHaveLength(3);
    expect(machines.open.size).toBe(0);
  });

  it('tells of a step that could not be foreseen before it is taken, so that it has a title', async () => {
    clean();
    const { events, steps } = await run(
      painting({
        remaining: (now) => ({
          steps: bare(now)
            .slice(0, 1)
            .map((host) => stepOn(host)),
        }),
      }),
    );
    expect(steps).toEqual(['pg1 paint/pg1 changed', 'pg2 paint/pg2 changed', 'pg3 paint/pg3 changed']);
    const told = events.flatMap((event) => (event.type === 'steps' ? [event.steps.map(({ id }) => id)] : []));
    expect(told).toEqual([['paint/pg1'], ['paint/pg2'], ['paint/pg3']]);
  });

  it('is refused before its first step where the store does not know what the cluster has, unless it only asks or must be possible in an emergency', async () => {
    const knowing = { ...web, outdated: () => [{ kind: 'refuse' as const, host: 'pg2', message: 'the store is older', hint: 'bring it' }] };
    for (const rest of [{}, { chosen: {} }, { check: true }]) {
      clean();
      const { exitCode, steps, record, kinds } = await run(painting({ requiresConverged: false }), { catalog: [knowing], ...rest });
      expect([exitCode, steps, record, kinds]).toEqual([4, [], [], ['refused/data']]);
    }
    const asks = { requiresConverged: false, changesNothing: true, remaining: () => ({ steps: [] }) } as const;
    const asking = await run(painting(asks), { catalog: [knowing] });
    expect(asking.exitCode).toBe(0);
    clean('pg2', 'pg3');
    const urgent = await run(painting({ requiresConverged: false, bears: true }), { catalog: [knowing] });
    expect([urgent.exitCode, urgent.steps]).toEqual([0, ['pg1 paint/pg1 changed']]);
  });

  it('says that nothing is left to do, and neither asks nor writes anything', async () => {
    clean(...HOSTS);
    const { exitCode, steps, record, events } = await run(painting({ nothing: () => 'all are painted' }), {
      consent: () => Promise.reject(new Error('asked')),
    });
    expect([exitCode, steps, record]).toEqual([0, [], ['end']]);
    expect(events).toContainEqual({ type: 'note', text: 'all are painted' });
  });

  it('continues from what it finds, with the earlier choices', async () => {
    clean('pg3');
    const seen: object[] = [];
    const { steps, record } = await run(
      painting({
        choose: () => ({ colour: 'red' }),
        remaining: (now) => {
          seen.push(now.options);
          return { steps: bare(now).map((host) => stepOn(host)) };
        },
      }),
      { chosen: { colour: 'blue' } },
    );
    expect(steps).toEqual(['pg1 paint/pg1 changed', 'pg2 paint/pg2 changed']);
    expect(record).toEqual(['begin {"colour":"blue"}', 'end']);
    expect(new Set(seen.map((options) => JSON.stringify(options)))).toEqual(new Set(['{"colour":"blue"}']));
  });

  it('only shows the steps with `check`: no lock, no change, nothing written', async () => {
    clean();
    const { exitCode, foreseen, steps, record, machines } = await run(painting(), { check: true });
    expect([exitCode, steps, record]).toEqual([0, [], []]);
    expect(foreseen?.steps.map(({ title }) => title)).toEqual(['paint pg3', 'paint pg2', 'paint pg1']);
    expect(HOSTS.map((host) => has(host))).toEqual([false, false, false]);
    for (const host of HOSTS) expect(machines.sent.get(host)?.join('')).not.toContain('pgprov.lock');
  });

  it('does nothing when its guards object or the person does not agree', async () => {
    clean();
    const refused = await run(painting({ guards: () => [{ kind: 'refuse', message: 'wet paint', hint: 'wait' }] }));
    expect([refused.exitCode, refused.kinds, refused.record, refused.steps]).toEqual([4, ['refused/data'], [], []]);
    const declined = await run(painting(), { consent: () => Promise.reject(new Error('no')) });
    expect([declined.record, declined.steps, HOSTS.map((host) => has(host))]).toEqual([[], [], [false, false, false]]);
  });

  it('advises what works: once it has begun, it is given up before another command changes the cluster', async () => {
    const advice = async (
      chosen: object | undefined,
      paintedHosts: string[],
      rest: Partial<Operation<object>> = {},
    ): Promise<string | undefined> => {
      clean(...paintedHosts);
      const objecting = painting({
        ...rest,
        guards: (now) => (bare(now).length < 3 ? [{ kind: 'refuse', message: 'no', hint: `run ${pgprov`apply ${now.inventory}`}` }] : []),
      });
      return (await run(objecting, chosen === undefined ? {} : { chosen })).errors[0]?.hint;
    };
    const [fresh, begun, resumed] = [await advice(undefined, ['pg3']), await advice(undefined, []), await advice({}, ['pg3'])];
    expect(fresh).toMatch(/^run `pgprov apply \S+`$/u);
    expect(await advice(undefined, [], { changesNothing: true })).toMatch(/^run `pgprov apply \S+`$/u);
    for (const hint of [begun, resumed]) expect(hint).toMatch(/^run `pgprov paint (?<file>\S+) --give-up && pgprov apply \k<file>`$/u);
  });

  it('waits without the lock of a step for what goes on by itself, so that other runs may change the host', async () => {
    const scripts = async (rest: Partial<HostStep>): Promise<string> => {
      clean(...HOSTS);
      // It opens as soon as it is waited for.
      const opens = gate({ name: 'dry', title: 'it is dry', unit: 'paint', fatalLogPatterns: [], check: sh`[ -n "$waited" ]` });
      const step: HostStep = { id: 'dry', title: 'wait until it is dry', on: ['pg1'], gates: () => [opens], ...rest };
      const ran = await run(painting({ changesNothing: true, remaining: ({ done }) => ({ steps: done.has('dry') ? [] : [step] }) }));
      expect([ran.exitCode, ran.events.filter(({ type }) => type === 'waited').length]).toEqual([0, 1]);
      return ran.machines.sent.get('pg1')?.join('') ?? '';
    };
    expect(await scripts({})).toContain('pgprov-step.lock');
    expect(await scripts({ onlyWatches: true })).not.toContain('pgprov-step.lock');
  });

  it('takes what follows at once with no look and no guard in between, and none of it after a failure', async () => {
    const walk = async (rest: Partial<HostStep> = {}): Promise<{ ran: Ran; told: string[]; asked: number }> => {
      clean();
      let asked = 0;
      const steps = (now: OperationRun<object>): OperationStep[] => {
        const [first, ...others] = [stepOn('pg1', rest), stepOn('pg2', { atOnce: true }), stepOn('pg3', { atOnce: true })];
        return [first, ...others].filter((step) => step !== undefined && bare(now).includes(step.id)) as OperationStep[];
      };
      const guards = (): [] => {
        asked += 1;
        return [];
      };
      const ran = await run(painting({ remaining: (now) => ({ steps: steps(now) }), guards }));
      const told = ran.events.flatMap((event) => {
        if (event.type === 'stage-start' || event.type === 'stage-end') return [`${event.type} ${event.stage}`];
        return event.type === 'surveyed-again' ? [`look ${event.host}`] : [];
      });
      return { ran, told, asked };
    };
    const { ran, told, asked } = await walk();
    expect([ran.exitCode, ran.steps]).toEqual([0, ['pg1 paint/pg1 changed', 'pg2 paint/pg2 changed', 'pg3 paint/pg3 changed']]);
    const [from, until] = [told.indexOf('stage-end paint/pg1'), told.indexOf('stage-end paint/pg3')];
    // Only what the steps themselves need is asked, on their own hosts.
    expect(told.slice(from, until).filter((line) => line.startsWith('look'))).toEqual(['look pg2', 'look pg3']);
    expect(asked).toBe(2);
    const failed = await walk({ resources: (context) => [paint(context, sh`exit 1`)] });
    expect([failed.ran.exitCode, failed.ran.steps]).toEqual([1, ['pg1 paint/pg1 failed']]);
  });

  it('asks its guards again before every step', async () => {
    clean();
    const { exitCode, steps, record } = await run(
      painting({ guards: (now) => (bare(now).length < 2 ? [{ kind: 'refuse', message: 'out of paint', hint: 'buy some' }] : []) }),
    );
    expect(exitCode).toBe(4);
    expect(steps).toEqual(['pg3 paint/pg3 changed', 'pg2 paint/pg2 changed']);
    expect(record).toEqual(['begin {}']);
  });

  it('requires that the hosts match the inventory, unless it is resumed or does not need that', async () => {
    clean();
    const drifted = defineRole({
      ...web,
      stages: (context) => [
        {
          name: 'files',
          title: 'write',
          crossing: 'independent',
          resources: [
            command({
              name: 'drift',
              summary: 'write the file',
              unless: sh`[ -e ${work.at(context.host.name, 'drift')} ]`,
              run: sh`:`,
            }) as Resource,
          ],
        },
      ],
    });
    const first = await run(painting(), { catalog: [drifted] });
    expect([first.exitCode, first.kinds, first.record]).toEqual([1, ['operation/not-converged'], []]);
    expect(first.errors[0]?.message).toContain('\n  pg1: write the file');
    expect((await run(painting(), { catalog: [drifted], chosen: {} })).exitCode).toBe(0);
    clean();
    expect((await run(painting({ requiresConverged: false }), { catalog: [drifted] })).exitCode).toBe(0);
  });

  it('stops at a step that fails, and keeps the choices once anything was done', async () => {
    clean();
    const failing = painting({
      remaining: (now) => ({
        steps: bare(now)
          .reverse()
          .map((host) => stepOn(host, host === 'pg2' ? { resources: (context) => [paint(context, sh`echo no brush; exit 1`)] } : {})),
      }),
    });
    const { exitCode, steps, record, kinds } = await run(failing);
    expect([exitCode, kinds]).toEqual([1, ['apply/failed']]);
    expect(steps).toEqual(['pg3 paint/pg3 changed', 'pg2 paint/pg2 failed']);
    expect(record).toEqual(['begin {}']);
  });

  describe('where its first step fails', () => {
    const failing = (how: ReturnType<typeof sh>, ...before: Resource[]): Operation<object> =>
      painting({ remaining: () => ({ steps: [stepOn('pg1', { resources: (context) => [...before, paint(context, how)] })] }) });

    it('keeps the choices once a change was begun, whatever came of it, and tells which', async () => {
      clean();
      const { exitCode, record, events } = await run(failing(sh`exit 1`));
      expect([exitCode, record]).toEqual([1, ['begin {}']]);
      expect(events).toContainEqual(expect.objectContaining({ type: 'step-end', result: 'failed', changes: 0, begun: 'paint' }));
    });

    it('forgets the choices where the change was refused before anything of it was done', async () => {
      clean();
      const refused = sh`echo it is locked; exit ${NOTHING_DONE}`;
      const { exitCode, record, errors, events } = await run(failing(refused));
      expect([exitCode, record]).toEqual([1, ['begin {}', 'end']]);
      expect(errors).toMatchObject([{ kind: 'apply/refused', message: 'pg1: could not paint\nit is locked' }]);
      expect(events.some((event) => event.type === 'step-end' && event.begun !== undefined)).toBe(false);
      clean();
      const primed = command({
        name: 'prime',
        summary: 'prime',
        unless: sh`[ -e ${work.at('pg1', 'primed')} ]`,
        run: sh`: >${work.at('pg1', 'primed')}`,
      });
      expect((await run(failing(refused, primed as Resource))).record).toEqual(['begin {}']);
    });

    it('forgets the choices where it only waited, or was to be taken where nothing answers', async () => {
      clean();
      const waits = gate({ name: 'dry', title: 'it is dry', unit: 'web', fatalLogPatterns: [], timeout: 1, check: sh`exit 1` }) as Gate;
      const waiting = painting({ remaining: () => ({ steps: [stepOn('pg1', { resources: () => [], gates: () => [waits] })] }) });
      expect([(await run(waiting)).record]).toEqual([['begin {}', 'end']]);
      const away = painting({ unreachable: 'go-on', remaining: () => ({ steps: [stepOn('pg1')] }) });
      const { kinds, record } = await run(away, { machines: { pg1: { unreachable: true } } });
      expect([kinds, record]).toEqual([['operation/out-of-reach'], ['begin {}', 'end']]);
    });
  });

  it('keeps what was chosen where the first step has moved one of its hosts, or one fell silent in it', async () => {
    const onTwo = painting({
      unreachable: 'go-on',
      remaining: () => ({
        steps: [
          stepOn('pg1', {
            on: ['pg1', 'pg2'],
            resources: (context) => [paint(context, context.host.name === 'pg2' ? sh`exit 1` : undefined)],
          }),
        ],
      }),
    });
    clean();
    const partly = await run(onTwo);
    expect([partly.steps.sort(), partly.record]).toEqual([['pg1 paint/pg1 changed', 'pg2 paint/pg1 failed'], ['begin {}']]);
    clean();
    const alone = painting({ unreachable: 'go-on', remaining: () => ({ steps: [stepOn('pg1')] }) });
    const cut = await run(alone, { machines: { pg1: { cutExec: 3, deadAfterCut: true } } });
    expect([cut.exitCode, cut.steps, cut.record]).toEqual([3, ['pg1 paint/pg1 failed'], ['begin {}']]);
  });

  it('ends when a host is lost between two steps, whatever it does without hosts that are out of reach, and goes by nothing that was seen of it', async () => {
    clean();
    const seen: string[][] = [];
    const guards = (now: OperationRun<object>): [] => {
      seen.push(HOSTS.filter((name) => now.view.surveyed(name)));
      return [];
    };
    let left: string[] = [];
    const describe: OperateOptions<object>['describe'] = (view) => {
      left = HOSTS.filter((name) => view.surveyed(name));
      return {} as ReturnType<NonNullable<OperateOptions<object>['describe']>>;
    };
    // What comes after the first look at pg1 does not get through.
    const lost = { pg1: { cutExec: 1, deadAfterCut: true } };
    const { exitCode, kinds, steps, record } = await run(painting({ unreachable: 'go-on', guards }), { machines: lost, describe });
    expect([exitCode, kinds, steps, record]).toEqual([3, ['ssh/connection-lost'], ['pg3 paint/pg3 changed'], ['begin {}']]);
    expect(seen).toEqual([HOSTS]);
    expect(left).toEqual(['pg2', 'pg3']);
  });

  it('stops when what it sees requires a step that was already carried out', async () => {
    clean();
    const { exitCode, kinds, steps } = await run(painting({ remaining: () => ({ steps: [stepOn('pg1')] }) }));
    expect([exitCode, kinds, steps]).toEqual([1, ['operation/stuck'], ['pg1 paint/pg1 changed']]);
  });

  it('looks again when a proof may still come to hold: what Patroni lists of a member is as old as its last loop', async () => {
    let asked = 0;
    const { exitCode, checks, events } = await run(
      painting({ checks: () => [{ title: 'it is dry', ok: ++asked > 1, detail: `look ${asked}`, settles: true }] }),
    );
    expect([exitCode, checks]).toEqual([0, [{ title: 'it is dry', ok: true, detail: 'look 2', settles: true }]]);
    expect(events).toContainEqual({ type: 'note', text: 'waiting for a proof: it is dry (look 1)' });
  });

  it('is not done before its proofs hold', async () => {
    clean();
    const { exitCode, record, kinds } = await run(painting({ checks: () => [{ title: 'it is dry', ok: false, detail: 'wet' }] }));
    expect([exitCode, kinds, record]).toEqual([1, ['check/failed'], ['begin {}']]);
  });

  it('lets the current step end when it is interrupted, and starts no other', async () => {
    clean();
    const interrupt = new AbortController();
    const { exitCode, steps, record } = await run(painting(), {
      signal: interrupt.signal,
      on: (event) => {
        if (event.type === 'changing') interrupt.abort();
      },
    });
    expect([exitCode, steps, record]).toEqual([130, ['pg3 paint/pg3 changed'], ['begin {}']]);
  });

  it('stays unfinished when it is resumed and fails at once, or is interrupted before it takes a step', async () => {
    clean();
    const fails = painting({ remaining: () => ({ steps: [stepOn('pg1', { resources: (context) => [paint(context, sh`exit 1`)] })] }) });
    const [begun, resumed] = [await run(fails), await run(fails, { chosen: {} })];
    expect([begun.record, resumed.exitCode, resumed.record]).toEqual([['begin {}'], 1, ['begin {}']]);
    const interrupt = new AbortController();
    const { exitCode, record } = await run(painting(), {
      chosen: {},
      signal: interrupt.signal,
      on: ({ type }) => {
        if (type === 'steps') interrupt.abort();
      },
    });
    expect([exitCode, record]).toEqual([130, []]);
  });

  it('refuses when hosts are out of reach, or continues without them and names those that a step needs', async () => {
    clean();
    const machines = { pg2: { unreachable: true } };
    const refused = await run(painting(), { machines });
    expect([refused.exitCode, refused.steps, refused.record]).toEqual([3, [], []]);
    const tolerant = painting({ unreachable: 'go-on', remaining: (now) => ({ steps: bare(now).map((host) => stepOn(host)) }) });
    const without = await run(tolerant, { machines });
    expect([without.exitCode, without.steps]).toEqual([0, ['pg1 paint/pg1 changed', 'pg3 paint/pg3 changed']]);
    expect(without.events.filter(({ type }) => type === 'failed')).toHaveLength(1);
    clean();
    const telling = await run(painting({ ...tolerant, unreachable: 'tell' }), { machines });
    expect([telling.exitCode, telling.steps]).toEqual([3, without.steps]);
    const needing = await run(painting({ unreachable: 'go-on', remaining: () => ({ steps: [stepOn('pg2')] }) }), { machines });
    expect(needing.kinds).toContain('operation/out-of-reach');
  });

  it('ends with the exit code of what it leaves for a person to do, and stays unfinished for none of it', async () => {
    const leaving = (...kinds: LeftOver['kind'][]): Operation =>
      painting({ leaves: () => kinds.map((kind): LeftOver => ({ kind, message: 'pg4 is bare', hint: 'paint it' })) });
    for (const [operation, code] of [
      [leaving('unreachable'), 3],
      [leaving('preflight', 'unreachable'), 1],
      [leaving(), 0],
    ] as const) {
      clean();
      const done = await run(operation);
      expect([done.exitCode, done.steps.length, done.record]).toEqual([code, 3, ['begin {}', 'end']]);
      expect((await run(operation)).exitCode).toBe(code);
      expect((await run(operation, { check: true })).exitCode).toBe(0);
    }
  });

  it('looks again at what it leaves where that may pass by itself', async () => {
    clean();
    let looks = 0;
    const leaves = (): LeftOver[] =>
      (looks += 1) > 2 ? [] : [{ kind: 'preflight', message: 'the paint is wet', hint: 'wait', settles: true }];
    expect((await run(painting({ leaves, patience: 60 }))).exitCode).toBe(0);
    expect(looks).toBe(3);
  });

  it('does not treat a host that another run has locked as unreachable', async () => {
    clean();
    mkdirSync(work.at('pg2', 'run'), { recursive: true });
    const { text: script } = frameScript([], {
      before: takeRunLock('ann@laptop', work.at('pg2', 'run')),
      afterwards: HOLD_UNTIL_INPUT_CLOSES,
    });
    const connection = await new LocalTransport('dash').connect();
    const held = new Promise<Exec>((resolve, reject) => {
      const exec = connection.exec({ script, holdInput: true, onStdout: () => void exec.then(resolve, reject) });
    });
    const other = await held;
    const { exitCode, kinds, steps, record } = await run(painting({ unreachable: 'go-on' }));
    other.closeInput();
    await other.ended;
    expect([exitCode, kinds, steps, record]).toEqual([5, ['lock/held'], [], []]);
  });

  it('measures the write gap of a step that asks for it, and of no other', async () => {
    clean('pg1');
    const { events } = await run(
      painting({
        remaining: (now) => ({ steps: bare(now).map((host) => stepOn(host, host === 'pg3' ? { measuresWriteGap: true } : {})) }),
      }),
    );
    expect(events.filter(({ type }) => type === 'write-gap')).toEqual([
      { type: 'write-gap', stage: 'paint/pg3', unseen: 'no host with a database is connected' },
    ]);
    const types = events.map((event) => (event.type === 'stage-end' ? event.stage : event.type));
    expect(types.indexOf('write-gap')).toBeGreaterThan(types.indexOf('paint/pg3'));
  });

  describe('with a way back', () => {
    /** Paints pg1, and then pg2, which fails; on the way back the paint of pg1 goes. */
    const returning = (second: Partial<HostStep> = {}, rest: Partial<Operation<object>> = {}): Operation<object> =>
      painting({
        remaining: (now) => ({
          steps: [
            ...(bare(now).includes('pg1') ? [stepOn('pg1')] : []),
            stepOn('pg2', { resources: (context) => [paint(context, sh`echo no brush; exit 1`)], ...second }),
          ],
        }),
        back: (now) =>
          bare(now).includes('pg1')
            ? []
            : [
                {
                  id: 'strip',
                  title: 'strip pg1',
                  on: ['pg1'],
                  resources: () => [
                    command({
                      name: 'strip',
                      summary: 'strip',
                      unless: sh`[ ! -e ${work.at('pg1', 'paint')} ]`,
                      run: sh`rm ${work.at('pg1', 'paint')}`,
                    }) as Resource,
                  ],
                },
              ],
        broken: async (now) => `bare: ${bare(now).join(' ')}`,
        ...rest,
      });

    it('puts things back when a step fails, says so, and is not unfinished then', async () => {
      clean();
      const { exitCode, steps, record, kinds, events } = await run(returning());
      expect([exitCode, kinds]).toEqual([1, ['apply/failed']]);
      expect(steps).toEqual(['pg1 paint/pg1 changed', 'pg2 paint/pg2 failed', 'pg1 paint/strip changed']);
      expect(record).toEqual(['begin {}', 'end']);
      expect(events).toContainEqual({ type: 'warning', text: 'bare: pg1 pg2 pg3' });
      expect(has('pg1')).toBe(false);
    });

    it('puts things back when it is interrupted, or resumed and fails', async () => {
      clean();
      const interrupt = new AbortController();
      const interrupted = await run(returning(), {
        signal: interrupt.signal,
        on: (event) => {
          if (event.type === 'changing') interrupt.abort();
        },
      });
      expect([interrupted.exitCode, interrupted.record]).toEqual([130, ['begin {}', 'end']]);
      expect(interrupted.steps).toEqual(['pg1 paint/pg1 changed', 'pg1 paint/strip changed']);
      clean('pg1');
      const resumed: unknown[] = [];
      const again = await run(
        returning(
          {},
          {
            guards: (now) => {
              resumed.push(now.resumed);
              return [];
            },
          },
        ),
        { chosen: {} },
      );
      expect([again.steps, again.record]).toEqual([
        ['pg2 paint/pg2 failed', 'pg1 paint/strip changed'],
        ['begin {}', 'end'],
      ]);
      expect(resumed).toEqual([true]);
    });

    it('also on a host that is still there when another was lost', async () => {
      clean();
      const machines = { pg2: { cutExec: 4, deadAfterCut: true } };
      const { exitCode, steps, record } = await run(returning({}, { unreachable: 'go-on' }), { machines });
      expect(steps.at(-1)).toBe('pg1 paint/strip changed');
      expect([exitCode, record]).toEqual([3, ['begin {}', 'end']]);
    });

    it('names the host that it would need and that was lost, and tidies up on the others', async () => {
      clean();
      const machines = { pg2: { cutExec: 4, deadAfterCut: true } };
      const back: Operation<object>['back'] = () => [
        stepOn('pg2'),
        { id: 'tidy', title: 'tidy up', on: ['pg2', 'pg3'], tidiesUp: true, resources: (context) => [paint(context)] },
      ];
      const { exitCode, kinds, steps, record } = await run(returning({}, { unreachable: 'go-on', back }), { machines });
      expect(kinds).toEqual(['ssh/connection-lost', 'operation/out-of-reach']);
      expect(steps.at(-1)).toBe('pg3 paint/tidy changed');
      expect([exitCode, record]).toEqual([3, ['begin {}']]);
    });

    it('does nothing of it once a step without a way back was begun', async () => {
      clean();
      const { steps, record } = await run(returning({ pointOfNoReturn: true }));
      expect([steps, record]).toEqual([['pg1 paint/pg1 changed', 'pg2 paint/pg2 failed'], ['begin {}']]);
    });

    it('stays unfinished where a step of the way back fails, and tells of that too', async () => {
      clean();
      const { errors, record } = await run(
        returning({}, { back: () => [stepOn('pg3', { resources: (context) => [paint(context, sh`echo dry; exit 1`)] })] }),
      );
      expect(errors.map(({ host }) => host)).toEqual(['pg2', 'pg3']);
      expect(record).toEqual(['begin {}']);
    });
  });

  it('measures a gap in writes until a later step is over, and leaves nothing of it where that is not reached', async () => {
    const until = (last: string, second: Partial<HostStep> = {}): Operation<object> =>
      painting({
        remaining: (now) => ({
          steps: bare(now).map((host) =>
            stepOn(host, host === 'pg1' ? { measuresWriteGap: { until: last } } : host === 'pg2' ? second : {}),
          ),
        }),
      });
    clean();
    const { events } = await run(until('pg2'));
    const told = events.flatMap((event) => (event.type === 'write-gap' || event.type === 'stage-end' ? [event.type, event.stage] : []));
    expect(told.slice(0, 6)).toEqual(['stage-end', 'paint/pg1', 'stage-end', 'paint/pg2', 'write-gap', 'paint/pg2']);
    clean();
    const failed = await run(until('pg3', { resources: (context) => [paint(context, sh`exit 1`)] }));
    expect(failed.events.filter(({ type }) => type === 'write-gap')).toEqual([]);
  });

  describe('a converge step', () => {
    /** Wants a file on every host, in a stage of this kind. */
    const files = (stage: Partial<Stage> = {}): Role => ({
      ...web,
      stages: ({ host }) => [{ name: 'files', title: 'write', crossing: 'independent', resources: [paint({ host })], ...stage }],
    });
    const step = (converge: Partial<ConvergeStep['converge']> = {}): ConvergeStep => ({
      id: 'bring',
      title: 'bring the paint',
      converge: { roles: ['web'], ...converge },
    });
    const bringing = (rest: Partial<Operation<object>> = {}, of = step()): Operation<object> =>
      painting({
        requiresConverged: false,
        remaining: ({ done }) => ({ steps: done.has('bring') ? [] : [of] }),
        nothing: () => 'all are painted',
        finished: () => 'all is dry',
        ...rest,
      });

    it('runs its roles on the same connections, and is planned before the question', async () => {
      clean('pg2');
      const asked: unknown[] = [];
      const { exitCode, steps, events, record, machines } = await run(bringing(), {
        catalog: [files()],
        consent: async ({ plan, steps: all }) => void asked.push([plan?.changes.map(({ host }) => host), all]),
      });
      expect(exitCode).toBe(0);
      expect(asked).toEqual([[['pg1', 'pg3'], [{ id: 'paint/bring', title: 'bring the paint', hosts: HOSTS, pass: true }]]]);
      expect(steps).toEqual(expect.arrayContaining(['pg1 web/files changed', 'pg2 web/files ok', 'pg3 web/files changed']));
      expect(events.filter(({ type }) => type === 'connected')).toHaveLength(3);
      expect(events).toContainEqual({
        type: 'stages',
        step: 'paint/bring',
        stages: [{ id: 'web/files', role: 'web', title: 'write', hosts: HOSTS }],
      });
      expect(events).toContainEqual({ type: 'note', text: 'all is dry' });
      expect(record).toEqual(['begin {}', 'end']);
      for (const host of HOSTS) expect(machines.sent.get(host)?.filter((script) => script.includes('pgprov.lock'))).toHaveLength(1);
    });

    it('is done without a question when it has nothing to change; with `proves` it is still proved', async () => {
      clean(...HOSTS);
      const nothing = await run(bringing(), { catalog: [files()], consent: () => Promise.reject(new Error('asked')) });
      expect([nothing.exitCode, nothing.steps, nothing.record]).toEqual([0, [], ['end']]);
      expect(nothing.events).toContainEqual({ type: 'note', text: 'all are painted' });
      const wet: Role = { ...files(), checks: () => [{ title: 'it is dry', ok: false, detail: 'wet' }] };
      expect((await run(bringing(), { catalog: [wet] })).exitCode).toBe(0);
      expect((await run(bringing({}, step({ proves: true })), { catalog: [wet] })).kinds).toEqual(['check/failed']);
    });

    it('is refused and judged by what is said of the hosts that it answers for, and of none', async () => {
      const wet = (host?: string) => ({ title: 'it is dry', ok: false, detail: 'wet', ...(host === undefined ? {} : { host }) });
      const refused = (host?: string) => ({
        kind: 'refuse' as const,
        message: 'no',
        hint: 'none',
        ...(host === undefined ? {} : { host }),
      });
      const kinds = async (rest: Partial<Role>, answersFor?: string[]): Promise<string[]> => {
        clean();
        const of = step(answersFor === undefined ? {} : { answersFor });
        return (await run(bringing({}, of), { catalog: [{ ...files(), ...rest }] })).kinds;
      };
      for (const rest of [{ checks: () => [wet('pg2')] }, { guards: () => [refused('pg2')] }]) {
        expect(await kinds(rest, ['pg1'])).toEqual([]);
        expect(await kinds(rest, ['pg1', 'pg2'])).toHaveLength(1);
        expect(await kinds(rest)).toHaveLength(1);
      }
      expect(await kinds({ checks: () => [wet()] }, ['pg1'])).toEqual(['check/failed']);
      expect(await kinds({ guards: () => [refused()] }, ['pg1'])).toEqual(['refused/data']);
    });

    it('shows its plan with `check`, and changes nothing', async () => {
      clean('pg1');
      const { foreseen, steps, record } = await run(bringing(), { check: true, catalog: [files()] });
      expect(foreseen?.plan).toMatchObject({ changes: [{ host: 'pg2' }, { host: 'pg3' }], hosts: HOSTS });
      expect([steps, record, has('pg2')]).toEqual([[], [], false]);
    });

    it('is done with `check` when it has nothing to change, so that the next step is shown', async () => {
      clean(...HOSTS);
      const two = bringing({ remaining: ({ done }) => ({ steps: done.has('bring') ? [stepOn('pg1')] : [step(), stepOn('pg1')] }) });
      const { foreseen } = await run(two, { check: true, catalog: [files()] });
      expect([foreseen?.plan, foreseen?.steps.map(({ id }) => id)]).toEqual([undefined, ['paint/pg1']]);
    });

    it('has its guards asked about what it would change, and asked again for a while if the objection may pass', async () => {
      clean();
      const seen: (number | undefined)[] = [];
      const passing = bringing({
        patience: 30,
        guards: ({ planned }) => {
          seen.push(planned?.length);
          if (planned?.length === 3) writeFileSync(work.at('pg2', 'paint'), '');
          return planned?.length === 3 ? [{ kind: 'preflight', error: 'paint/wet', message: 'wet', hint: 'wait', settles: true }] : [];
        },
      });
      const { exitCode, steps } = await run(passing, { catalog: [files()] });
      expect([exitCode, seen]).toEqual([0, [undefined, 3, 2, undefined]]);
      expect(steps.filter((line) => line.endsWith('changed'))).toHaveLength(2);
      clean();
      const refused = await run(
        bringing({
          guards: ({ planned }) =>
            planned === undefined ? [] : [{ kind: 'input', error: 'paint/other', message: 'other paint', hint: 'none' }],
        }),
        { catalog: [files()] },
      );
      expect([refused.exitCode, refused.kinds, refused.record, has('pg1')]).toEqual([2, ['paint/other'], [], false]);
    });

    it('chooses anew once what it waited for is there', async () => {
      let asked = 0;
      const settles = { within: 60, moves: new Map([['pg1', 'pg1 starts']]), failed: [] };
      const chooses = painting({
        choose: () => ({ at: asked }),
        guards: () => (asked++ === 0 ? [{ kind: 'refuse', message: 'nobody leads', hint: 'wait', settles }] : []),
      });
      const { exitCode, record, events } = await run(chooses);
      expect([exitCode, record[0]]).toEqual([0, 'begin {"at":1}']);
      expect(events).toContainEqual({ type: 'awaiting', text: 'pg1 starts' });
    });

    it('is refused with what it waited for when it is interrupted while it waits', async () => {
      const interrupt = new AbortController();
      const settles = { within: 3600, moves: new Map([['pg1', 'pg1 starts']]), failed: [] };
      let interrupted = false;
      const looks = ({ view }: OperationRun<object>): unknown => view.read('pg1', handle<number>('looks'));
      const waits = painting({
        observations: () => [{ id: 'looks', probe: () => sh`:`, parse: () => interrupted }],
        guards: (now) => (looks(now) === false ? [{ kind: 'refuse', message: 'nobody leads', hint: 'wait', settles }] : []),
      });
      const { exitCode, errors, record } = await run(waits, {
        signal: interrupt.signal,
        on: ({ type }) => {
          if (type !== 'awaiting') return;
          interrupted = true;
          interrupt.abort();
        },
      });
      expect([exitCode, errors.map(({ message }) => message), record]).toEqual([4, ['nobody leads'], []]);
    });

    it('changes all hosts at once only in stages with proofs, and proves nothing itself', async () => {
      clean();
      const proved = files({ crossing: 'rolling', proofs: [] });
      const role: Role = {
        ...proved,
        stages: (context) => [
          ...proved.stages(context),
          {
            name: 'more',
            title: 'more',
            crossing: 'independent',
            resources: [command({ name: 'more', summary: 'more', unless: sh`exit 1`, run: sh`:` }) as Resource],
          },
        ],
        checks: () => [{ title: 'it is dry', ok: false, detail: 'wet' }],
      };
      const { exitCode, steps, events, checks } = await run(bringing({}, step({ crossing: 'all-at-once' })), { catalog: [role] });
      expect([exitCode, checks]).toEqual([0, []]);
      expect([...steps].sort()).toEqual(HOSTS.map((host) => `${host} web/files changed`));
      expect(events.find(({ type }) => type === 'planned')).toMatchObject({
        changes: expect.arrayContaining([expect.objectContaining({ stage: 'web/more' })]) as object,
      });
    });

    it('is not finished when it is interrupted', async () => {
      clean();
      const interrupt = new AbortController();
      const told: boolean[] = [];
      const { exitCode, record } = await run(bringing({ broken: async (_, { touched }) => String(told.push(touched)) }), {
        catalog: [files()],
        signal: interrupt.signal,
        on: (event) => {
          if (event.type === 'changing') interrupt.abort();
        },
      });
      expect([exitCode, record, told]).toEqual([130, ['begin {}'], [true]]);
    });
  });

  it('asks what the roles ask about certificates with `inspects`, and what a step asks in that step', async () => {
    clean('pg2');
    const tells = (id: string): Observation<string> => ({
      id,
      probe: () => sh`echo ${id}`,
      parse: (answer) => answer.out.toString('utf8').trim(),
    });
    const seen: unknown[] = [];
    const operation = (inspects: boolean): Operation<object> =>
      painting({
        requiresConverged: false,
        ...(inspects ? { inspects } : {}),
        remaining: ({ view, done }) => {
          seen.push([view.read('pg1', handle('inspected')), view.read('pg1', handle('asked'))]);
          return { steps: done.size > 0 ? [] : [stepOn('pg1', { resources: () => [], asks: () => [tells('asked')] })] };
        },
      });
    const role: Role = { ...web, inspections: () => [tells('inspected')] };
    await run(operation(true), { catalog: [role] });
    expect([seen[0], seen.at(-1)]).toEqual([
      ['inspected', undefined],
      ['inspected', 'asked'],
    ]);
    seen.length = 0;
    await run(operation(false), { catalog: [role] });
    expect(seen[0]).toEqual([undefined, undefined]);
  });

  it('asks nobody with `changesNothing`, also where a step asks a host', async () => {
    clean('pg2');
    const { exitCode } = await run(
      painting({
        requiresConverged: false,
        changesNothing: true,
        remaining: ({ done }) => ({ steps: done.size > 0 ? [] : [stepOn('pg1', { resources: () => [] })] }),
        checks: () => [],
      }),
      { consent: () => Promise.reject(new Error('asked')) },
    );
    expect(exitCode).toBe(0);
  });

  it('does all else where the inventory cannot be written, and ends with what a person has to write', async () => {
    clean('pg2', 'pg3');
    const mark: OperationStep = { id: 'mark', title: 'mark', atDesk: (desk) => desk.write([], 'write it there') };
    const marking = painting({
      remaining: (now) => ({ steps: [...(now.done.has('mark') ? [] : [mark]), ...bare(now).map((host) => stepOn(host))] }),
      finished: ({ leftByHand }) => `done${leftByHand === true ? ', but for the inventory' : ''}`,
    });
    const notes = (events: readonly RunEvent[]): string[] => events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    const unwritable = {
      editInventory: () => Promise.reject(new InputError({ kind: 'file/not-writable', message: 'it cannot be written' })),
    };
    const { exitCode, errors, steps, record, events } = await run(marking, unwritable);
    expect([exitCode, steps, record]).toEqual([1, ['pg1 paint/pg1 changed'], ['begin {}', 'end']]);
    expect(errors.map(({ kind, message, hint }) => [kind, message, hint])).toEqual([
      ['inventory/by-hand', 'it cannot be written', 'write it there'],
    ]);
    expect(notes(events)).toContain('done, but for the inventory');
    clean('pg2', 'pg3');
    expect(notes((await run(marking)).events)).toContain('done');
  });

  describe('what the store keeps', () => {
    const rotation = { path: 'web.password', from: 'the-former-one', to: 'the-new-one' };
    const begin: OperationStep = { id: 'begin', title: 'begin', atDesk: ({ store }) => store.beginRotation(rotation) };
    const finish: OperationStep = { id: 'finish', title: 'finish', atDesk: ({ store }) => store.endRotation() };
    const keeping = (rest: Partial<Operation<object>> = {}): Operation<object> =>
      painting({
        keptInStore: true,
        goesOn: ({ kept }) => (kept.rotation === undefined ? undefined : 'going on'),
        remaining: ({ kept, done, ...now }) => ({
          steps: done.has('finish')
            ? []
            : [...(kept.rotation === undefined ? [begin] : []), ...bare({ kept, done, ...now }).map((host) => stepOn(host)), finish],
        }),
        broken: async ({ done }, { touched, desk }) => {
          if (!touched && done.has('begin')) await desk.store.dropRotation();
          return touched ? 'not finished' : 'not changed';
        },
        ...rest,
      });
    const pending = (): boolean => existsSync(work.at('store', 'password-rotation.yml'));

    it('is read again after a step on the control machine, which runs once a person has agreed', async () => {
      clean('pg2', 'pg3');
      const asked: string[][] = [];
      const { exitCode, steps, events } = await run(keeping(), {
        consent: async (proposal) => void asked.push(proposal.steps.map(({ id, hosts }) => `${id} ${hosts.join()}`)),
      });
      expect([exitCode, steps, pending()]).toEqual([0, ['pg1 paint/pg1 changed'], false]);
      expect(asked).toEqual([['paint/begin ', 'paint/pg1 pg1', 'paint/finish ']]);
      expect(events.filter(({ type }) => type === 'stage-end').map((event) => 'stage' in event && event.stage)).toEqual([
        'paint/begin',
        'paint/pg1',
        'paint/finish',
      ]);
      clean();
      await run(keeping(), { consent: () => Promise.reject(new Error('no')) });
      expect(pending()).toBe(false);
    });

    it('is continued without a question, and on a cluster that does not match its inventory', async () => {
      clean();
      await (await Store.open(work.at('store'), DEMO, { writable: true })).beginRotation(rotation);
      const drifted: Role = {
        ...web,
        stages: () => [
          {
            name: 'files',
            title: 'write',
            crossing: 'independent',
            resources: [command({ name: 'drift', summary: 'write', unless: sh`exit 1`, run: sh`:` }) as Resource],
          },
        ],
      };
      const { exitCode, events } = await run(keeping(), { catalog: [drifted], consent: () => Promise.reject(new Error('asked')) });
      expect([exitCode, pending(), HOSTS.map((host) => has(host))]).toEqual([0, false, [true, true, true]]);
      expect(events).toContainEqual({ type: 'note', text: 'going on' });
    });

    it('is taken back, or reported as unfinished, when the operation ends early', async () => {
      clean();
      const failing = (how: ReturnType<typeof sh>, resources = true): Operation<object> =>
        keeping({
          remaining: ({ kept }) => ({
            steps: [
              ...(kept.rotation === undefined ? [begin] : []),
              stepOn('pg1', resources ? { resources: (context) => [paint(context, how)] } : { on: ['pg9'] }),
              finish,
            ],
          }),
        });
      const touched = await run(failing(sh`exit 1`));
      expect([touched.exitCode, pending()]).toEqual([1, true]);
      expect(touched.events).toContainEqual({ type: 'warning', text: 'not finished' });
      rmSync(work.at('store', 'password-rotation.yml'));
      const untouched = await run(failing(sh`:`, false));
      expect([untouched.kinds, pending()]).toEqual([['operation/out-of-reach'], false]);
      expect(untouched.events).toContainEqual({ type: 'warning', text: 'not changed' });
    });

    it('may be a reason to refuse the operation before a host is connected to', async () => {
      const machines = vi.spyOn(Machines.prototype, 'connect');
      const problem = keeping({
        problems: ({ kept }) => [
          { kind: 'input', error: 'paint/none', message: `${kept.authority.certificate ?? 'no authority'}`, hint: 'none' },
        ],
      });
      await expect(run(problem)).rejects.toMatchObject({ kind: 'paint/none', exitCode: 2, message: 'no authority' });
      expect(machines).not.toHaveBeenCalled();
      machines.mockRestore();
    });
  });
});
