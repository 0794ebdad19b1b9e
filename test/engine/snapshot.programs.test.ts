import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operate } from '../../src/engine/operate.js';
import type { OperateOptions, OperateOutcome } from '../../src/engine/operate-options.js';
import type { RunEvent } from '../../src/events.js';
import snapshot from '../../src/operations/snapshot.js';
import { defineOperation, type Operation, type OperationStep } from '../../src/plan/operation.js';
import { defineRole, type RoleContext } from '../../src/plan/role.js';
import { command } from '../../src/resources/command.js';
import type { Resource } from '../../src/resources/resource.js';
import { savedFile, savedOutput } from '../../src/resources/saved.js';
import { sh } from '../../src/shell/quote.js';
import { readFromSnapshot } from '../../src/store/snapshot-file.js';
import { Store } from '../../src/store/store.js';
import { DEMO } from '../support/demo.js';
import { freshDirectory } from '../support/directory.js';
import { inventoryOf } from '../support/inventory.js';
import { Machines, type MachineOptions } from '../support/machines.js';
import { isThere } from '../support/shells.js';

const HOSTS = ['pg1', 'pg2', 'pg3'];
const ready = isThere('flock') && isThere('dash');

describe.skipIf(!ready)(ready ? 'snapshots' : 'snapshots (skipped: no flock or no dash on this machine)', () => {
  const work = freshDirectory();
  /** It keeps a file, and something that the cluster has once, which pg1 does not give; in full also what a program says. */
  const web = defineRole({
    name: 'web',
    description: 'web',
    variables: { type: 'object', properties: {} },
    stages: () => [],
    saves: ({ host }, { form, view }) => [
      savedFile('web/page', work.at(host.name, 'page')),
      savedOutput('web/once', sh`[ ${host.name} != pg1 ] && echo ${host.name}`, { ofCluster: true }),
      ...(form === 'light' ? [] : [savedOutput('web/seen', sh`echo ${view.hosts('web').length}`)]),
    ],
  });

  interface Ran extends OperateOutcome {
    machines: Machines;
    kinds: string[];
    notes: string[];
    warnings: string[];
    /** Snapshots in the store. */
    files: string[];
  }

  async function run(
    operation: Operation<object>,
    options: { machines?: Record<string, MachineOptions>; given?: object } & Partial<OperateOptions<object>> = {},
  ): Promise<Ran> {
    const { machines: made, ...rest } = options;
    for (const host of HOSTS) {
      mkdirSync(work.at(host), { recursive: true });
      if (!existsSync(work.at(host, 'page'))) writeFileSync(work.at(host, 'page'), `page of ${host}`);
    }
    const hosts = HOSTS.map((name, index) => `  ${name}: {address: 192.0.2.${index + 1}}`).join('\n');
    const inventory = await inventoryOf(`cluster: demo\nroles: [web]\nhosts:\n${hosts}\n`, [web]);
    const machines = new Machines(work.path, made);
    const events: RunEvent[] = [];
    const outcome = await operate({
      operation,
      inventory,
      catalog: [web],
      given: {},
      check: false,
      transport: machines,
      openStore: (how) => Store.open(work.at('store'), DEMO, how),
      putSecret: async () => undefined,
      editInventory: async () => undefined,
      signal: new AbortController().signal,
      begin: async () => undefined,
      end: async () => undefined,
      emit: (event) => void events.push(event),
      ...rest,
    });
    const texts = (type: 'note' | 'warning'): string[] => events.flatMap((event) => (event.type === type ? [event.text] : []));
    const directory = work.at('store', 'snapshots');
    const files =
      existsSync(directory) && statSync(directory).isDirectory()
        ? readdirSync(directory).map((name) => work.at('store', 'snapshots', name))
        : [];
    return { ...outcome, machines, kinds: outcome.errors.map(({ kind }) => kind), notes: texts('note'), warnings: texts('warning'), files };
  }

  const read = async (file: string | undefined, name: string): Promise<string | undefined> => readFromSnapshot(file ?? '', name);
  /** What the manifest says. */
  const manifest = async (file: string | undefined): Promise<Record<string, unknown>> =>
    JSON.parse((await read(file, 'manifest.json')) ?? '') as Record<string, unknown>;

  it('keep what the roles say of every host, take no lock, and ask nobody', async () => {
    const { exitCode, files, notes, warnings, machines } = await run(snapshot as Operation<object>, {
      consent: () => Promise.reject(new Error('asked')),
    });
    expect([exitCode, files.length, warnings]).toEqual([0, 1, []]);
    expect(notes).toEqual([expect.stringContaining(`demo is saved in ${files[0]}: 7 files of pg1, pg2 and pg3, `)]);
    expect(await read(files[0], 'hosts/pg3/web/page')).toBe('page of pg3');
    expect(await read(files[0], 'hosts/pg1/web/seen')).toBe('3\n');
    expect(await read(files[0], 'web/once')).toBe('pg2\n');
    expect(await manifest(files[0])).toMatchObject({
      schema: 1,
      cluster: 'demo',
      operation: 'snapshot',
      form: 'full',
      systems: { pg1: 'debian 13', pg2: 'debian 13', pg3: 'debian 13' },
      files: { 'hosts/pg3/web/page': 11, 'web/once': 4 },
      missing: [],
    });
    for (const host of HOSTS) expect(machines.sent.get(host)?.join('')).not.toContain('pgprov.lock');
  });

  it('say what they lack, and go where they are told', async () => {
    mkdirSync(work.at('pg1'));
    mkdirSync(work.at('pg1', 'page'));
    const to = work.at('mine.tar.gz');
    const { exitCode, files, warnings } = await run(snapshot as Operation<object>, {
      given: { to },
      machines: { pg2: { unreachable: true }, pg3: { unreachable: true } },
    });
    expect([exitCode, files]).toEqual([0, []]);
    expect(warnings).toEqual([
      expect.stringMatching(/^not in the snapshot: pg1: web\/page \(.*page is no file\)$/u),
      'not in the snapshot: pg2: it could not be reached',
      'not in the snapshot: pg3: it could not be reached',
      'not in the snapshot: web/once: the host said nothing (status 1)',
    ]);
    expect((statSync(to).mode & 0o777).toString(8)).toBe('600');
    expect((await manifest(to))['missing']).toHaveLength(4);
    const again = await run(snapshot as Operation<object>, { given: { to } }).catch((error: Error) => error);
    expect(again).toMatchObject({ exitCode: 2, message: `${to} is there already, and a snapshot never overwrites a file` });
  });

  it('are written without a host that cannot be made sense of, which is an error all the same', async () => {
    const { exitCode, kinds, files, warnings } = await run(snapshot as Operation<object>, { machines: { pg2: { os: 'plan9' } } });
    expect([exitCode, kinds]).toEqual([1, ['preflight/unsupported-os']]);
    expect(warnings).toEqual(['not in the snapshot: pg2: the system of pg2 is not known']);
    expect(await read(files[0], 'hosts/pg3/web/page')).toBe('page of pg3');
  });

  it('are not written where no host answers', async () => {
    const off = { unreachable: true };
    const { exitCode, files } = await run(snapshot as Operation<object>, { machines: { pg1: off, pg2: off, pg3: off } });
    expect([exitCode, files]).toEqual([3, []]);
  });

  /** Takes the pages away, on two hosts that it can be taken back on, and on a third that it cannot. */
  const sweep = (rest: Partial<OperationStep> = {}): Operation<object> =>
    defineOperation({
      name: 'sweep',
      description: 'sweeps',
      options: {},
      roles: ['web'],
      unreachable: 'go-on',
      requiresConverged: false,
      remaining: ({ done }) => ({
        steps: ['pg1', 'pg2']
          .filter((host) => !done.has(host))
          .map(
            (host): OperationStep => ({
              id: host,
              title: `sweep ${host}`,
              on: [host],
              resources: (context) => [swept(context)],
              ...(host === 'pg2' ? { pointOfNoReturn: true as const } : {}),
              ...rest,
            }),
          ),
      }),
    });
  const swept = ({ host }: Pick<RoleContext, 'host'>): Resource =>
    command({
      name: 'sweep',
      summary: 'sweep',
      unless: sh`[ ! -e ${work.at(host.name, 'page')} ]`,
      run: sh`rm ${work.at(host.name, 'page')}`,
    }) as Resource;

  it('are taken before a step without a way back, and only there', async () => {
    const { exitCode, files, notes, warnings } = await run(sweep(), { machines: { pg3: { unreachable: true } } });
    expect([exitCode, warnings]).toEqual([0, []]);
    expect(files).toEqual([expect.stringMatching(/\/\d{8}T\d{6}Z-before-sweep\.tar\.gz$/u)]);
    expect(notes).toEqual([
      `demo was saved in ${files[0]}, before there is no way back; not in it: pg1: web/page (there is no ${work.at('pg1', 'page')}); pg3: it could not be reached`,
    ]);
    expect(await read(files[0], 'hosts/pg2/web/page')).toBe('page of pg2');
    expect(await manifest(files[0])).toMatchObject({ operation: 'sweep', form: 'light' });
    expect(await read(files[0], 'hosts/pg2/web/seen')).toBeUndefined();
  });

  it('that cannot be taken hold up no step', async () => {
    mkdirSync(work.at('store'));
    writeFileSync(work.at('store', 'snapshots'), 'no directory');
    const { exitCode, warnings } = await run(sweep());
    expect(exitCode).toBe(0);
    expect(warnings).toEqual([
      expect.stringMatching(/^no snapshot was taken before the step "sweep pg2": the snapshot cannot be written to /u),
    ]);
    expect(existsSync(work.at('pg2', 'page'))).toBe(false);
  });
});
