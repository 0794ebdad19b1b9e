import { describe, expect, it } from 'vitest';
import { selectedHosts, selectedRoles, resolveSelection, type SelectionOptions } from '../../src/plan/selection.js';
import { defineRole, type Role } from '../../src/plan/role.js';
import { inventoryOf } from '../support/inventory.js';

const role = (name: string): Role =>
  defineRole({ name, description: name, variables: { type: 'object', properties: {} }, stages: () => [] });

const catalog = [role('base'), role('web'), role('db')];
const inventory = await inventoryOf(
  `cluster: demo
hosts:
  db2: {address: 192.0.2.2, roles: [db, base]}
  db1: {address: 192.0.2.1, roles: [base]}
  www: {address: 192.0.2.3, roles: [db]}
groups:
  far: {hosts: [www, db2]}
  near: {hosts: [db1]}
`,
  catalog,
);

describe('a selection', () => {
  it.each<{ title: string; words: SelectionOptions; roles?: string[]; hosts?: string[] }>([
    { title: 'everything', words: {} },
    { title: 'a host', words: { host: ['db1'] }, hosts: ['db1'] },
    { title: 'hosts, in the inventory’s order', words: { host: ['www', 'db2'] }, hosts: ['db2', 'www'] },
    { title: 'a pattern', words: { host: ['db*'] }, hosts: ['db2', 'db1'] },
    { title: 'a pattern for one character', words: { host: ['db?'] }, hosts: ['db2', 'db1'] },
    { title: 'all hosts but one', words: { host: ['!db1'] }, hosts: ['db2', 'www'] },
    { title: 'a pattern without one of its hosts', words: { host: ['db*', '!db1'] }, hosts: ['db2'] },
    { title: 'a group', words: { group: ['far'] }, hosts: ['db2', 'www'] },
    { title: 'a group and a host', words: { group: ['near'], host: ['www'] }, hosts: ['db1', 'www'] },
    { title: 'a group without one of its hosts', words: { group: ['far'], host: ['!db2'] }, hosts: ['www'] },
    { title: 'all hosts but a group', words: { group: ['!far'] }, hosts: ['db1'] },
    { title: 'roles, in the catalog’s order', words: { role: ['db', 'base'] }, roles: ['base', 'db'] },
    { title: 'a role that some hosts have', words: { role: ['db'] }, roles: ['db'], hosts: ['db2', 'www'] },
    { title: 'all roles but one', words: { skipRole: ['web', 'base'] }, roles: ['db'], hosts: ['db2', 'www'] },
    { title: 'roles by a pattern, without one', words: { role: ['*b*'], skipRole: ['web'] }, roles: ['base', 'db'] },
    { title: 'a role of a host', words: { role: ['db'], host: ['www', 'db1'] }, roles: ['db'], hosts: ['www'] },
  ])('can be $title', ({ words, roles = ['base', 'web', 'db'], hosts = ['db2', 'db1', 'www'] }) => {
    const aim = resolveSelection(inventory, catalog, words);
    expect(selectedRoles(catalog, aim).map(({ name }) => name)).toEqual(roles);
    expect(selectedHosts(inventory, catalog, aim)).toEqual(hosts);
  });

  const there = 'db2: db, base; db1: base; www: db';

  it.each<{ words: SelectionOptions; kind: string; message: string; hint: string }>([
    { words: { host: ['db1', 'x'] }, kind: 'aim/unknown-host', message: 'there is no host "x"', hint: 'the hosts are db2, db1, www' },
    { words: { host: ['!x'] }, kind: 'aim/unknown-host', message: 'there is no host "x"', hint: 'the hosts are db2, db1, www' },
    { words: { host: ['pg*'] }, kind: 'aim/unknown-host', message: 'there is no host "pg*"', hint: 'the hosts are db2, db1, www' },
    { words: { host: ['www.*'] }, kind: 'aim/unknown-host', message: 'there is no host "www.*"', hint: 'the hosts are db2, db1, www' },
    {
      words: { group: ['fra'] },
      kind: 'aim/unknown-group',
      message: 'there is no group "fra"',
      hint: 'did you mean far? the groups are far, near',
    },
    { words: { role: ['y'] }, kind: 'aim/unknown-role', message: 'there is no role "y"', hint: 'the roles are base, web, db' },
    { words: { skipRole: ['y'] }, kind: 'aim/unknown-role', message: 'there is no role "y"', hint: 'the roles are base, web, db' },
    { words: { role: ['web'] }, kind: 'aim/nothing', message: '--role web matches no host that has a selected role', hint: there },
    {
      words: { role: ['db'], host: ['db1'] },
      kind: 'aim/nothing',
      message: '--host db1 --role db matches no host that has a selected role',
      hint: there,
    },
    { words: { host: ['!*'] }, kind: 'aim/nothing', message: '--host !* matches no host that has a selected role', hint: there },
  ])('is refused: $words', ({ words, kind, message, hint }) => {
    expect(() => resolveSelection(inventory, catalog, words)).toThrow(
      expect.objectContaining({ kind, message, hint, exitCode: 2 }) as Error,
    );
  });
});
