import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { UnreachableError } from '../../src/lib/errors.js';
import type { Resource } from '../../src/resources/resource.js';
import { service } from '../../src/resources/service.js';
import { frameScript } from '../../src/shell/frame.js';
import { HOLD_UNTIL_INPUT_CLOSES, takeRunLock } from '../../src/shell/lock.js';
import { sh } from '../../src/shell/quote.js';
import { Store } from '../../src/store/store.js';
import { LocalTransport } from '../../src/transport/local.js';
import type { Transport } from '../../src/transport/transport.js';
import { Machines } from '../support/machines.js';
import { patience } from '../support/patience.js';
import { HOSTS, onThreeHosts } from './three-hosts.js';
import { DEMO } from '../support/demo.js';

onThreeHosts(({ work, run, role, stage, make, has, web }) => {
  it('continues with the others when a host fails', async () => {
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
      'pg1 web/one changed',
      'pg1 web/two changed',
      'pg2 web/one failed',
      'pg2 web/two skipped',
      'pg3 web/one changed',
      'pg3 web/two changed',
    ]);
    expect([has('pg2', 'b'), has('pg2', 'c'), has('pg1', 'c')]).toEqual([false, false, true]);
    expect(events.at(-1)).toMatchObject({
      recap: [
        { host: 'pg1', changed: 3 },
        { host: 'pg2', failed: 1, skipped: 1, changed: 0 },
        { host: 'pg3', changed: 3 },
      ],
    });
    expect(events.some(({ type }) => type === 'checked')).toBe(false);
  });

  it('sends nothing to any host when a host cannot be reached', async () => {
    const { exitCode, kinds, machines, events, view } = await run([web], {
      machines: { pg2: { unreachable: true }, pg3: { unreachable: true } },
    });
    expect(exitCode).toBe(3);
    expect(kinds).toEqual(['ssh/refused', 'ssh/refused']);
    expect(events.flatMap((event) => (event.type === 'gave-up' ? [[event.host, event.phase]] : []))).toEqual([
      ['pg2', 'connect'],
      ['pg3', 'connect'],
    ]);
    expect(machines.sent.size).toBe(0);
    expect(machines.open.size).toBe(0);
    expect(events.at(-1)).toMatchObject({
      recap: [
        { host: 'pg1', failed: 0 },
        { host: 'pg2', failed: 1 },
        { host: 'pg3', failed: 1 },
      ],
    });
    expect(view).toBeDefined();
  });

  it('says how to continue without a host that does not answer, if the others are a majority and the command has an option for it', async () => {
    const hint = async (machines: Record<string, { unreachable: true }>, options: object = {}): Promise<string | undefined> =>
      (await run([web], { machines, ...options })).errors.at(-1)?.hint;
    expect(await hint({ pg3: { unreachable: true } })).toMatch(
      /to run without pg3, add `--host '!pg3'`: the run then refuses what needs a host that it leaves out$/u,
    );
    expect(await hint({ pg2: { unreachable: true }, pg3: { unreachable: true } })).not.toContain('--host');
    expect(await hint({ pg3: { unreachable: true } }, { mode: 'survey' })).not.toContain('--host');
  });

  it('surveys the others when a host cannot be reached', async () => {
    const { exitCode, machines, view } = await run([web], { mode: 'survey', machines: { pg2: { unreachable: true } } });
    expect(exitCode).toBe(3);
    expect(HOSTS.map((host) => machines.count(host))).toEqual([1, 0, 1]);
    expect(view?.hosts('web').map(({ name }) => name)).toEqual(['pg1', 'pg3']);
  });

  it('looks at the others while it still waits for a host that does not answer', async () => {
    const machines = new Machines(work.path);
    const looked = new Set<string>();
    let giveUp: () => void = () => undefined;
    const silence = new Promise<void>((resolve) => (giveUp = resolve));
    const transport: Transport = {
      connect: async (target) => {
        if (target.name !== 'pg2') return machines.connect(target);
        // It is given up only when the others have been looked at.
        await silence;
        throw new UnreachableError({ kind: 'ssh/timeout', host: 'pg2', message: 'pg2 is silent', hint: 'start it' });
      },
    };
    const { exitCode, view, events } = await run([web], {
      mode: 'survey',
      transport,
      emit: (event) => {
        if (event.type === 'surveyed' && looked.add(event.host).size === 2) giveUp();
      },
    });
    expect(exitCode).toBe(3);
    expect(view?.hosts('web').map(({ name }) => name)).toEqual(['pg1', 'pg3']);
    expect(events.filter(({ type }) => type === 'gave-up')).toMatchObject([{ host: 'pg2', phase: 'connect' }]);
  });

  it('says that the connection was lost, and where', async () => {
    const slow = role('web', { stages: (context) => [stage('one', [make(context, 'a', sh`sleep 1`)])] });
    const { exitCode, errors } = await run([slow], { machines: { pg2: { cutExec: 2 } }, selection: { hosts: ['pg2'] } });
    expect(exitCode).toBe(3);
    expect(errors).toMatchObject([{ kind: 'ssh/connection-lost', host: 'pg2' }]);
    expect(errors[0]?.message).toMatch(/^the connection to pg2 was lost during command:a/u);
  });

  it.each([
    { kinds: ['refuse'] as const, exitCode: 4, error: 'refused/data' },
    { kinds: ['preflight'] as const, exitCode: 1, error: 'preflight/failed' },
    { kinds: ['preflight', 'refuse', 'refuse'] as const, exitCode: 4, error: 'refused/data' },
  ])('objections $kinds exit with $exitCode before any step', async ({ kinds, exitCode, error }) => {
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

  it('stops when another run holds the lock, and releases what it took', async () => {
    mkdirSync(work.at('pg2', 'run'), { recursive: true });
    const { text: script } = frameScript([], {
      before: takeRunLock('ann@laptop', work.at('pg2', 'run')),
      afterwards: HOLD_UNTIL_INPUT_CLOSES,
    });
    const connection = await new LocalTransport('dash').connect();
    let heard: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (heard = resolve));
    const other = await connection.exec({ script, holdInput: true, onStdout: () => heard() });
    await held;
    const refused = await run([web]);
    expect(refused.exitCode).toBe(5);
    expect(refused.errors).toMatchObject([
      { kind: 'lock/held', host: 'pg2', message: 'another pgprov run is working on host pg2: ann@laptop' },
    ]);
    expect(refused.events.filter(({ type }) => type === 'gave-up')).toMatchObject([{ host: 'pg2', phase: 'survey' }]);
    expect(HOSTS.some((host) => has(host, 'a'))).toBe(false);
    expect((await run([web], { mode: 'plan' })).exitCode).toBe(0);
    other.closeInput();
    await other.ended;
    expect((await run([web])).exitCode).toBe(0);
    expect((await run([web])).exitCode).toBe(0);
  });

  it('waits for the lock of a run of this machine that is over, and that a busy host has not let go of yet', {
    timeout: patience(60_000),
  }, async () => {
    mkdirSync(work.at('pg2', 'run'), { recursive: true });
    const gone = spawnSync('true').pid;
    const holder = `ann@${hostname()} (process ${gone}, since 2026-01-01T00:00:00.000Z)`;
    const { text: script } = frameScript([], { before: takeRunLock(holder, work.at('pg2', 'run')), afterwards: HOLD_UNTIL_INPUT_CLOSES });
    const connection = await new LocalTransport('dash').connect();
    let heard: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (heard = resolve));
    const other = await connection.exec({ script, holdInput: true, onStdout: () => heard() });
    await held;
    const ran = await run([web], {
      emit: (event) => {
        if (event.type === 'note' && event.text.startsWith('waiting until a run that is over has let go of the host: ann@'))
          other.closeInput();
      },
    });
    expect(ran.exitCode).toBe(0);
    await other.ended;
  });

  it('asks a host once more when it runs another system than last time', async () => {
    const store = await Store.open(work.at('store'), DEMO, { writable: true });
    await store.remember({ pg1: { platform: 'debian12' } });
    const { exitCode, machines } = await run([web], { mode: 'plan', machines: { pg2: { version: '12' } } });
    expect(exitCode).toBe(0);
    expect(HOSTS.map((host) => machines.count(host))).toEqual([2, 2, 1]);
    const again = await run([web], { mode: 'plan', machines: { pg2: { version: '12' } } });
    expect(HOSTS.map((host) => again.machines.count(host))).toEqual([1, 1, 1]);
  });

  it.each([
    {
      title: 'another system',
      options: { os: 'plan9', version: '4' },
      kind: 'preflight/unsupported-os',
      message: 'pg1 runs plan9 4, which pgprov does not support',
    },
    {
      title: 'an older version',
      options: { version: '10' },
      kind: 'preflight/unsupported-os',
      message: 'pg1 runs debian 10, which pgprov does not support',
    },
    { title: 'no systemd', options: { systemd: false }, kind: 'preflight/no-systemd', message: 'pg1 does not run systemd' },
  ])('refuses $title', async ({ options, kind, message }) => {
    const { exitCode, errors } = await run([web], { machines: { pg1: options } });
    expect(exitCode).toBe(1);
    expect(errors).toMatchObject([{ kind, message }]);
    expect(has('pg2', 'a')).toBe(false);
  });

  it('refuses a system that it was not tested on, unless that is allowed, then and later', async () => {
    const machines = { pg1: { os: 'ubuntu', version: '24.04' } };
    const refused = await run([web], { machines });
    expect(refused.errors).toMatchObject([
      {
        kind: 'preflight/untested-os',
        message: 'pg1 runs Ubuntu 24.04 (noble), on which pgprov was not tested',
        hint: expect.stringContaining('--allow-untested has plan, diff, apply and run treat it like Debian 13') as string,
      },
    ]);
    const allowed = await run([web], { machines, allowUntested: true });
    expect(allowed.exitCode).toBe(0);
    const warning = 'pg1 runs Ubuntu 24.04 (noble), on which pgprov was not tested: it is treated like Debian 13 (trixie)';
    expect(allowed.events).toContainEqual({ type: 'warning', text: warning });
    const later = await run([web], { machines });
    expect(later.exitCode).toBe(0);
    expect(later.events).toContainEqual({ type: 'warning', text: warning });
  });

  it('does not remember what only a plan was allowed to look at', async () => {
    const machines = { pg1: { os: 'ubuntu', version: '24.04' } };
    await Store.open(work.at('store'), DEMO, { writable: true });
    const store = await Store.open(work.at('store'), DEMO, { writable: false });
    expect((await run([web], { machines, store, mode: 'plan', allowUntested: true })).exitCode).toBe(0);
    expect((await run([web], { machines, mode: 'plan' })).kinds).toEqual(['preflight/untested-os']);
  });

  // The answers are read before the facts are judged, and without systemd `systemctl` answers nothing.
  it('names a missing systemd also when a service is required', async () => {
    const serving = role('web', { stages: () => [stage('one', [service({ unit: 'pgprov-no-such-unit' }) as Resource])] });
    const { kinds } = await run([serving], { machines: { pg1: { systemd: false, os: 'plan9' } }, selection: { hosts: ['pg1'] } });
    expect(kinds).toEqual(['preflight/unsupported-os']);
  });
});
