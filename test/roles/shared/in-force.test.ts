import { describe, expect, it } from 'vitest';
import postgresql from '../../../roles/postgresql.js';
import { View } from '../../../src/plan/view.js';
import { DCS } from '../../../src/resources/dcs.js';
import { SERVER_ASKED, type ServerAsked } from '../../../src/resources/server-asked.js';
import { SERVER_SETTINGS, type ServerSettings, type SettingInForce } from '../../../src/resources/settings-in-force.js';
import { contextOf, inventoryOf, MATERIAL, THREE } from '../../support/inventory.js';

type Answered = Extract<ServerSettings, { answers: true }>;

const inventory = await inventoryOf(`${THREE}postgresql: {version: 17, parameters: {work_mem: 64MB, shared_preload_libraries: x}}\n`);
const GOOD: Answered = { answers: true, settings: [], altered: [], fileErrors: [], accessErrors: [], idleLines: [] };
const setting = (rest: Partial<SettingInForce>): SettingInForce => ({
  name: 'work_mem',
  wanted: '64MB',
  value: '64MB',
  taken: true,
  restart: false,
  told: true,
  ...rest,
});

/** A view in which pg1 answered this. */
const viewOf = (states: Record<string, unknown>): View => new View(inventory, new Map([['pg1', new Map(Object.entries(states))]]));
const found = (
  settings: Partial<Answered>,
  more: Record<string, unknown> = {},
): { drift: string[]; failed: string[]; remarks: string[] } => {
  const view = viewOf({ [SERVER_SETTINGS.id]: { ...GOOD, ...settings }, ...more });
  return {
    drift: (postgresql.drift?.(view) ?? []).map(({ what }) => what),
    failed: (postgresql.checks?.(view) ?? []).filter(({ ok }) => !ok).map(({ detail }) => detail),
    remarks: postgresql.remarks?.(view, 'pg1') ?? [],
  };
};

describe('what is in force', () => {
  it('is right when the server reports it, and unknown while the server is down', () => {
    expect(found({ settings: [setting({})] })).toEqual({ drift: [], failed: [], remarks: [] });
    expect(postgresql.drift?.(viewOf({ [SERVER_SETTINGS.id]: { answers: false } }))).toEqual([]);
  });

  it('is not what ALTER SYSTEM has overridden, which fails a run', () => {
    const state = { settings: [setting({ value: '8MB', taken: false })], altered: [{ name: 'work_mem', value: '8MB' }] };
    const what = 'work_mem is 8MB, set by ALTER SYSTEM, which overrides the inventory’s 64MB';
    expect(found(state)).toEqual({ drift: [what], failed: [what], remarks: [] });
    expect(postgresql.drift?.(viewOf({ [SERVER_SETTINGS.id]: { ...GOOD, ...state } }))[0]?.mend).toContain(
      'psql on pg1 as superuser, one after the other: `ALTER SYSTEM RESET work_mem;` and `SELECT pg_reload_conf();`',
    );
  });

  it('may be what ALTER SYSTEM sets to the same value', () => {
    expect(found({ settings: [setting({})], altered: [{ name: 'work_mem', value: '65536kB' }] })).toEqual({
      drift: [],
      failed: [],
      remarks: [],
    });
  });

  it('has a remark when the inventory does not set it', () => {
    const what = 'log_min_duration_statement is 5, set by ALTER SYSTEM; the inventory does not give it';
    expect(found({ altered: [{ name: 'log_min_duration_statement', value: '5' }] })).toEqual({
      drift: [what],
      failed: [],
      remarks: [expect.stringContaining(what)],
    });
  });

  it('is not what the server was given and rejected', () => {
    const what = 'work_mem is 4MB, the inventory says 64MB: the server did not take over the configured value';
    const untaken = setting({ value: '4MB', taken: false });
    expect(found({ settings: [untaken] })).toMatchObject({ drift: [what], failed: [what] });
    const told = { reachable: true, config: { postgresql: { parameters: { work_mem: '64MB' } } }, members: [] };
    expect(found({ settings: [{ ...untaken, told: false }] }, { [DCS.id]: told })).toMatchObject({ drift: [what], failed: [what] });
  });

  it('is left to the plan while the server was not given it yet, and required at the end', () => {
    const state = { settings: [setting({ value: '4MB', taken: false, told: false })] };
    expect(found(state)).toMatchObject({ drift: [], failed: [expect.stringContaining('work_mem is 4MB')] });
  });

  it('is not required to include what waits for a restart', () => {
    expect(found({ settings: [setting({ name: 'shared_buffers', taken: false, restart: true })] })).toMatchObject({
      drift: [],
      failed: [],
    });
  });

  it('is not contradicted by an access line that no connection can match', () => {
    const idle = { line: 18, message: 'hostssl record cannot match because SSL is disabled' };
    expect(found({ idleLines: [idle] })).toEqual({
      drift: [],
      failed: [],
      remarks: ['pg_hba.conf, line 18: hostssl record cannot match because SSL is disabled'],
    });
  });

  it('is in danger when a file has a line that the server rejects', () => {
    const state = found({
      fileErrors: [{ file: 'postgresql.conf', line: 3, name: 'work_mem', message: 'invalid' }],
      accessErrors: [{ line: 7, message: 'invalid mask' }],
      settings: [setting({ taken: false })],
    });
    expect(state.drift).toEqual(['postgresql.conf, line 3: work_mem: invalid', 'pg_hba.conf, line 7: invalid mask']);
    expect(state.failed).toEqual(state.drift);
  });
});

describe('what is read back from a member', () => {
  it('excludes what Patroni gives to standbys alone', async () => {
    const given = await inventoryOf(
      `${THREE}postgresql: {parameters: {work_mem: 4MB, restore_command: cp, hot_standby_feedback: false}}\n`,
    );
    const observations = postgresql.observations?.(contextOf(given, 'pg1')) ?? [];
    const queryOf = (id: string): string =>
      observations.find((observation) => observation.id === id)?.sharedQuestions?.[0]?.subjects[0] ?? '';
    expect(queryOf(SERVER_SETTINGS.id)).toContain("('work_mem', '4MB')");
    expect(queryOf(SERVER_SETTINGS.id)).not.toMatch(/restore_command|hot_standby_feedback/u);
    expect(observations.find(({ id }) => id === SERVER_ASKED.id)?.probe().text).toContain('restore_command');
  });
});

describe('the trial of settings by PostgreSQL', () => {
  const objections = (state: Partial<Extract<ServerAsked, { asked: true }>>, more: Record<string, unknown> = {}): string[] => {
    const asked = {
      asked: true,
      objections: [],
      missingLibraries: [],
      sharedBuffers: undefined,
      memory: undefined,
      hugePages: undefined,
      ...state,
    };
    const all = postgresql.guards?.(viewOf({ [SERVER_ASKED.id]: asked, ...more }), MATERIAL) ?? [];
    expect(all.every(({ kind, host }) => kind === 'preflight' && host === 'pg1')).toBe(true);
    return all.map(({ message, hint }) => `${message} | ${hint}`);
  };

  it('stops a run before its first change', () => {
    expect(
      objections({
        objections: [{ message: 'invalid value for parameter "work_mem": "64 MBs"', hint: 'Valid units for this parameter are "B".' }],
      }),
    ).toEqual([
      'pg1: PostgreSQL 17 does not take the parameters: invalid value for parameter "work_mem": "64 MBs" | Valid units for this parameter are "B".',
    ]);
    expect(objections({ sharedBuffers: 500 * 2 ** 30, memory: 8 * 2 ** 30 })).toEqual([
      expect.stringContaining('shared_buffers takes 500.0 GB, and the host has 8.0 GB of memory'),
    ]);
    expect(objections({ sharedBuffers: 2 ** 30, memory: 8 * 2 ** 30 })).toEqual([]);
  });

  it('ignores a missing library unless all packages are installed', () => {
    expect(objections({ missingLibraries: ['x'] })).toEqual([expect.stringContaining('there is no library x')]);
    expect(objections({ missingLibraries: ['x'] }, { 'packages:postgresql': { 'postgresql-17-x': { candidate: '1' } } })).toEqual([]);
    expect(objections({ missingLibraries: ['x'] }, { 'packages:postgresql': { 'postgresql-17-x': '1' } })).toHaveLength(1);
  });
});
