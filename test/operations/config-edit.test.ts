import { describe, expect, it } from 'vitest';
import configEdit from '../../src/operations/config-edit.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { DATA_DIRECTORY } from '../../src/resources/data-directory.js';
import { DCS } from '../../src/resources/dcs.js';
import { mergePatch, type JsonObject } from '../../src/resources/dynamic-config.js';
import { PATRONI_TAKEN } from '../../src/resources/patroni/taken.js';
import { SERVER_ASKED } from '../../src/resources/server-asked.js';
import { SERVER_SETTINGS, type SettingInForce } from '../../src/resources/settings-in-force.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { runOver } from './run-seen.js';

const inventory = await inventoryOf(THREE);
const CURRENT: JsonObject = { ttl: 30, check_timeline: false, postgresql: { parameters: { wal_level: 'replica' } } };
const PATCH: JsonObject = { check_timeline: true, postgresql: { parameters: { max_connections: 50 } } };
const AFTER = mergePatch(CURRENT, PATCH);

interface Seen {
  stored?: JsonObject | null;
  /** By member; default: what is stored. */
  taken?: Record<string, JsonObject>;
  setting?: Partial<SettingInForce>;
  /** What servers say to the values: pg2's, or those of `objecting`. */
  objects?: string;
  objecting?: readonly string[];
  /** Whether PostgreSQL runs, by member; default: nobody was asked. */
  running?: Record<string, boolean>;
}

function seen(
  { stored = CURRENT, taken = {}, setting = {}, objects, objecting = ['pg2'], running = {} }: Seen,
  done: string[] = [],
): OperationRun<{ changes?: string }> {
  const store =
    stored === null ? { reachable: false, why: 'x' } : { reachable: true, initialize: '7', leader: 'pg1', members: [], config: stored };
  const states = inventory.hosts.map(({ name }): [string, Record<string, unknown>] => [
    name,
    {
      [DCS.id]: store,
      [DATA_DIRECTORY.id]: running[name] === undefined ? undefined : { kind: 'cluster', running: running[name] },
      [PATRONI_TAKEN.id]: taken[name] ?? stored ?? undefined,
      [SERVER_SETTINGS.id]: {
        answers: true,
        settings: [{ name: 'max_connections', wanted: '50', value: '100', taken: false, restart: true, told: true, ...setting }],
        altered: [],
        fileErrors: [],
        accessErrors: [],
        idleLines: [],
      },
      [SERVER_ASKED.id]: {
        asked: true,
        objections: objects === undefined || !objecting.includes(name) ? [] : [{ message: objects, hint: undefined }],
        missingLibraries: [],
        sharedBuffers: undefined,
        memory: undefined,
        hugePages: undefined,
      },
    },
  ]);
  return runOver(inventory, Object.fromEntries(states), { changes: JSON.stringify(PATCH) }, { done });
}

const steps = (run: OperationRun<{ changes?: string }>): string[] =>
  configEdit.remaining(run).steps.map((step) => `${step.title} @${'on' in step ? step.on.join() : ''}`);
const refusal = (state: Seen): string | undefined => configEdit.guards?.(seen(state))[0]?.message;

describe('a change of the dynamic configuration', () => {
  it('is written first, and then used by all members', () => {
    expect(steps(seen({}))).toEqual([
      'set check_timeline to true (is false), set postgresql.parameters.max_connections to 50 (is not set) in the dynamic configuration @pg1',
      'wait until pg1, pg2 and pg3 use it @pg1,pg2,pg3',
    ]);
    expect(configEdit.remaining(seen({})).steps[0]?.effect).toBe('max_connections takes a restart of PostgreSQL, which stays pending');
    expect(configEdit.remaining(seen({ setting: { restart: false } })).steps[0]?.effect).toBeUndefined();
  });

  it('includes only what differs', () => {
    expect(steps(seen({ stored: AFTER, taken: { pg3: CURRENT } }))).toEqual(['wait until pg3 uses it @pg3']);
    expect(steps(seen({ stored: AFTER }, ['write']))).toEqual(['wait until pg1, pg2 and pg3 use it @pg1,pg2,pg3']);
    expect(steps(seen({ stored: AFTER }, ['write', 'take']))).toEqual([]);
    expect(steps(seen({ stored: AFTER }))).toEqual([]);
  });

  it('is refused when no host sees the configuration, and when a server rejects a value', () => {
    expect(refusal({})).toBeUndefined();
    expect(refusal({ stored: null })).toBe('no host sees a dynamic configuration of demo in etcd');
    expect(refusal({ objects: '50 is wrong' })).toBe('pg2: PostgreSQL 17 does not take the parameters: 50 is wrong');
  });

  it('is refused while PostgreSQL is down on all members, because the first one that starts would lead', () => {
    const down = { pg1: false, pg2: false, pg3: false };
    expect(refusal({ running: down })).toBe(
      'PostgreSQL is down on all members of demo: with other settings the first one that starts would lead, with or without the last commits',
    );
    expect(refusal({ running: { ...down, pg3: true } })).toBeUndefined();
    expect(refusal({ running: down, stored: AFTER })).toBeUndefined();
  });

  it('is refused with the sentence of all servers once, as an error of the input', () => {
    expect(configEdit.guards?.(seen({ objects: '50 is wrong', objecting: ['pg1', 'pg2', 'pg3'] }))).toEqual([
      {
        kind: 'input',
        error: 'config/not-taken',
        message: 'PostgreSQL 17 does not take the parameters: 50 is wrong',
        hint: 'nothing was changed; correct the parameter',
      },
    ]);
    expect(refusal({ objects: '50 is wrong', objecting: ['pg1', 'pg3'] })).toContain('pg1 and pg3: PostgreSQL 17');
  });

  it('is refused where others have changed a setting since it was read for the editor, unless to the same value', () => {
    const refused = (was: unknown, stored: JsonObject = CURRENT): string | undefined => {
      const run = seen({ stored });
      return configEdit.guards?.({ ...run, options: { ...run.options, read: JSON.stringify([[['check_timeline'], was]]) } })[0]?.message;
    };
    expect(refused(false)).toBeUndefined();
    expect(refused(null)).toBe(
      'somebody else has changed the configuration while it was edited: check_timeline was not set and is false now',
    );
    expect(refused(null, { ...CURRENT, check_timeline: true })).toBeUndefined();
  });

  const proofs = (state: Seen): string[] =>
    (configEdit.checks?.(seen(state)) ?? [])
      .filter(({ ok }) => !ok)
      .map(({ host = 'cluster', title, detail }) => `${host} ${title}: ${detail}`);

  it('is proved on every member', () => {
    expect(proofs({ stored: AFTER })).toEqual([]);
    expect(proofs({ stored: AFTER, taken: { pg3: CURRENT } })).toEqual([
      'pg3 Patroni uses the settings: it uses the former ones; its journal says why',
    ]);
    expect(proofs({ stored: AFTER, setting: { restart: false } })).toContain('pg2 PostgreSQL uses max_connections: it is 100');
    expect(proofs({})[0]).toContain('somebody has changed them again');
  });

  it('shows what waits for a restart', () => {
    expect(configEdit.finished?.(seen({ stored: AFTER }))).toBe(
      'all members have the settings; max_connections takes a restart of PostgreSQL to be in force',
    );
    expect(configEdit.finished?.(seen({ stored: AFTER, setting: { taken: true } }))).toBe('all members use the settings');
  });
});
