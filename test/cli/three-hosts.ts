import { handle } from '../../src/resources/handle.js';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import type { Environment } from '../../src/cli/pipeline/environment.js';
import type { RunEvent } from '../../src/events.js';
import { asPgprovError } from '../../src/lib/errors.js';
import type { Inventory } from '../../src/model/index.js';
import { defineOperation, type Operation, type OperationRun } from '../../src/plan/operation.js';
import { defineRole, type Role, type RoleContext } from '../../src/plan/role.js';
import { command } from '../../src/resources/command.js';
import type { Observation, Resource } from '../../src/resources/resource.js';
import { savedFile } from '../../src/resources/saved.js';
import { sh } from '../../src/shell/quote.js';
import { runIds } from '../../src/store/journal.js';
import { Store, storeDirectory } from '../../src/store/store.js';
import { freshDirectory } from '../support/directory.js';
import { Machines, type MachineOptions } from '../support/machines.js';
import { isThere } from '../support/shells.js';

/** The hosts of these tests, in the inventory's order. */
export const HOSTS = ['pg1', 'pg2', 'pg3'];

/** How a command ended, and what it left. */
export interface Ended {
  /** Its exit code; that of the error where it threw one. */
  exitCode: number;
  /** The kind of the error that it threw. */
  thrown: string | undefined;
  stdout: string;
  stderr: string;
  /** What was asked, in order. */
  asked: string[];
  /** The events that stdout has, with `--output json`. */
  events: RunEvent[];
  /** How many journals there are now. */
  journals: number;
  machines: Machines;
}

/** How a command is run. */
export interface Around {
  machines?: Record<string, MachineOptions>;
  /** What a person answers; without it there is no terminal. */
  answer?: boolean | (() => boolean);
}

/** What these tests are written with. Each has three new machines, which are directories of this one, and a role that makes a file on each. */
export interface ThreeHosts {
  readonly inventory: string;
  at(...names: string[]): string;
  /** Runs a command in the environment that it is given. */
  run(command: (environment: Environment) => Promise<number>, around?: Around): Promise<Ended>;
  /** Whether a host has the file that the role makes. */
  has(host: string): boolean;
  /** Gives hosts that file already. */
  give(...hosts: string[]): void;
  /** Gives a host a database. */
  giveData(host: string): void;
  /** Has a guard of the role refuse. */
  refuse(): void;
  /** An operation that takes that file away again, host by host. */
  operation: Operation<object>;
}

const ready = isThere('flock') && isThere('dash');

/** Tests of commands, each with three new machines. */
export function onThreeHosts(tests: (three: ThreeHosts) => void): void {
  describe.skipIf(!ready)(ready ? 'on three hosts' : 'on three hosts (skipped: no flock or no dash on this machine)', () =>
    tests(threeHosts()),
  );
}

function threeHosts(): ThreeHosts {
  const work = freshDirectory();
  const fileOf = (host: string): string => work.at(host, 'made');
  const dataOf = (host: string): string => work.at(host, 'data');
  const has = (host: string): boolean => existsSync(fileOf(host));

  const [MADE, DATA] = [handle<boolean>('made'), handle<boolean>('data')];
  const seesFile = ({ host }: Pick<RoleContext, 'host'>): Observation<boolean> => ({
    ...MADE,
    probe: () => sh`[ -e ${fileOf(host.name)} ]`,
    parse: ({ status }) => status === 0,
  });
  const seesData = ({ host }: Pick<RoleContext, 'host'>): Observation<boolean> => ({
    ...DATA,
    probe: () => sh`[ -e ${dataOf(host.name)} ]`,
    parse: ({ status }) => status === 0,
  });
  const role: Role = defineRole({
    name: 'site',
    description: 'makes a file',
    variables: { type: 'object', properties: {} },
    stages: ({ host }) => [
      {
        name: 'make',
        title: 'make the file',
        crossing: 'independent',
        resources: [
          command({
            name: 'make',
            summary: 'make the file',
            unless: sh`[ -e ${fileOf(host.name)} ]`,
            run: sh`: >${fileOf(host.name)}`,
          }) as Resource,
        ],
      },
    ],
    observations: (context) => [seesFile(context), seesData(context)],
    saves: ({ host }) => [savedFile('site/made', fileOf(host.name), { optional: true })],
    holdsData: (view, host) => view.read(host, DATA) === true,
    guards: () => (existsSync(work.at('refuse')) ? [{ kind: 'refuse', message: 'the guard objects', hint: 'ask somebody who knows' }] : []),
  });
  // Commands take their roles from this list, and those that come with pgprov would change this machine.
  const roles = CATALOG as Role[];
  const own = [...roles];
  beforeAll(() => void roles.splice(0, roles.length, role));
  afterAll(() => void roles.splice(0, roles.length, ...own));

  const left = ({ view }: OperationRun<object>): string[] => HOSTS.filter((name) => view.read(name, MADE) === true);
  const operation = defineOperation({
    name: 'sweep',
    description: 'takes the files away',
    options: { to: { type: 'string', description: 'where they go' } },
    roles: ['site'],
    requiresConverged: false,
    guards: () => (existsSync(work.at('refuse')) ? [{ kind: 'refuse', message: 'the guard objects', hint: 'ask somebody who knows' }] : []),
    remaining: (run) => ({
      steps: left(run).map((name) => ({
        id: name,
        title: `take the file of ${name} away`,
        effect: 'its readers fail',
        on: [name],
        resources: ({ host }) => [
          command({
            name: 'sweep',
            summary: 'take the file away',
            unless: sh`[ ! -e ${fileOf(host.name)} ]`,
            run: sh`rm ${fileOf(host.name)}`,
          }) as Resource,
        ],
      })),
    }),
    nothing: () => 'No file is there.',
  });

  return {
    get inventory() {
      return work.at('inventory.yml');
    },
    at: work.at,
    has,
    operation,
    give: (...hosts) => {
      for (const host of hosts) {
        mkdirSync(work.at(host), { recursive: true });
        writeFileSync(fileOf(host), '');
      }
    },
    giveData: (host) => {
      mkdirSync(work.at(host), { recursive: true });
      writeFileSync(dataOf(host), '');
    },
    refuse: () => writeFileSync(work.at('refuse'), ''),
    run: async (run, { machines: given = {}, answer } = {}) => {
      const hosts = HOSTS.map((name, index) => `  ${name}: {address: 192.0.2.${index + 1}}`).join('\n');
      writeFileSync(work.at('inventory.yml'), `cluster: demo\nroles: [site]\nssh: {config: false}\nhosts:\n${hosts}\n`);
      const machines = new Machines(work.path, given);
      const { environment, out, err, asked } = environmentOn(machines, answer);
      let [exitCode, thrown]: [number, string | undefined] = [0, undefined];
      try {
        exitCode = await run(environment);
      } catch (error) {
        const { kind, exitCode: code } = asPgprovError(error);
        [exitCode, thrown] = [code, kind];
      }
      const stdout = out();
      const events = stdout.split('\n').flatMap((line) => (line.startsWith('{"type"') ? [JSON.parse(line) as RunEvent] : []));
      const journals = runIds(storeDirectory(work.path, 'demo')).length;
      return { exitCode, thrown, stdout, stderr: err(), asked, events, journals, machines };
    },
  };
}

/** What a command runs in: machines, a store beside the inventory, streams that are kept, and a person who answers, if there is one. */
export function environmentOn(
  machines: Machines,
  answer?: Around['answer'],
): { environment: Environment; out(): string; err(): string; asked: string[] } {
  const [out, err] = [kept(), kept()];
  const asked: string[] = [];
  const environment: Environment = {
    out: out.stream,
    err: err.stream,
    variables: {},
    transportTo: async () => machines,
    openStore: (inventory: Inventory, how) => Store.open(storeDirectory(inventory.dir, inventory.cluster), inventory, how),
    canAsk: () => answer !== undefined,
    confirm: async (question) => {
      asked.push(question);
      return typeof answer === 'function' ? answer() : answer === true;
    },
    now: () => new Date(),
  };
  return { environment, out: out.text, err: err.text, asked };
}

/** A stream that keeps what is written to it. */
function kept(): { stream: NodeJS.WriteStream; text(): string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => Buffer.concat(chunks).toString('utf8') };
}
