import { describe, expect, it } from 'vitest';
import { renderTemplate } from '../../src/plan/template.js';

describe('renderTemplate', () => {
  it.each([
    { value: 'plain', line: 'A="plain"' },
    { value: 'a "b" $c `d` \\e', line: 'A="a \\"b\\" \\$c \\`d\\` \\\\e"' },
    { value: '<&>', line: 'A="<&>"' },
  ])('writes $value into an environment file', ({ value, line }) => {
    expect(renderTemplate('etcd/etcd.env', { settings: { A: value } }).split('\n')[1]).toBe(line);
  });

  it.each([
    { value: 'plain', line: "a.b = 'plain'" },
    { value: "it's \\n", line: "a.b = 'it''s \\\\n'" },
    { value: 5, line: "a.b = '5'" },
    { value: false, line: "a.b = 'false'" },
  ])('writes $value into postgresql.conf', ({ value, line }) => {
    expect(renderTemplate('postgresql/parameters.conf', { parameters: { 'a.b': value } }).split('\n')[1]).toBe(line);
  });

  it('says which template is missing', () => expect(() => renderTemplate('no/such', {})).toThrow(/no\/such\.hbs/u));

  // `strict` of Handlebars does not reach the arguments of a helper, and nearly every value goes through one.
  it('refuses to leave out a variable', () => {
    const parts = {
      restapi: {},
      etcd: { hosts: [] },
      postgresql: { parameters: {}, hba: [] },
      superuser: {},
      replication: {},
      rewind: {},
      watchdog: {},
      initdb: [],
    };
    expect(() => renderTemplate('patroni/patroni.yml', parts)).toThrow();
  });
});
