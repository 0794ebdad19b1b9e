import { handle } from '../../src/resources/handle.js';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { operationProblems } from '../../src/catalog/check-operation.js';
import { guardedOperation } from '../../src/catalog/guarded-operation.js';
import { operate } from '../../src/engine/operate.js';
import type { OperateOptions, OperateOutcome } from '../../src/engine/operate-options.js';
import { defineOperation, type HostStep, type Operation } from '../../src/plan/operation.js';
import { defineRole } from '../../src/plan/role.js';
import { command } from '../../src/resources/command.js';
import type { Observation } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { Store } from '../../src/store/store.js';
import { HOSTS } from '../engine/three-hosts.js';
import { freshDirectory } from '../support/directory.js';
import { DEMO } from '../support/demo.js';
import { inventoryOf } from '../support/inventory.js';
import { Machines } from '../support/machines.js';
import { isThere } from '../support/shells.js';

const KNOWN = { commands: ['apply'], options: ['check'], roles: ['web'] };
const here = fileURLToPath(import.meta.url);

describe('the export of an operation’s file', () => {
  const sound = { name: 'x', description: 'x', options: {}, roles: ['web'], remaining: () => ({ steps: [] }) };

  it('is an operation', () => {
    const options = {
      to: { type: 'string', description: 'x', value: 'host', pattern: '[a-z]+' },
      often: { type: 'integer', description: 'x', default: 1 },
    };
    expect(operationProblems({ ...sound, options, patience: 3, unreachable: 'go-on', inspects: true }, 'x', KNOWN)).toEqual([]);
  });

  it.each<{ what: string; value: unknown; says: readonly string[] }>([
    { what: 'nothing', value: undefined, says: ['exports no operation; end it with `export default defineOperation({ … })`'] },
    { what: 'a list', value: [], says: ['its default export is not an operation; make it with `defineOperation({ … })`'] },
    {
      what: 'an object without the properties of an operation',
      value: { ...sound, name: '', roles: [], remaining: undefined },
      says: [
        'name must be a text that is not empty',
        'roles must be a list of names of roles, or a function that gives one',
        'remaining is missing; it must be a function',
      ],
    },
    { what: 'a misspelt property', value: { ...sound, remainin: 1 }, says: ['an operation has no "remainin"; did you mean "remaining"?'] },
    {
      what: 'a property that is reserved for pgprov',
      value: { ...sound, argument: {}, keptInStore: true },
      says: [
        'argument is for the operations that come with pgprov; leave it out, make it one of its options',
        'keptInStore is for the operations that come with pgprov; leave it out, what was begun is kept in its record',
      ],
    },
    {
      what: 'an invalid name',
      value: { ...sound, name: 'X y' },
      says: ['name must be of lower-case letters, digits, - and _, with a letter first'],
    },
    {
      what: 'a flag as the name of an option',
      value: { ...sound, options: { 'leave-out': {} } },
      says: ['options.leave-out: its name must be of letters and digits, such as leaveOut'],
    },
    {
      what: 'an option that every operation has',
      value: { ...sound, options: { check: {} } },
      says: ['options.check: every operation has this option already; give it another name'],
    },
    {
      what: 'invalid options',
      value: {
        ...sound,
        options: {
          a: 3,
          b: { type: 'number', description: '', defualt: 1 },
          c: { type: 'integer', description: 'x', default: 'y' },
          d: { type: 'string', description: 'x', pattern: '(' },
        },
      },
      says: [
        'options.a must be a mapping',
        'options.b: an option has no "defualt"; did you mean "default"?',
        'options.b.type must be one of string, integer, boolean',
        'options.b.description must be a text that is not empty',
        'options.c.default must be of its type',
        'options.d.pattern must be a regular expression as a text',
      ],
    },
  ])('is refused with $what', ({ value, says }) => {
    expect(operationProblems(value, 'x', KNOWN)).toEqual(says);
  });

  it('has the file’s name, which no command has', () => {
    expect(operationProblems(sound, 'y', KNOWN)).toEqual(['its operation is called "x"; file and operation must have the same name']);
    expect(operationProblems({ ...sound, name: 'apply' }, 'apply', KNOWN)).toEqual([
      "`pgprov apply` is a command of pgprov's own; give the operation another name",
    ]);
  });
});

const ready = isThere('flock') && isThere('dash');

describe.skipIf(!ready)(ready ? 'an operation of the user’s own' : 'an operation of the user’s own (skipped: no flock or no dash)', () => {
  const work = freshDirectory();
  const web = defineRole({
    name: 'web',
    description: 'web',
    variables: { type: 'object', properties: {} },
    stages: () => [],
    observations: ({ host }): Observation<boolean>[] => [
      { id: 'painted', probe: () => sh`[ -e ${work.at(host.name, 'paint')} ]`, parse: ({ status }) => status === 0 },
    ],
  });
  const stepOn = (host: string): HostStep => ({
    id: host,
    title: `paint ${host}`,
    on: [host],
    resources: () => [
      command({ name: 'paint', summary: 'paint', unless: sh`[ -e ${work.at(host, 'paint')} ]`, run: sh`: >${work.at(host, 'paint')}` }),
    ],
  });
  const painting = (rest: Partial<Operation> = {}): Operation =>
    defineOperation({
      name: 'paint',
      description: 'paints',
      options: {},
      roles: ['web'],
      remaining: ({ view }) => ({ steps: HOSTS.filter((name) => view.read(name, handle<boolean>('painted')) === false).map(stepOn) }),
      ...rest,
    });

  /** Carries it out as the command line does, on three machines that are directories of this one. */
  async function carryOut(
    operation: Operation,
    options: Partial<OperateOptions<object>> = {},
  ): Promise<OperateOutcome & { stages: string[] }> {
    for (const host of HOSTS) mkdirSync(work.at(host), { recursive: true });
    const hosts = HOSTS.map((name, index) => `  ${name}: {address: 192.0.2.${index + 1}}`).join('\n');
    const stages: string[] = [];
    const outcome = await operate({
      operation: guardedOperation(operation, { path: here, directory: dirname(here), name: 'paint' }),
      inventory: await inventoryOf(`cluster: demo\nroles: [web]\nhosts:\n${hosts}\n`, [web]),
      catalog: [web],
      given: {},
      check: false,
      transport: new Machines(work.path),
      openStore: (how) => Store.open(work.at('store'), DEMO, how),
      putSecret: async () => undefined,
      editInventory: async () => undefined,
      signal: new AbortController().signal,
      begin: async () => undefined,
      end: async () => undefined,
      ...options,
      emit: (event) => {
        if (event.type === 'step-end') stages.push(`${event.host} ${event.stage} ${event.result}`);
      },
    });
    return { ...outcome, stages };
  }

  it('is run by the same engine', async () => {
    const { exitCode, stages, checks } = await carryOut(painting({ checks: () => [{ title: 'done', ok: true, detail: 'seen' }] }));
    expect([exitCode, stages, checks.length]).toEqual([0, ['pg1 paint/pg1 changed', 'pg2 paint/pg2 changed', 'pg3 paint/pg3 changed'], 1]);
    expect(HOSTS.filter((host) => existsSync(work.at(host, 'paint')))).toEqual(HOSTS);
  });

  const throws = (): never => {
    throw new RangeError('boom');
  };
  const at = (step: Partial<HostStep> | object): Partial<Operation> => ({
    remaining: () => ({ steps: [{ ...stepOn('pg1'), ...step } as HostStep] }),
  });

  it.each<{ what: string; rest: Partial<Operation> }>([
    { what: 'roles', rest: { roles: throws } },
    { what: 'observations', rest: { observations: throws } },
    { what: 'a probe', rest: { observations: () => [{ id: 'x', probe: throws, parse: () => 1 }] } },
    { what: 'problems', rest: { problems: throws } },
    { what: 'guards', rest: { guards: throws } },
    { what: 'choose', rest: { choose: throws } },
    { what: 'remaining', rest: { remaining: throws } },
    { what: 'question', rest: { question: throws } },
    { what: 'nothing', rest: { remaining: () => ({ steps: [] }), nothing: throws } },
    { what: 'checks', rest: { remaining: () => ({ steps: [] }), checks: throws } },
    { what: 'a step’s resources', rest: at({ resources: throws }) },
    { what: 'a step’s gates', rest: at({ gates: throws }) },
    { what: 'what a step asks', rest: at({ asks: throws }) },
    {
      what: 'a step on the control machine',
      rest: { remaining: () => ({ steps: [{ id: 'x', title: 'x', atDesk: async () => throws() }] }) },
    },
  ])('is named as the origin of what $what throws', async ({ rest }) => {
    const failed = await carryOut(painting(rest)).then(
      ({ errors }) => errors[0],
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({
      kind: 'operations/defect',
      exitCode: 2,
      message: expect.stringMatching(/^operation paint, test\/catalog\/guarded-operation\.test\.ts:\d+:\d+: boom$/u) as string,
    });
  });

  it.each<{ what: string; remaining: unknown; message: string }>([
    { what: 'nothing', remaining: undefined, message: 'operation paint: remaining must give { steps: [ … ] }' },
    { what: 'something that is no list', remaining: { steps: 3 }, message: 'operation paint: remaining: steps must be a list' },
    {
      what: 'no id',
      remaining: { steps: [{ title: 'x', on: ['pg1'] }] },
      message: 'operation paint: step 1: id must be of lower-case letters, digits, -, . and _',
    },
    {
      what: 'an id twice',
      remaining: { steps: [stepOn('pg1'), stepOn('pg1')] },
      message: 'operation paint: step pg1: two steps have this id',
    },
    {
      what: 'no title',
      remaining: { steps: [{ id: 'x', on: ['pg1'] }] },
      message: 'operation paint: step x: title must be a text that is not empty',
    },
    {
      what: 'nothing to do',
      remaining: { steps: [{ id: 'x', title: 'x' }] },
      message: 'operation paint: step x must have one of on, converge, atDesk and snapshot',
    },
    {
      what: 'an unknown host',
      remaining: { steps: [{ id: 'x', title: 'x', on: ['pg9'] }] },
      message: 'operation paint: step x: on names "pg9", which is no host of the inventory',
    },
    {
      what: 'half a resource',
      remaining: { steps: [{ ...stepOn('pg1'), resources: () => [{ id: 'q', probe: () => sh`true` }] }] },
      message: 'operation paint: step pg1: resource q: parse() is missing',
    },
  ])('is refused with invalid steps: $what', async ({ remaining, message }) => {
    const failed = await carryOut(painting({ remaining: () => remaining as never })).then(
      ({ errors }) => errors[0],
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({ kind: 'operations/defect', message });
  });
});
