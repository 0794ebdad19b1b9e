import { describe, expect, it } from 'vitest';
import reload from '../../src/operations/reload.js';
import { CONFIG_LOADED } from '../../src/resources/config-loaded.js';
import { PATRONI_FILE } from '../../src/resources/patroni/file.js';
import { SERVER_SETTINGS, type ServerSettings } from '../../src/resources/settings-in-force.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { madeUp, type Made } from './made-up-run.js';

const inventory = await inventoryOf(THREE);
type Options = { before?: string };
type Answering = Extract<ServerSettings, { answers: true }>;

/** When the members read their files last, and what pg3 says of them. */
function made(loaded: Record<string, string | undefined>, settings: Partial<Answering> = {}, options: Options = {}): Made<Options> {
  const seen: ServerSettings = { answers: true, settings: [], altered: [], fileErrors: [], accessErrors: [], idleLines: [], ...settings };
  const more = Object.fromEntries(
    ['pg1', 'pg2', 'pg3'].map((name) => [
      name,
      new Map<string, unknown>([[CONFIG_LOADED.id, loaded[name]], ...(name === 'pg3' ? [[SERVER_SETTINGS.id, seen] as const] : [])]),
    ]),
  );
  return { more, options };
}
const OLD = { pg1: '1.5', pg2: '2.5', pg3: '3.5' };
const BEFORE = { before: JSON.stringify(OLD) };
const steps = (state: Made<Options>): string[] => reload.remaining(madeUp(inventory, state)).steps.map(({ title }) => title);
const objections = (state: Made<Options>): string[] => (reload.guards?.(madeUp(inventory, state)) ?? []).map(({ message }) => message);

describe('pgprov reload', () => {
  it('records when the members last read their files', () => {
    expect(reload.choose?.(madeUp(inventory, made(OLD)))).toEqual(BEFORE);
    expect(reload.choose?.(madeUp(inventory, { ...made(OLD), chosenHosts: ['pg2'] }))).toEqual({ before: '{"pg2":"2.5"}' });
  });

  it('remains to be done where the files were not read since', () => {
    expect(steps(made(OLD, {}, BEFORE))).toEqual(['have Patroni and PostgreSQL read their files on pg1, pg2 and pg3']);
    expect(steps(made({ ...OLD, pg1: '9' }, {}, BEFORE))).toEqual(['have Patroni and PostgreSQL read their files on pg2 and pg3']);
    expect(steps(made({ pg1: '9', pg2: '9', pg3: '9' }, {}, BEFORE))).toEqual([]);
  });

  it('is refused when a file has an error, with the line and PostgreSQL’s sentence', () => {
    const fileErrors = [{ file: 'extra.conf', line: 3, name: 'work_mem', message: 'setting could not be applied' }];
    const accessErrors = [{ line: 7, message: 'invalid authentication method "trusty"' }];
    expect(objections(made(OLD, { fileErrors, accessErrors }))).toEqual([
      'pg3: extra.conf, line 3: work_mem: setting could not be applied',
      'pg3: pg_hba.conf, line 7: invalid authentication method "trusty"',
    ]);
    expect(objections({ ...made(OLD, { fileErrors }), chosenHosts: ['pg1'] })).toEqual([]);
  });

  it('is refused while Patroni cannot read its own file', () => {
    const broken = {
      ...made(OLD),
      more: {
        pg2: new Map<string, unknown>([
          [CONFIG_LOADED.id, '2.5'],
          [PATRONI_FILE.id, 'no ]'],
        ]),
      },
    };
    const state = { ...broken, more: { ...made(OLD).more, ...broken.more } };
    expect(objections(state)).toEqual(['pg2: Patroni cannot read /etc/patroni/config.yml: no ]']);
    expect(objections({ ...state, chosenHosts: ['pg1'] })).toEqual([]);
  });

  it('does not treat a setting that waits for a restart as an error', () => {
    const fileErrors = [{ file: 'postgresql.conf', line: 3, name: 'max_connections', message: 'setting could not be applied' }];
    const pendingReasons = { max_connections: { from: '100', to: '120' } };
    expect(objections({ ...made(OLD, { fileErrors }), listed: { pg3: { pendingReasons } } })).toEqual([]);
  });

  it('is refused when no server runs that could read the files', () => {
    expect(objections(made({ ...OLD, pg2: undefined }))).toEqual([
      'Patroni or PostgreSQL does not run on pg2, so there is nothing that could read the files',
    ]);
  });

  it('is proved by the time that PostgreSQL reports', () => {
    const checks = reload.checks?.(madeUp(inventory, made({ pg1: '1700000000.5', pg2: '2.5', pg3: '9' }, {}, BEFORE))) ?? [];
    expect(checks.map(({ ok, detail }) => `${ok} ${detail}`)).toEqual([
      'true at 2023-11-14T22:13:20Z',
      'false not since the operation began',
      'true at 1970-01-01T00:00:09Z',
    ]);
  });
});
