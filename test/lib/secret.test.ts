import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact, reveal, Secret } from '../../src/lib/secret.js';

describe('Secret', () => {
  const secret = new Secret('correct horse');

  it.each([
    { how: 'a template', shown: `${secret}`, text: '***' },
    { how: 'String()', shown: String(secret), text: '***' },
    { how: 'JSON', shown: JSON.stringify({ password: secret, list: [secret] }), text: '{"password":"***","list":["***"]}' },
    { how: 'inspect', shown: inspect({ password: secret }), text: '{ password: *** }' },
    { how: 'inspect, deep and hidden', shown: inspect(secret, { showHidden: true, depth: 9, customInspect: true }), text: '***' },
    { how: 'an error', shown: new Error(`no entry with ${secret}`).message, text: 'no entry with ***' },
    { how: 'its keys', shown: Object.keys(secret).join(), text: '' },
    { how: 'a copy of its fields', shown: JSON.stringify({ ...secret }), text: '{}' },
  ])('shows nothing in $how', ({ shown, text }) => expect(shown).toBe(text));

  it('is opened by reveal only', () => {
    expect(secret.reveal()).toBe('correct horse');
    expect(reveal(secret)).toBe('correct horse');
    expect(reveal('plain')).toBe('plain');
  });
});

describe('redact', () => {
  it('hides every known secret, the longer first', () => {
    new Secret('tr0ub4dor');
    new Secret('tr0ub4dor&3');
    expect(redact('a tr0ub4dor&3 b tr0ub4dor c')).toBe('a *** b *** c');
    expect(redact('x'.repeat(3) + 'tr0ub4dor'.repeat(2))).toBe('xxx******');
  });

  it('leaves text alone that contains only a very short secret', () => {
    new Secret('abc');
    expect(redact('the abc of it')).toBe('the abc of it');
  });

  it.each([
    { what: 'YAML', text: 'superuser:\n  password: hunter22\n  port: 1', hidden: 'superuser:\n  password: ***\n  port: 1' },
    { what: 'YAML in double quotes', text: 'password: "a \\" b"\nx: 1', hidden: 'password: ***\nx: 1' },
    { what: 'YAML in single quotes', text: "password: 'it''s'\nx: 1", hidden: 'password: ***\nx: 1' },
    { what: 'JSON', text: '{"password": "x y", "user": "u"}', hidden: '{"password": ***, "user": "u"}' },
    { what: 'JSON without spaces', text: '{"restapi_password":"x","user":"u"}', hidden: '{"restapi_password":***,"user":"u"}' },
    { what: 'key=value', text: 'password=x host=y', hidden: 'password=*** host=y' },
    { what: 'the environment', text: 'PGPASSWORD=x psql', hidden: 'PGPASSWORD=*** psql' },
    { what: 'a longer name', text: 'replication_password = x', hidden: 'replication_password = ***' },
    { what: 'a token', text: 'token: abc', hidden: 'token: ***' },
    { what: 'a conninfo URL', text: 'postgres://bob:s3c@h:1/db', hidden: 'postgres://bob:***@h:1/db' },
    {
      what: 'a private key',
      text: '-----BEGIN EC PRIVATE KEY-----\nMHcC\nAQEE\n-----END EC PRIVATE KEY-----\nnext',
      hidden: '-----BEGIN EC PRIVATE KEY-----***-----END EC PRIVATE KEY-----\nnext',
    },
    {
      what: 'two private keys',
      text: '-----BEGIN PRIVATE KEY-----\na\n-----END PRIVATE KEY-----\nmid\n-----BEGIN RSA PRIVATE KEY-----\nb\n-----END RSA PRIVATE KEY-----',
      hidden:
        '-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----\nmid\n-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----',
    },
    { what: 'a certificate, which is no secret', text: '-----BEGIN CERTIFICATE-----\na\n', hidden: '-----BEGIN CERTIFICATE-----\na\n' },
    { what: 'what is masked already', text: 'password: ***\n', hidden: 'password: ***\n' },
    { what: 'words', text: 'the password of role x was set', hidden: 'the password of role x was set' },
    {
      what: 'a problem of an inventory, whose words are none',
      text: 'inventory.yml:14:9 hosts.pg-1.ssh.password: the file pw is empty\n--set ssh.password: the file pw is empty',
      hidden: 'inventory.yml:14:9 hosts.pg-1.ssh.password: the file pw is empty\n--set ssh.password: the file pw is empty',
    },
    {
      what: 'a log whose lines begin with a time',
      text: '2026-01-01T13:51:25 password: hunter22\n13:51:25 db.password: hunter22',
      hidden: '2026-01-01T13:51:25 password: ***\n13:51:25 db.password: ***',
    },
    { what: 'names like it', text: 'password_encryption: scram-sha-256', hidden: 'password_encryption: scram-sha-256' },
  ])('hides what is a secret in $what', ({ text, hidden }) => {
    expect(redact(text)).toBe(hidden);
    expect(redact(hidden)).toBe(hidden);
  });

  it.each([
    { what: 'a .pgpass line, which the comment in secret.ts names', text: 'db1:5432:app:bob:pa55word', hidden: 'db1:5432:app:bob:***' },
    { what: 'unquoted YAML with a space', text: 'password: my pass phrase\nx: 1', hidden: 'password: ***\nx: 1' },
    { what: 'unquoted YAML with a comma', text: 'password: a,b}c\nx: 1', hidden: 'password: ***\nx: 1' },
    { what: 'a URL without a user', text: 'postgres://:pw@host/db', hidden: 'postgres://:***@host/db' },
    { what: 'SQL', text: "ALTER ROLE bob PASSWORD 'SCRAM-SHA-256$4096:c2FsdA==$a:b'", hidden: 'ALTER ROLE bob PASSWORD ***' },
  ])('hides what is a secret in $what', ({ text, hidden }) => expect(redact(text)).toBe(hidden));

  it('hides a known secret that was written as JSON, as patroni.yml does', () => {
    const secret = new Secret('quote"back\\slash');
    expect(redact(`pw ${JSON.stringify(secret.reveal())}`)).not.toContain('slash');
  });

  it('hides a known secret inside other text', () => {
    const value = fc.string({ minLength: 8, maxLength: 20 }).filter((text) => !text.includes('*'));
    fc.assert(
      fc.property(fc.string(), value, fc.string(), (before, held, after) => {
        new Secret(held);
        expect(redact(`${before}${held}${after}`)).not.toContain(held);
      }),
      { numRuns: 50 },
    );
  });
});
