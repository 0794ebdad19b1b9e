import { describe, expect, it } from 'vitest';
import type { PlannedChange } from '../../src/events.js';
import { leftOutRoles, missingRoles } from '../../src/plan/missing.js';
import { defineRole, type Role } from '../../src/plan/role.js';

const role = (name: string, requires: string[] = []): Role =>
  defineRole({ name, description: name, requires, variables: { type: 'object', properties: {} }, stages: () => [] });

const catalog = [role('base'), role('repo'), role('db', ['repo']), role('ha', ['db'])];
const named = (...names: string[]): Role[] => catalog.filter(({ name }) => names.includes(name));

describe('roles that a run leaves out', () => {
  it.each([
    { aimed: ['ha'], left: ['repo', 'db'] },
    { aimed: ['db', 'ha'], left: ['repo'] },
    { aimed: ['base'], left: [] },
    { aimed: ['base', 'repo', 'db', 'ha'], left: [] },
  ])('include what $aimed needs: $left', ({ aimed, left }) => {
    expect(leftOutRoles(catalog, named(...aimed)).map(({ name }) => name)).toEqual(left);
  });

  const change = (host: string, stage: string, action: string): PlannedChange => ({
    host,
    stage,
    resource: 'r',
    action,
    summary: `${action} it`,
    projected: false,
  });

  it('are an objection where they were never applied, once per host', () => {
    const changes = [
      change('a', 'repo/x', 'create'),
      change('a', 'repo/y', 'install'),
      change('a', 'db/z', 'start'),
      change('b', 'db/z', 'install'),
    ];
    expect(missingRoles(named('ha'), changes).map(({ message, hint }) => [message, hint])).toEqual([
      ['a: ha needs repo, db there first, beginning with: create it', 'select them as well: --role repo,db,ha'],
      ['b: ha needs db there first, beginning with: install it', 'select it as well: --role db,ha'],
    ]);
  });

  it('are accepted where they were applied and have only drifted', () => {
    expect(missingRoles(named('ha'), [change('a', 'repo/x', 'update'), change('a', 'db/y', 'restart')])).toEqual([]);
  });
});
