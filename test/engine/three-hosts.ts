import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { runCluster, type RunOptions, type RunOutcome } from '../../src/engine/run.js';
import type { RunEvent } from '../../src/events.js';
import { defineRole, type Role, type RoleContext, type Stage } from '../../src/plan/role.js';
import { command, commandHandle } from '../../src/resources/command.js';
import { file } from '../../src/resources/files/file.js';
import type { Resource } from '../../src/resources/resource.js';
import { type Script, sh } from '../../src/shell/quote.js';
import { Store } from '../../src/store/store.js';
import { freshDirectory, ME } from '../support/directory.js';
import { inventoryOf } from '../support/inventory.js';
import { type Heard, type MachineOptions, Machines } from '../support/machines.js';
import { isThere } from '../support/shells.js';

/** The hosts of these tests, in the inventory's order. */
export const HOSTS = ['pg1', 'pg2', 'pg3'];

const ready = isThere('flock') && isThere('dash');

/** How a run ended, with what it said and sent. */
export interface Ran extends RunOutcome {
  machines: Machines;
  events: RunEvent[];
  /** `pg1 web/files changed`, in the order in which they ended. */
  steps: string[];
  kinds: string[];
}

type Options = Partial<Omit<RunOptions, 'catalog' | 'emit'>> & {
  machines?: Record<string, MachineOptions>;
  heard?: Heard;
  emit?: (event: RunEvent) => void;
};
type OnHost = Pick<RoleContext, 'host'>;

/** What these tests are written with. Paths of a host are `work.at(host, …)`. */
export interface ThreeHosts {
  work: ReturnType<typeof freshDirectory>;
  /** Runs a catalog on three machines that are directories of this one. */
  run(catalog: readonly Role[], options?: Options): Promise<Ran>;
  role(name: string, rest: Partial<Role>): Role;
  stage(name: string, resources: readonly Resource[], rest?: Partial<Stage>): Stage;
  /** A file of the host that has its own name for content unless another is given. */
  text(context: OnHost, name: string, content?: string): Resource;
  /** A command that makes a file of the host, or that is to make it and does something else. */
  make(context: OnHost, name: string, script?: Script): Resource;
  has(host: string, name: string): boolean;
  /** A role with two stages (files `a` and `b`, then a command that makes `c`), a check and a remark. */
  web: Role;
}

/** Tests of `runCluster`, each with three new machines. */
export function onThreeHosts(tests: (three: ThreeHosts) => void): void {
  describe.skipIf(!ready)(ready ? 'runCluster' : 'runCluster (skipped: no flock or no dash on this machine)', () => tests(threeHosts()));
}

function threeHosts(): ThreeHosts {
  const work = freshDirectory();

  async function run(catalog: readonly Role[], options: Options = {}): Promise<Ran> {
    const { machines: given, heard, emit, ...rest } = options;
    const hosts = HOSTS.map((name, index) => `  ${name}: {address: 192.0.2.${index + 1}}`).join('\n');
    const roles = catalog.map(({ name }) => name).join(', ');
    const inventory = await inventoryOf(`cluster: demo\nroles: [${roles}]\nhosts:\n${hosts}\n`, catalog);
    const machines = new Machines(work.path, given, heard);
    const events: RunEvent[] = [];
    const outcome = await runCluster({
      inventory,
      catalog,
      selection: {},
      mode: 'apply',
      transport: machines,
      store: await Store.open(work.at('store'), inventory, { writable: true }),
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
    name,
    title: `do ${name}`,
    crossing: 'independent',
    resources: resources as Resource[],
    ...rest,
  });
  const text = ({ host }: OnHost, name: string, content = name): Resource =>
    file({ path: work.at(host.name, name), content, ...ME }) as Resource;
  const make = ({ host }: OnHost, name: string, script = sh`: >${work.at(host.name, name)}`): Resource =>
    command({ name, summary: `make ${name}`, unless: sh`[ -e ${work.at(host.name, name)} ]`, run: script }) as Resource;
  const has = (host: string, name: string): boolean => existsSync(work.at(host, name));

  const web = role('web', {
    stages: (context) => [stage('files', [text(context, 'a'), text(context, 'b')]), stage('more', [make(context, 'c')])],
    checks: (view) =>
      view.hosts('web').map(({ name }) => ({
        title: 'c is there',
        ok: view.read(name, commandHandle('c'))?.done === true,
        detail: 'seen',
        host: name,
      })),
    remarks: (_view, host) => [`hello from ${host}`],
  });
  return { work, run, role, stage, text, make, has, web };
}
