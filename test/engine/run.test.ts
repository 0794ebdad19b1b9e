import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.js';
import { runCluster, type RunOptions, type RunOutcome } from '../../src/engine/run.js';
import { defineRole, type Role, type RoleContext, type Stage, type UnitGuard } from '../../src/plan/role.js';
import { command } from '../../src/resources/command.js';
import { DATA_DIRECTORY, type ClusterData } from '../../src/resources/data-directory.js';
import { file } from '../../src/resources/file.js';
import { gate } from '../../src/resources/gate.js';
import { service } from '../../src/resources/service.js';
import type { Gate, Observation, Resource } from '../../src/resources/resource.js';
import { frameScript } from '../../src/shell/frame.js';
import { HOLD_UNTIL_INPUT_CLOSES, takeRunLock } from '../../src/shell/lock.js';
import { sh } from '../../src/shell/quote.js';
import { Store } from '../../src/store/store.js';
import { LocalTransport } from '../../src/transport/local.js';
import { DEPTH, MATRIX, SEED } from '../support/depth.js';
import { freshDirectory, ME } from '../support/directory.js';
import { inventoryOf } from '../support/inventory.js';
import { Machines, type MachineOptions } from '../support/machines.js';
import { isThere } from '../support/shells.js';
import { patience } from '../support/patience.js';

const HOSTS = ['pg1', 'pg2', 'pg3'];
const ready = isThere('flock') && isThere('dash');

describe.skipIf(!ready)(ready ? 'runCluster' : 'runCluster (skipped: no flock or no dash on this machine)', () => {
  const work = freshDirectory();

  interface Ran extends RunOutcome {
    machines: Machines;
    events: RunEvent[];
    /** `pg1 web/files changed`, in the order in which they ended. */
    steps: string[];
    kinds: string[];
  }

  /** Runs a catalog on three machines that are directories of this one. */
  async function run(
    catalog: readonly Role[],
    options: Partial<Omit<RunOptions, 'catalog' | 'emit'>> & { machines?: Record<string, MachineOptions>; emit?: (event: RunEvent) => void } = {},
  ): Promise<Ran> {
    const { machines: given, emit, ...rest } = options;
    const hosts = HOSTS.map((name, index) => `  ${name}: {address: 192.0.2.${index + 1}}`).join('\n');
    const roles = catalog.map(({ name }) => name).join(', ');
    const inventory = await inventoryOf(`cluster: demo\nroles: [${roles}]\nhosts:\n${hosts}\n`, catalog);
    const machines = new Machines(work.path, given);
    const events: RunEvent[] = [];
    const outcome = await runCluster({
      inventory,
      catalog,
      aim: {},
      mode: 'apply',
      transport: machines,
      store: await Store.open(work.at('store'), 'demo', { writable: true }),
      signal: new AbortController().signal,
      ...rest,
      emit: (event) => {
        events.push(event);
        emit?.(event);
      },
    });
    return {
      ...outcome,
      machines,
      events,
      steps: events.flatMap((event) => (event.type === 'step-end' ? [`${event.host} ${event.stage} ${event.result}`] : [])),
      kinds: outcome.errors.map(({ kind }) => kind),
    };
  }

  const role = (name: string, rest: Partial<Role>): Role =>
    defineRole({ name, description: name, variables: { type: 'object', properties: {} }, stages: () => [], ...rest });
  const stage = (name: string, resources: readonly Resource[], rest: Partial<Stage> = {}): Stage => ({
    name, title: `do ${name}`, crossing: 'independent', resources: resources as Resource[], ...rest,
  });
  const text = ({ host }: Pick<RoleContext, 'host'>, name: string, content = name): Resource =>
    file({ path: work.at(host.name, name), content, ...ME }) as Resource;
  const make = ({ host }: Pick<RoleContext, 'host'>, name: string, run = sh`: >${work.at(host.name, name)}`): Resource =>
    command({ name, summary: `make ${name}`, unless: sh`[ -e ${work.at(host.name, name)} ]`, run }) as Resource;
  const has = (host: string, name: string): boolean => existsSync(work.at(host, name));

  /** Two stages, a check, a remark. */
  const web = role('web', {
    stages: (context) => [stage('files', [text(context, 'a'), text(context, 'b')]), stage('more', [make(context, 'c')])],
    checks: (view) => view.hosts('web').map(({ name }) => ({ title: 'c is there', ok: view.read<{ done: boolean }>(name, 'command:c')?.done === true, detail: 'seen', host: name })),
    remarks: (_view, host) => [`hello from ${host}`],
  });

  it('carries out a plan, proves it, and says what happened', async () => {
    const { exitCode, plan, checks, machines, events, steps } = await run([web]);
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
      type: 'run-start', command: 'apply', cluster: 'demo', hosts: HOSTS,
      stages: [{ id: 'web/files', role: 'web', title: 'do files', hosts: HOSTS }, { id: 'web/more', hosts: HOSTS }],
    });
    expect(events.at(-1)).toMatchObject({
      type: 'run-end', exitCode: 0,
      recap: HOSTS.map((host) => ({ host, ok: 0, changed: 3, failed: 0, skipped: 0, remarks: [`hello from ${host}`] })),
    });
    expect(machines.open.size).toBe(0);
  });

  it('begins to connect before the stages are worked out, and lets go where they cannot be', async () => {
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

  it('does nothing the second time, with one exec a host', async () => {
    await run([web]);
    const { exitCode, plan, machines, steps, events } = await run([web]);
    expect(exitCode).toBe(0);
    expect(plan).toEqual([]);
    expect(HOSTS.map((host) => machines.count(host))).toEqual([1, 1, 1]);
    expect(new Set(steps.map((step) => step.split(' ')[2]))).toEqual(new Set(['ok']));
    expect(events.at(-1)).toMatchObject({ recap: HOSTS.map((host) => ({ host, ok: 3, changed: 0 })) });
    expect(events.filter(({ type }) => type === 'checked')).toHaveLength(1);
  });

  it('only looks when it plans', async () => {
    const { exitCode, plan, machines, events } = await run([web], { mode: 'plan' });
    expect(exitCode).toBe(0);
    expect(plan).toHaveLength(9);
    expect(HOSTS.map((host) => [machines.count(host), has(host, 'a'), has(host, 'run/pgprov.lock')])).toEqual(HOSTS.map(() => [1, false, false]));
    expect(events.some(({ type }) => type === 'step-start')).toBe(false);
  });

  it('goes on with the others when a host fails', async () => {
    const failing = role('web', {
      stages: (context) => [
        stage('one', [make(context, 'a', context.host.name === 'pg2' ? sh`echo 'no space' >&2; exit 7` : undefined), make(context, 'b')]),
        stage('two', [make(context, 'c')]),
      ],
    });
    const { exitCode, errors, steps, events } = await run([failing]);
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ kind: 'apply/failed', host: 'pg2', message: 'pg2: could not make a (exit status 7)\nno space' }]);
    expect(steps.sort()).toEqual([
      'pg1 web/one changed', 'pg1 web/two changed', 'pg2 web/one failed', 'pg2 web/two skipped', 'pg3 web/one changed', 'pg3 web/two changed',
    ]);
    expect([has('pg2', 'b'), has('pg2', 'c'), has('pg1', 'c')]).toEqual([false, false, true]);
    expect(events.at(-1)).toMatchObject({ recap: [{ host: 'pg1', changed: 3 }, { host: 'pg2', failed: 1, skipped: 1, changed: 0 }, { host: 'pg3', changed: 3 }] });
    expect(events.some(({ type }) => type === 'checked')).toBe(false);
  });

  it('takes up again where it failed', async () => {
    const stages = (broken: boolean): Role => role('web', {
      stages: (context) => [stage('one', [make(context, 'a')]), stage('two', [make(context, 'b', broken ? sh`false` : undefined)])],
    });
    expect((await run([stages(true)])).exitCode).toBe(1);
    const { exitCode, plan } = await run([stages(false)]);
    expect(exitCode).toBe(0);
    expect(plan.map(({ stage: id }) => id)).toEqual(['web/two', 'web/two', 'web/two']);
  });

  it('sends nothing anywhere when a host cannot be reached', async () => {
    const { exitCode, kinds, machines, events, view } = await run([web], { machines: { pg2: { unreachable: true }, pg3: { unreachable: true } } });
    expect(exitCode).toBe(3);
    expect(kinds).toEqual(['ssh/refused', 'ssh/refused']);
    expect(events.flatMap((event) => (event.type === 'gave-up' ? [[event.host, event.phase]] : []))).toEqual([['pg2', 'connect'], ['pg3', 'connect']]);
    expect(machines.sent.size).toBe(0);
    expect(machines.open.size).toBe(0);
    expect(events.at(-1)).toMatchObject({ recap: [{ host: 'pg1', failed: 0 }, { host: 'pg2', failed: 1 }, { host: 'pg3', failed: 1 }] });
    expect(view).toBeDefined();
  });

  it('surveys the others when a host cannot be reached', async () => {
    const { exitCode, machines, view } = await run([web], { mode: 'survey', machines: { pg2: { unreachable: true } } });
    expect(exitCode).toBe(3);
    expect(HOSTS.map((host) => machines.count(host))).toEqual([1, 0, 1]);
    expect(view?.hosts('web').map(({ name }) => name)).toEqual(['pg1', 'pg3']);
  });

  it('says that the connection was lost, and where', async () => {
    const slow = role('web', { stages: (context) => [stage('one', [make(context, 'a', sh`sleep 1`)])] });
    const { exitCode, errors } = await run([slow], { machines: { pg2: { cutExec: 2 } }, aim: { hosts: ['pg2'] } });
    expect(exitCode).toBe(3);
    expect(errors).toMatchObject([{ kind: 'ssh/connection-lost', host: 'pg2' }]);
    expect(errors[0]?.message).toMatch(/^the connection to pg2 was lost during command:a/u);
  });

  it.each([
    { kinds: ['refuse'] as const, exitCode: 4, error: 'refused/data' },
    { kinds: ['preflight'] as const, exitCode: 1, error: 'preflight/failed' },
    { kinds: ['preflight', 'refuse', 'refuse'] as const, exitCode: 4, error: 'refused/data' },
  ])('objections $kinds end with $exitCode before any step', async ({ kinds, exitCode, error }) => {
    const objecting = role('web', {
      stages: (context) => [stage('one', [make(context, 'a')])],
      guards: () => kinds.filter((kind) => kind === 'refuse').map((kind) => ({ kind, host: 'pg1', message: 'no', hint: 'h' })),
      preflight: () => kinds.filter((kind) => kind === 'preflight').map((kind) => ({ kind, message: 'unfit', hint: 'h' })),
    });
    for (const mode of ['plan', 'apply'] as const) {
      const ran = await run([objecting], { mode });
      expect(ran.exitCode).toBe(exitCode);
      expect(ran.kinds).toEqual(kinds.filter((kind) => (kind === 'refuse') === (exitCode === 4)).map(() => error));
      expect(HOSTS.map((host) => [ran.machines.count(host), has(host, 'a')])).toEqual(HOSTS.map(() => [1, false]));
      expect(existsSync(work.at('store', 'passwords.yml'))).toBe(false);
    }
  });

  it('asks the guards again before every stage', async () => {
    const guarded = role('web', {
      stages: (context) => [
        stage('one', [make(context, 'a')]),
        stage('start', [make(context, 'b')], { crossing: 'rolling' }),
        stage('two', [make(context, 'c')]),
      ],
      guards: (view) => (view.read<{ done: boolean }>('pg3', 'command:b')?.done === true ? [{ kind: 'refuse', message: 'now it matters', hint: 'h' }] : []),
    });
    const { exitCode, steps } = await run([guarded]);
    expect(exitCode).toBe(4);
    expect(steps.filter((step) => step.includes('web/two'))).toEqual([]);
    expect(has('pg1', 'b')).toBe(true);
  });

  it('keeps out of the way of another run, and lets go of what it took', async () => {
    mkdirSync(work.at('pg2', 'run'), { recursive: true });
    const { text: script } = frameScript([], { before: takeRunLock('ann@laptop', work.at('pg2', 'run')), afterwards: HOLD_UNTIL_INPUT_CLOSES });
    const connection = await new LocalTransport('dash').connect();
    let heard: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (heard = resolve));
    const other = await connection.exec({ script, holdInput: true, onStdout: () => heard() });
    await held;
    const refused = await run([web]);
    expect(refused.exitCode).toBe(5);
    expect(refused.errors).toMatchObject([{ kind: 'lock/held', host: 'pg2', message: 'another pgprov run is working on host pg2: ann@laptop' }]);
    expect(refused.events.filter(({ type }) => type === 'gave-up')).toMatchObject([{ host: 'pg2', phase: 'survey' }]);
    expect(HOSTS.some((host) => has(host, 'a'))).toBe(false);
    expect((await run([web], { mode: 'plan' })).exitCode).toBe(0);
    other.closeInput();
    await other.ended;
    expect((await run([web])).exitCode).toBe(0);
    expect((await run([web])).exitCode).toBe(0);
  });

  it('lets the steps under way end when it is interrupted, and starts no more', async () => {
    const interrupt = new AbortController();
    const slow = role('web', {
      stages: (context) => [stage('one', [make(context, 'a', sh`sleep 0.3
: >${work.at(context.host.name, 'a')}`)]), stage('two', [make(context, 'b')])],
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

  it('says why a gate did not open', { timeout: patience(20_000) }, async () => {
    const gated = role('web', {
      stages: (context) => [
        stage('start', [make(context, 'a')], {
          crossing: 'rolling',
          gates: [gate({ name: 'g', title: 'all is well', check: sh`echo 'not yet'; [ ${context.host.name} != pg3 ]`, unit: 'no-such-unit', hopeless: ['x'], timeout: 1 })],
        }),
        stage('two', [make(context, 'b')]),
      ],
    });
    const { exitCode, errors, steps, events } = await run([gated]);
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ kind: 'gate/closed', host: 'pg3' }]);
    expect(errors[0]?.message).toContain('waiting until all is well: not yet');
    expect(steps.filter((step) => step.includes('web/two')).sort()).toEqual(['pg1 web/two changed', 'pg2 web/two changed', 'pg3 web/two skipped']);
    expect(events.filter(({ type }) => type === 'waited')).toHaveLength(2);
  });

  it('does not wait at a gate that needs a host which failed', { timeout: patience(20_000) }, async () => {
    const gateOf = (open: boolean): Gate => gate({ name: 'g', title: 'all are there', check: open ? sh`:` : sh`false`, needs: HOSTS, unit: 'no-such-unit', hopeless: [], timeout: 60 });
    const gated = (open: boolean): Role => role('web', {
      stages: (context) => [
        stage('one', [make(context, 'a', context.host.name === 'pg2' ? sh`false` : undefined)]),
        stage('two', [make(context, 'b')], { crossing: 'rolling', gates: [gateOf(open)] }),
      ],
    });
    const { exitCode, errors, steps, events } = await run([gated(false)]);
    expect([exitCode, errors.map(({ host }) => host)]).toEqual([1, ['pg2']]);
    expect(steps.filter((step) => step.includes('web/two')).sort()).toEqual(HOSTS.map((host) => `${host} web/two skipped`));
    expect(events).toContainEqual(expect.objectContaining({ type: 'step-end', host: 'pg3', reason: 'it would wait in vain for pg2, which is out' }));
    expect((await run([gated(true)])).steps.filter((step) => step.includes('web/two'))).toEqual(expect.arrayContaining(['pg1 web/two changed', 'pg3 web/two changed']));
  });

  describe('the times it tells', () => {
    const observed = (id: string, asked: Observation['asked']): Observation => ({ id, asked: asked ?? 'always', probe: () => sh`sleep 0.2`, parse: () => true });
    const slow = role('web', {
      observations: () => [observed('slow', undefined), observed('of-looks', 'looks'), observed('of-first', 'first')],
      stages: (context) => [stage('one', [make(context, 'quick')])],
    });
    const of = <Type extends RunEvent['type']>({ events }: Ran, type: Type): Extract<RunEvent, { type: Type }>[] =>
      events.filter((event) => event.type === type) as Extract<RunEvent, { type: Type }>[];

    it('are those of each probe, in the first look and the last', async () => {
      const ran = await run([slow]);
      for (const type of ['surveyed', 'surveyed-again'] as const) {
        expect(of(ran, type).map(({ host }) => host).sort()).toEqual(HOSTS);
        for (const { ms, times } of of(ran, type)) {
          const { overheadMs = -1, probes = [] } = times ?? {};
          // A busy machine may hear of the beginning late, so not the whole 200.
          expect(probes.find(({ id }) => id === 'slow')?.ms).toBeGreaterThan(0);
          expect(overheadMs).toBeGreaterThan(0);
          expect(overheadMs + probes.reduce((sum, probe) => sum + probe.ms, 0)).toBeLessThanOrEqual(ms + probes.length + 2);
        }
      }
    });

    it('are of what is to be asked at that moment', async () => {
      const ran = await run([slow]);
      const asked = (type: 'surveyed' | 'surveyed-again'): string[] => (of(ran, type)[0]?.times?.probes ?? []).map(({ id }) => id).sort();
      expect(asked('surveyed')).toEqual(expect.arrayContaining(['of-first', 'of-looks', 'slow']));
      expect(asked('surveyed-again')).toEqual(['of-looks', 'slow']);
      const [look, step, last] = ran.machines.sent.get('pg1') ?? [];
      expect([look, step, last].map((script) => ['slow', 'of-looks', 'of-first'].filter((id) => script?.split('\n').includes(`pgprov_mark begin see:${id}`)))).toEqual([
        ['slow', 'of-looks', 'of-first'], ['slow'], ['slow', 'of-looks'],
      ]);
    });

    it('hold the second look at a host that is not what it was taken for', async () => {
      const ran = await run([slow], { mode: 'plan', machines: { pg2: { os: 'rocky', version: '9.4' } } });
      const probes = of(ran, 'surveyed').map(({ host, times }) => [host, times?.probes.filter(({ id }) => id === 'slow').length]);
      expect(Object.fromEntries(probes)).toEqual({ pg1: 1, pg2: 2, pg3: 1 });
    });

    it('say what went before, the wait for a handshake, and how many scripts were sent', async () => {
      const ran = await run([slow], { startUp: { processMs: 300, askMs: 4000 } });
      expect(of(ran, 'run-start')[0]?.startUp).toEqual({ processMs: 300, askMs: 4000, keysMs: expect.any(Number) as number });
      expect(of(ran, 'connected').map(({ queuedMs }) => queuedMs)).toEqual([0, 0, 0]);
      expect(of(ran, 'disconnected').map(({ host, scripts }) => [host, scripts]).sort()).toEqual(HOSTS.map((host) => [host, ran.machines.count(host)]));
      expect(ran.machines.count('pg1')).toBe(3);
      expect(of(ran, 'run-end')[0]?.cpuMs).toBeGreaterThan(0);
      const again = await run([slow]);
      expect(of(again, 'surveyed-again')).toEqual([]);
      expect(of(again, 'disconnected').map(({ scripts }) => scripts)).toEqual([1, 1, 1]);
    });
  });

  it('asks thoroughly what proves a run, and where it only looks', async () => {
    const seen = (what: string): Observation<string> => ({ id: 'seen', asked: 'looks', probe: () => sh`echo ${what}`, parse: ({ out }) => out.toString('utf8').trim() });
    const looking = role('web', {
      observations: () => [{ ...seen('some'), thorough: seen('all') }],
      stages: (context) => [stage('one', [make(context, 'quick')])],
    });
    const read = ({ view }: Ran): unknown[] => HOSTS.map((host) => view?.read(host, 'seen'));
    expect(read(await run([looking], { mode: 'plan' }))).toEqual(['some', 'some', 'some']);
    expect(read(await run([looking]))).toEqual(['all', 'all', 'all']);
    expect(read(await run([looking]))).toEqual(['some', 'some', 'some']);
    expect(read(await run([looking], { mode: 'survey' }))).toEqual(['all', 'all', 'all']);
  });

  it('says that a change did not take', async () => {
    const vain = role('web', { stages: (context) => [stage('one', [make(context, 'a', sh`:`)])] });
    const { exitCode, errors } = await run([vain], { aim: { hosts: ['pg1'] } });
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ kind: 'apply/did-not-take', message: 'pg1: done, but still not so: make a' }]);
  });

  it('fails when the proof does', async () => {
    const unproven = role('web', { checks: () => [{ title: 'all is well', ok: false, detail: 'it is not', host: 'pg1' }, { title: 'x', ok: true, detail: '' }] });
    const { exitCode, errors } = await run([unproven]);
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ kind: 'check/failed', message: 'pg1: all is well: it is not' }]);
  });

  it('asks a host once more that runs another system than last time', async () => {
    const store = await Store.open(work.at('store'), 'demo', { writable: true });
    await store.remember({ pg1: { platform: 'debian12' } });
    const { exitCode, machines } = await run([web], { mode: 'plan', machines: { pg2: { version: '12' } } });
    expect(exitCode).toBe(0);
    expect(HOSTS.map((host) => machines.count(host))).toEqual([2, 2, 1]);
    const again = await run([web], { mode: 'plan', machines: { pg2: { version: '12' } } });
    expect(HOSTS.map((host) => again.machines.count(host))).toEqual([1, 1, 1]);
  });

  it.each([
    { title: 'another system', options: { os: 'plan9', version: '4' }, kind: 'preflight/unsupported-os', message: 'pg1 runs plan9 4, which pgprov does not support' },
    { title: 'an older version', options: { version: '10' }, kind: 'preflight/unsupported-os', message: 'pg1 runs debian 10, which pgprov does not support' },
    { title: 'no systemd', options: { systemd: false }, kind: 'preflight/no-systemd', message: 'pg1 does not run systemd' },
  ])('refuses $title', async ({ options, kind, message }) => {
    const { exitCode, errors } = await run([web], { machines: { pg1: options } });
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ kind, message }]);
    expect(has('pg2', 'a')).toBe(false);
  });

  // The answers are read before the facts are judged, and without systemd `systemctl` answers nothing.
  it('names a missing systemd also when a service is wanted', async () => {
    const serving = role('web', { stages: () => [stage('one', [service({ unit: 'pgprov-no-such-unit' }) as Resource])] });
    const { kinds } = await run([serving], { machines: { pg1: { systemd: false, os: 'plan9' } }, aim: { hosts: ['pg1'] } });
    expect(kinds).toEqual(['preflight/unsupported-os']);
  });

  it('says what a probe could not read', async () => {
    const odd = role('web', { stages: () => [stage('one', [{ ...make({ host: { name: 'x' } } as RoleContext, 'a'), parse: () => { throw new Error('a riddle'); } }])] });
    const { kinds, errors } = await run([odd], { aim: { hosts: ['pg2'] } });
    expect(kinds).toEqual(['probe/unknown-answer']);
    expect(errors[0]?.message).toBe('pg2: command:a could not be read: a riddle');
  });

  it('aims at what it is told', async () => {
    const { machines, exitCode } = await run([web], { aim: { hosts: ['pg3'] } });
    expect(exitCode).toBe(0);
    expect(HOSTS.map((host) => machines.count(host))).toEqual([0, 0, 3]);
  });

  it('keeps passwords before anything is changed, and shows none', async () => {
    const secretive = role('web', {
      stages: (context) => [stage('one', [file({ path: work.at(context.host.name, 'a'), content: context.material.password('web.password', undefined), ...ME }) as Resource])],
    });
    const store = await Store.open(work.at('store'), 'demo', { writable: true });
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
    const order = (): string[] => readFileSync(work.at('order'), 'utf8').split('\n').filter((line) => /^(?:begin|end)/u.test(line));
    const rolling = (action: 'start' | 'restart', broken?: string): Role => role('web', {
      stages: (context) => [
        stage('start', [unit(context, action, context.host.name === broken ? sh`exit 1` : sh`:`)], { crossing: 'rolling', leaderFirst: true }),
        stage('after', [make(context, 'later')]),
      ],
    });

    it('starts the leader first, the others side by side', async () => {
      expect((await run([rolling('start')])).exitCode).toBe(0);
      expect(order().slice(0, 2)).toEqual(['begin pg1', 'end pg1']);
      expect(order()).toHaveLength(6);
    });

    it('restarts one at a time', async () => {
      expect((await run([rolling('restart')])).exitCode).toBe(0);
      expect(order()).toEqual(HOSTS.flatMap((host) => [`begin ${host}`, `end ${host}`]));
    });

    it('starts nobody when the first leader does not', async () => {
      const { exitCode, steps, events } = await run([rolling('start', 'pg1')]);
      expect(exitCode).toBe(1);
      expect(order()).toEqual(['begin pg1']);
      expect(steps).toEqual(expect.arrayContaining(['pg1 web/start failed', 'pg2 web/start skipped', 'pg3 web/start skipped']));
      expect(events).toContainEqual(expect.objectContaining({ type: 'step-end', host: 'pg2', reason: 'pg1, the first leader, failed' }));
    });

    it.each(['start', 'before'])('starts the one with the last commits first, and nobody when it fails in the stage `%s`', async (where) => {
      const data = (name: string): ClusterData => ({
        kind: 'cluster', version: '17', systemIdentifier: '7', checksums: 1, clusterState: 'shut down in recovery', copy: 'none', ours: false, control: 'valid', running: false,
        position: { timeline: 2, checkpoint: '0/1', nextOid: 20_000, lastRecord: name === 'pg2' ? '0/9' : '0/8' }, history: undefined, misowned: undefined,
      });
      const down = (broken?: string): Role => role('web', {
        observations: ({ host }) => [{ id: DATA_DIRECTORY, probe: () => sh`:`, parse: () => data(host.name) }],
        stages: (context) => [
          stage('before', [make(context, 'before', ...(context.host.name === broken && where === 'before' ? [sh`exit 1`] : []))]),
          stage('start', [unit(context, 'start', context.host.name === broken && where === 'start' ? sh`exit 1` : sh`:`)], { crossing: 'rolling', leaderFirst: true }),
        ],
      });
      const failed = await run([down('pg2')]);
      expect(failed.exitCode).toBe(1);
      expect(existsSync(work.at('order')) ? order() : []).toEqual(where === 'start' ? ['begin pg2'] : []);
      expect(failed.events).toContainEqual(expect.objectContaining({ type: 'step-end', host: 'pg1', reason: 'pg2, which has the last commits, failed' }));
      expect((await run([down()])).exitCode).toBe(0);
      expect(order().slice(-6, -4)).toEqual(['begin pg2', 'end pg2']);
    });

    it('restarts nobody after one that did not come back', async () => {
      const { exitCode, events } = await run([rolling('restart', 'pg2')]);
      expect(exitCode).toBe(1);
      expect(order()).toEqual(['begin pg1', 'end pg1', 'begin pg2']);
      expect(events).toContainEqual(
        expect.objectContaining({ host: 'pg3', stage: 'web/start', result: 'skipped', reason: 'pg2 failed, and two members are never down at once' }),
      );
    });

    it('does nothing more to a member that was spared because another is down', async () => {
      const { steps } = await run([rolling('restart', 'pg2')]);
      expect(steps).toContain('pg3 web/after skipped');
    });
  });

  describe('a unit guard', () => {
    const up = (host: string): string => work.at(host, 'up');
    /** Whether the host's unit is up, as a file of its machine has it. */
    const isUp = (host: string): Observation<boolean> => ({ id: 'is-up', asked: 'first', probe: () => sh`[ -e ${up(host)} ] && echo up || :`, parse: ({ out }) => out.length > 0 });
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
    const others = (context: RoleContext, stray?: string): UnitGuard => ({
      asks: [isUp(context.host.name)],
      objection: (view, { host, action, before }) => {
        const working = HOSTS.filter((name) => name !== host && (before.has(name) || view.read<boolean>(name, 'is-up') === true));
        const ok = action === 'restart' ? working.length === 2 : host !== stray;
        return ok ? undefined : { kind: 'refuse', host, message: `${host}: no ${action} with ${working.join(', ')}`, hint: 'h' };
      },
    });

    interface Scene { actions?: Record<string, 'start' | 'restart'>; before?: (host: string) => Resource[]; run?: Record<string, ReturnType<typeof sh>>; stray?: string }
    const guarded = ({ actions = {}, before, run: scripts = {}, stray }: Scene = {}): Role => role('web', {
      stages: (context) => [
        stage('one', before?.(context.host.name) ?? []),
        stage('start', [unit(context, actions[context.host.name] ?? 'restart', scripts[context.host.name])], { crossing: 'rolling', unitGuard: others(context, stray) }),
      ],
    });
    const allUp = (hosts: readonly string[] = HOSTS): void => hosts.forEach((host) => {
      mkdirSync(work.at(host), { recursive: true });
      writeFileSync(up(host), '');
    });

    it('lets restarts go on where enough others are up, and is asked before each', async () => {
      allUp();
      const { exitCode, machines } = await run([guarded()]);
      expect([exitCode, order()]).toEqual([0, HOSTS]);
      // The look, the guard of the plan, one before each restart, and its own step.
      expect(machines.count('pg1')).toBe(6);
    });

    it.each(['plan', 'apply'] as const)('refuses what a %s foresees, and nothing is changed', async (mode) => {
      allUp(['pg1', 'pg2']);
      const { exitCode, errors, steps } = await run([guarded({ before: (host) => [make({ host: { name: host } } as RoleContext, 'a')] })], { mode });
      expect([exitCode, steps, order()]).toEqual([4, [], []]);
      expect(errors.map(({ message }) => message)).toEqual(['pg1: no restart with pg2', 'pg2: no restart with pg1']);
      expect(HOSTS.some((host) => has(host, 'a'))).toBe(false);
    });

    it('counts those whom the run starts before', async () => {
      allUp(['pg1', 'pg2']);
      expect((await run([guarded({ actions: { pg3: 'start' } })])).exitCode).toBe(0);
      expect(order()).toEqual(['pg3', 'pg1', 'pg2']);
    });

    it('sees what an earlier stage took down, whoever failed there', async () => {
      allUp();
      const power = (host: string): Resource[] => (host === 'pg3' ? [make({ host: { name: host } } as RoleContext, 'a', sh`rm ${up('pg3')}; exit 1`)] : []);
      const { exitCode, steps, errors } = await run([guarded({ before: power })]);
      expect([exitCode, order()]).toEqual([4, []]);
      expect(errors.map(({ message }) => message.split('\n')[0])).toEqual(['pg3: could not make a (exit status 1)', 'pg1: no restart with pg2']);
      expect(steps.filter((step) => step.includes('web/start'))).toEqual(['pg1 web/start failed', 'pg2 web/start skipped', 'pg3 web/start skipped']);
    });

    it('goes on where a host failed whose unit works', async () => {
      allUp();
      const { exitCode, steps } = await run([guarded({ before: (host) => (host === 'pg3' ? [make({ host: { name: host } } as RoleContext, 'a', sh`exit 1`)] : []) })]);
      expect([exitCode, order()]).toEqual([1, ['pg1', 'pg2']]);
      expect(steps).toEqual(expect.arrayContaining(['pg1 web/start changed', 'pg2 web/start changed', 'pg3 web/start skipped']));
    });

    it('takes a host that is cut off for one of which nothing is known', async () => {
      allUp();
      // The look, the plan's guard, the step that is cut.
      const { exitCode, errors } = await run([guarded({ before: (host) => (host === 'pg3' ? [make({ host: { name: host } } as RoleContext, 'a', sh`sleep 1`)] : []) })], { machines: { pg3: { cutExec: 3, deadAfterCut: true } } });
      expect([exitCode, order()]).toEqual([4, []]);
      expect(errors.map(({ kind }) => kind)).toEqual(['ssh/connection-lost', 'refused/data']);
    });

    it('stops between two restarts when another goes down', async () => {
      allUp();
      const { exitCode, steps } = await run([guarded({ run: { pg1: sh`rm ${up('pg3')}` } })]);
      expect([exitCode, order()]).toEqual([4, ['pg1']]);
      expect(steps.filter((step) => step.includes('web/start'))).toEqual(['pg1 web/start changed', 'pg2 web/start failed', 'pg3 web/start skipped']);
    });

    it('is patient with one that is just coming up', async () => {
      allUp(['pg1', 'pg2']);
      setTimeout(() => allUp(['pg3']), 500);
      expect((await run([guarded()])).exitCode).toBe(0);
    });

    it('keeps a start from happening', async () => {
      allUp(['pg1', 'pg2']);
      const { exitCode, errors } = await run([guarded({ actions: { pg3: 'start' }, stray: 'pg3' })]);
      expect([exitCode, order(), errors.map(({ message }) => message)]).toEqual([4, [], ['pg3: no start with pg1, pg2']]);
    });

    it('costs nothing where no unit moves', async () => {
      for (const host of HOSTS) {
        allUp([host]);
        writeFileSync(work.at(host, 'done'), '');
      }
      const { machines } = await run([guarded()]);
      expect(HOSTS.map((host) => machines.count(host))).toEqual([1, 1, 1]);
    });

    it(`holds in every run: nothing is restarted while another is down (${DEPTH})`, { timeout: patience(120_000) }, async () => {
      const host = fc.constantFrom(...HOSTS);
      const scenes = fc.sample(fc.record({
        running: fc.subarray(HOSTS, { minLength: 1 }),
        // Loses its power while an earlier stage changes it, or while another one is restarted.
        before: fc.option(host, { nil: undefined }),
        during: fc.option(fc.record({ at: host, lost: host }), { nil: undefined }),
        fails: fc.option(host, { nil: undefined }),
      }), { seed: SEED, numRuns: MATRIX ? 60 : 6 });
      for (const { running, before, during, fails } of scenes) {
        for (const name of HOSTS) rmSync(work.at(name), { recursive: true, force: true });
        rmSync(work.at('order'), { force: true });
        allUp(running);
        const others = (name: string): ReturnType<typeof sh> => sh`ls ${HOSTS.filter((other) => other !== name).map(up)} 2>/dev/null | wc -l >>${work.at('others')}`;
        const scripts = Object.fromEntries(HOSTS.map((name) => [name, sh`[ ! -e ${up(name)} ] || ${others(name)}
${during !== undefined && during.at === name ? sh`rm -f ${up(during.lost)}` : sh`:`}
${fails === name ? sh`exit 1` : sh`:`}`]));
        const power = (name: string): Resource[] => (name === before ? [make({ host: { name } } as RoleContext, 'a', sh`rm -f ${up(name)}; exit 1`)] : []);
        const actions = Object.fromEntries(HOSTS.map((name) => [name, running.includes(name) ? 'restart' : 'start'] as const));
        await run([guarded({ actions, before: power, run: scripts })]);
        const left = existsSync(work.at('others')) ? readFileSync(work.at('others'), 'utf8').trim().split('\n') : [];
        expect(left.filter((count) => count.trim() !== '2'), JSON.stringify({ running, before, during, fails })).toEqual([]);
        rmSync(work.at('others'), { force: true });
      }
    });

    it('is not needed for a host lost before to stop restarts', async () => {
      const unguarded = role('web', {
        stages: (context) => [
          stage('one', context.host.name === 'pg3' ? [make(context, 'a', sh`exit 1`)] : []),
          stage('start', [unit(context, 'restart')], { crossing: 'rolling' }),
        ],
      });
      const { exitCode, events } = await run([unguarded]);
      expect([exitCode, order()]).toEqual([1, []]);
      expect(events).toContainEqual(expect.objectContaining({ host: 'pg1', stage: 'web/start', result: 'skipped', reason: 'pg3 failed, and two members are never down at once' }));
    });
  });

  describe('a change of the whole cluster', () => {
    const LEADER = 'pg2';
    const going = (): string => work.at('going');

    /** pg2 leads, the others wait for what it does; everybody writes down what it did. */
    function word({ host: { name } }: RoleContext, broken?: { before?: string; leader?: boolean }): Resource {
      const leads = name === LEADER;
      const run = leads
        ? sh`echo ${`lead ${name}`} >>${work.at('order')}
${broken?.leader === true ? sh`exit 1` : sh`: >${going()}`}`
        : sh`echo ${`wait ${name}`} >>${work.at('order')}
for turn in ${broken === undefined ? sh`1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20` : sh`1 2 3`}; do [ ! -e ${going()} ] || break; sleep 0.1; done
[ -e ${going()} ]
echo ${`follow ${name}`} >>${work.at('order')}`;
      return {
        id: 'word:x',
        probe: () => sh`[ -e ${work.at(name, 'word')} ] && echo done || :`,
        parse: ({ out }) => out.toString(),
        diff: (state) => (state === '' ? [{ action: 'update', summary: 'change x', concerted: leads ? 'leads' : 'follows' }] : []),
        apply: () => sh`${run}
: >${work.at(name, 'word')}`,
        digest: () => '',
      };
    }
    const order = (): string[] => readFileSync(work.at('order'), 'utf8').trim().split('\n');
    const changing = (broken?: { before?: string; leader?: boolean }): Role => role('web', {
      stages: (context) => [
        stage('before', context.host.name === broken?.before ? [make(context, 'b', sh`exit 1`)] : []),
        stage('change', [word(context, broken)], { crossing: 'rolling' }),
      ],
    });

    it('is led only when all who follow wait', async () => {
      expect((await run([changing()])).exitCode).toBe(0);
      expect(order().slice(0, 2).sort()).toEqual(['wait pg1', 'wait pg3']);
      expect(order()[2]).toBe('lead pg2');
      expect(order().slice(3).sort()).toEqual(['follow pg1', 'follow pg3']);
    });

    it('is not begun where one who has to follow is out', async () => {
      const { exitCode, events } = await run([changing({ before: 'pg3' })]);
      expect([exitCode, existsSync(going())]).toEqual([1, false]);
      expect(events).toContainEqual(
        expect.objectContaining({ host: LEADER, stage: 'web/change', result: 'skipped', reason: 'pg3 is not ready, and this changes on all members or on none' }),
      );
    });

    it('is not waited for where the one who leads is out', async () => {
      const { steps } = await run([changing({ before: LEADER })]);
      expect(steps).toEqual(expect.arrayContaining(HOSTS.map((host) => `${host} web/change skipped`)));
      expect(existsSync(work.at('order'))).toBe(false);
    });

    it('is carried through when it is interrupted after somebody waits', async () => {
      const interrupt = new AbortController();
      const { steps } = await run([changing()], {
        signal: interrupt.signal,
        emit: (event) => {
          if (event.type === 'changing') interrupt.abort();
        },
      });
      expect(steps.filter((step) => step.includes('web/change'))).toEqual(expect.arrayContaining(HOSTS.map((host) => `${host} web/change changed`)));
    });

    it('fails those who follow when it is not made', async () => {
      const { exitCode, steps } = await run([changing({ leader: true })]);
      expect(exitCode).toBe(1);
      expect(steps).toEqual(expect.arrayContaining(HOSTS.map((host) => `${host} web/change failed`)));
    });
  });

  it('writes notes of a step as events', async () => {
    const noting = role('web', { stages: (context) => [stage('one', [make(context, 'a', sh`note 'half way'; : >${work.at(context.host.name, 'a')}`)])] });
    const { events } = await run([noting], { aim: { hosts: ['pg1'] } });
    expect(events).toContainEqual({ type: 'note', host: 'pg1', stage: 'web/one', text: 'half way' });
  });
});
