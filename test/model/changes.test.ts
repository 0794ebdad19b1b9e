import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { describeChange, inventorySchemas, schemaProblems, type ChangeMeaning, type VariableSchema } from '../../src/model/index.js';
import { TRIALS } from '../integration/support/variable-trials.js';

/**
 * Every variable below a schema with its dotted path, what it says of a change or the mapping that it is in does; what merely names
 * sections of roles is left out.
 */
function variablesOf(schema: VariableSchema, prefix: string, without: ReadonlySet<string> = new Set()): [string, VariableSchema][] {
  return Object.entries(schema.properties ?? {})
    .filter(([key]) => !without.has(key))
    .flatMap(([key, child]): [string, VariableSchema][] => {
      const change = child.change ?? schema.change;
      const said = change === undefined ? child : { ...child, change };
      return [[`${prefix}${key}`, said], ...variablesOf(said, `${prefix}${key}.`)];
    });
}

describe('what a change of a variable means', () => {
  const { top, group, host, sections } = inventorySchemas(CATALOG);
  const names = new Set(sections.keys());
  const all = [
    ...variablesOf(top, '', names),
    ...variablesOf(group, 'group.', names),
    ...variablesOf(host, 'host.', names),
    ...[...sections].flatMap(([name, section]) => variablesOf(section, `${name}.`)),
  ];

  it('is declared by every variable that comes with pgprov', () => {
    expect(all.length).toBeGreaterThan(70);
    expect(all.filter(([, schema]) => schema.change === undefined).map(([path]) => path)).toEqual([]);
  });

  it('is tried on a living cluster, or the schema names another test', () => {
    // The dynamic configuration is one variable of pgprov's; what Patroni knows in it is listed to be checked.
    const ofRoles = all.map(([path]) => path).filter((path) => path.includes('.') && !/^(?:ssh|group|host|patroni\.dynamic)\./u.test(path));
    expect(TRIALS.map(({ variable }) => variable).sort()).toEqual(ofRoles.sort());
    for (const { variable, value, elsewhere } of TRIALS)
      expect([variable, (value === undefined) !== (elsewhere === undefined)]).toEqual([variable, true]);
  });

  it('is declared for defaults, secrets and nested variables too', () => {
    const said = new Map(all.map(([path, { change }]) => [path, change]));
    expect(said.get('postgresql.superuser_password')).toBe('reload');
    expect(said.get('postgresql.parameters.shared_preload_libraries')).toBe('restart');
    expect(said.get('postgresql.version')).toEqual({ operation: 'pg_upgrade' });
    expect(said.get('etcd.heartbeat_interval')).toBe('restart');
  });

  it.each<[ChangeMeaning, string]>([
    ['free', 'free'],
    ['reload', 'reload'],
    ['restart', 'restart'],
    ['recreate', 'recreate'],
    ['context', 'reload or restart'],
    [{ operation: 'pg_upgrade' }, 'operation (pg_upgrade)'],
  ])('given as %j reads "%s"', (change, words) => expect(describeChange(change)).toBe(words));

  const sizes = (change: unknown): ReturnType<typeof schemaProblems> =>
    schemaProblems({
      type: 'object',
      properties: { sizes: { type: 'object', properties: { big: { type: 'integer', change } as VariableSchema } } },
    });

  it.each([undefined, 'free', 'context', { operation: 'rebuild' }])('may be declared as %j by a user’s own role', async (change) => {
    expect(await sizes(change)).toEqual([]);
  });

  it.each(['never', 3, {}, { operation: 1 }, null])('may not be declared as %j by a user’s own role', async (change) => {
    expect(await sizes(change)).toEqual([
      "variables.properties.sizes.properties.big.change must be free, reload, restart, context, recreate or { operation: '…' }",
    ]);
  });
});
