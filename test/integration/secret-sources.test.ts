import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyPair, makeStore } from '../secrets/support.js';
import { TestCluster } from './support/cluster.js';
import type { Finished } from './support/pgprov.js';
import { patience } from '../support/patience.js';

/** One of each source, none like any other text. */
const PASSWORDS = {
  superuser: `age "pw" \\ $HOME it's`,
  replication: 'command: pw; $(id) `id`',
  rewind: 'file pw # %n',
  restapi: 'env pw: 100% &',
};

describe('passwords from a store, a program, a file and the environment', () => {
  let cluster: TestCluster;
  let applied: Finished;

  beforeAll(async () => {
    const me = await keyPair();
    process.env['PGPROV_AGE_KEY'] = me.identity;
    process.env['RESTAPI_PASSWORD'] = PASSWORDS.restapi;
    cluster = await TestCluster.start('itsecrets', 'debian13', 1, 'packages');
    await makeStore(cluster.directory, { 'of the superuser': PASSWORDS.superuser }, me);
    await writeFile(at('rewind.password'), `${PASSWORDS.rewind}\n`, { mode: 0o600 });
    await writeFile(at('vault'), `#!/bin/sh\necho "$*" >>asked\ncat <<'END'\n${PASSWORDS.replication}\nEND\n`);
    await chmod(at('vault'), 0o755);
    await cluster.write({
      postgresql: { superuser_password: { age: 'secrets.age', key: 'of the superuser' }, hba: ['host all all all scram-sha-256'] },
      replication: { password: { command: ['./vault', 'show', 'a  b'] } },
      patroni: { rewind_password: { file: 'rewind.password' }, restapi_password: { env: 'RESTAPI_PASSWORD' } },
    });
    applied = await cluster.run('apply');
  });

  afterAll(async () => {
    delete process.env['PGPROV_AGE_KEY'];
    delete process.env['RESTAPI_PASSWORD'];
    await cluster?.remove();
  });

  const at = (name: string): string => join(cluster.directory, name);

  /** Who PostgreSQL says has logged in, over the network. */
  async function login(user: string, password: string): Promise<string> {
    const connection = `host=${cluster.host('pg1').address} user=${user} dbname=postgres connect_timeout=${patience(5)}`;
    const { stdout } = await promisify(execFile)('psql', [connection, '-XAtc', 'select session_user'], {
      env: { PATH: process.env['PATH'], PGPASSWORD: password },
    });
    return stdout.trim();
  }

  it('are the ones that log in', async () => {
    expect(applied.all).not.toContain('failed:');
    expect(applied.code).toBe(0);
    expect(await login('postgres', PASSWORDS.superuser)).toBe('postgres');
    expect(await login('replicator', PASSWORDS.replication)).toBe('replicator');
    expect(await login('rewind_user', PASSWORDS.rewind)).toBe('rewind_user');
    await expect(login('postgres', PASSWORDS.rewind)).rejects.toThrow('password authentication failed');
    const reload = async (password: string): Promise<number> => {
      const authorization = `Basic ${Buffer.from(`patroni:${password}`).toString('base64')}`;
      return (await fetch(`http://${cluster.host('pg1').address}:8008/reload`, { method: 'POST', headers: { authorization } })).status;
    };
    expect([await reload(PASSWORDS.restapi), await reload(PASSWORDS.rewind)]).toEqual([202, 401]);
  });

  it('are asked for once per run, and shown by none', async () => {
    // The apply was planned before.
    expect(await readFile(at('asked'), 'utf8')).toBe('show a  b\n'.repeat(2));
    const shown = await cluster.run('show');
    expect(shown.stdout).toContain('output of ./vault');
    expect(await readFile(at('asked'), 'utf8')).toBe('show a  b\n'.repeat(2));
    for (const password of Object.values(PASSWORDS)) expect(`${applied.all}${shown.all}`).not.toContain(password);
  });

  it('make no difference when they come from another source', async () => {
    process.env['SUPERUSER_PASSWORD'] = PASSWORDS.superuser;
    const { code, all } = await cluster.run('diff', '--set', 'postgresql.superuser_password={env: SUPERUSER_PASSWORD}');
    delete process.env['SUPERUSER_PASSWORD'];
    expect([code, all]).toEqual([0, expect.stringContaining('no drift') as string]);
  });

  it('keep the run from connecting when they are unavailable', async () => {
    await writeFile(at('vault'), '#!/bin/sh\necho "sealed" >&2\nexit 4\n');
    const { code, all } = await cluster.run('plan');
    expect([code, all]).toEqual([
      2,
      expect.stringMatching(/inventory\.yml:\d+:\d+ replication\.password: \.\/vault ended with exit code 4\n +sealed\n/u) as string,
    ]);
  });
});
