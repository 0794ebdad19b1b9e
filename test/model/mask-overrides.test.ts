import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { maskSecretOverrides } from '../../src/model/index.js';

describe('maskSecretOverrides', () => {
  it.each([
    { given: 'postgresql.port=5433', kept: 'postgresql.port=5433' },
    { given: 'pg2:patroni.tags.nofailover=true', kept: 'pg2:patroni.tags.nofailover=true' },
    { given: 'postgresql.superuser_password=abc', kept: 'postgresql.superuser_password=***' },
    { given: 'pg1:ssh.password = x', kept: 'pg1:ssh.password=***' },
    { given: 'ssh.become={method: sudo, password: abc}', kept: 'ssh.become=***' },
    { given: 'ssh.become={method: none}', kept: 'ssh.become={method: none}' },
    { given: 'postgresql.superuser_password={env: PGPASS}', kept: 'postgresql.superuser_password={env: PGPASS}' },
    { given: 'postgresql.superuser_password={file: /etc/secret}', kept: 'postgresql.superuser_password={file: /etc/secret}' },
    { given: 'replication.password={command: [pass, show, db]}', kept: 'replication.password={command: [pass, show, db]}' },
    { given: 'replication.password={command: [vault, --token=abcdef]}', kept: 'replication.password=***' },
    { given: 'replication.password={age: secrets.age, key: db}', kept: 'replication.password={age: secrets.age, key: db}' },
    { given: "patroni.dynamic={x: {password: 'abc def'}}", kept: 'patroni.dynamic=***' },
    { given: 'no.such.section=abc', kept: 'no.such.section=***' },
  ])('masks what is secret in $given', ({ given, kept }) => {
    expect(maskSecretOverrides([given], CATALOG)).toEqual([kept]);
  });
});
