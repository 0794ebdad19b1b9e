import { describe, expect, it } from 'vitest';
import { firstSteps, isFirstApply } from '../../../src/cli/apply/first-steps.js';
import { Journal } from '../../../src/store/journal.js';
import { freshDirectory } from '../../support/directory.js';
import { inventoryOf, THREE } from '../../support/inventory.js';
import { complaintsAbout } from '../../support/command-lines.js';

const stepsFor = async (yaml: string): Promise<string> => {
  const inventory = await inventoryOf(yaml);
  return firstSteps({ ...inventory, file: '/srv/inventory.yml' }, '/srv/.pgprov/demo', { color: false });
};

describe('the first steps after a cluster was made', () => {
  it('say how to connect through the leader, where the passwords are, and what comes next', async () => {
    const text = await stepsFor(THREE);
    expect(text).toContain("`psql 'postgresql://postgres@10.0.0.1,10.0.0.2,10.0.0.3/postgres?target_session_attrs=read-write'`");
    expect(text).toContain('/srv/.pgprov/demo/passwords.yml');
    expect(text).toContain('nobody but the members is let in until postgresql.access says so');
    const commands = [...text.matchAll(/`pgprov ([^`]*)`/gu)].map(([, words = '']) => words.split(' '));
    expect(commands.map(([name]) => name)).toEqual(['psql', 'secrets', 'status', 'apply', 'secrets', 'switchover']);
    expect(commands.flatMap((words) => complaintsAbout(words))).toEqual([]);
  });

  it('say how the application connects that the inventory declares', async () => {
    const text = await stepsFor(
      `${THREE}postgresql: {users: {readers: {login: false}, shop: {}}, databases: {'web shop': {owner: shop}}}\n`,
    );
    expect(text).toContain("`pgprov dsn /srv/inventory.yml --user shop --dbname 'web shop'`");
    expect(text).toContain('`pgprov secrets get shop /srv/inventory.yml` prints its password');
    expect(text).not.toContain('Make a role and a database');
    expect(await stepsFor(`${THREE}postgresql: {databases: {shop: {}}}\n`)).toContain('`pgprov dsn /srv/inventory.yml --dbname shop`');
  });

  it('name the first backup where there are to be any', async () => {
    const text = await stepsFor(`${THREE}roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
backup: {repositories: {nfs: {directory: /mnt/backups}}}
`);
    expect(text).toContain('`pgprov backup /srv/inventory.yml`');
    expect(await stepsFor(THREE)).not.toContain('pgprov backup');
  });

  it.each([
    [
      'postgresql: {port: 5433, superuser: dba}',
      "'postgresql://dba@10.0.0.1:5433,10.0.0.2:5433,10.0.0.3:5433/postgres?target_session_attrs=read-write'",
    ],
    [
      'postgresql: {hba: [host app app 10.0.0.0/8 scram-sha-256]}',
      'the inventory says who is let in (postgresql.access and postgresql.hba)',
    ],
    [
      'postgresql: {access: [{users: [app], from: [10.0.0.0/8]}]}',
      'the inventory says who is let in (postgresql.access and postgresql.hba)',
    ],
    ['postgresql: {superuser_password: {env: HOME}}', 'which is kept in environment variable HOME'],
    ['postgresql: {superuser_password: given}', 'which is kept in /srv/inventory.yml'],
  ])('with %s have %s', async (more, part) => expect(await stepsFor(`${THREE}${more}\n`)).toContain(part));

  it('fit a terminal, but for what is to be copied', async () => {
    const inventory = await inventoryOf(THREE);
    const text = firstSteps({ ...inventory, file: '/srv/inventory.yml' }, '/srv/.pgprov/demo', { color: false, columns: 60 });
    expect(text.split('\n').filter((line) => line.length > 60 && !line.includes('`'))).toEqual([]);
  });

  it('name the one address of a single server', async () => {
    const text = await stepsFor('cluster: demo\nroles: [base, pgdg, postgresql]\nhosts: {db: 192.0.2.1}\n');
    expect(text).toContain('`psql postgresql://postgres@192.0.2.1/postgres`');
    expect(text).not.toContain('switchover');
  });

  it('know of no password for the superuser where Patroni needs none', async () => {
    const streaming = 'cluster: demo\nroles: [base, pgdg, postgresql, replication]\nhosts: {pg1: 192.0.2.1, pg2: 192.0.2.2}\n';
    for (const yaml of [streaming, 'cluster: demo\nroles: [base, pgdg, postgresql]\nhosts: {db: 192.0.2.1}\n']) {
      const text = await stepsFor(yaml);
      expect(text).not.toContain('secrets get superuser');
      expect(text).toContain('`\\password` in psql\n      gives postgres a password, which it has not yet');
    }
  });
});

describe('the first apply', () => {
  const work = freshDirectory();
  const record = (command: string, exitCode: number, aim: Record<string, string[]> = {}): string => {
    const intent = { command, cluster: 'demo', pgprov: '1', aim, set: [], inventory: { file: '/i.yml', sha256: '' } };
    const journal = new Journal(work.path, intent, () => undefined);
    journal.write(JSON.stringify({ type: 'run-end', at: new Date().toISOString(), exitCode, ms: 1, recap: [], waits: [] }));
    journal.close();
    return journal.id;
  };

  it('is the one before which no other of the whole cluster ended well', () => {
    expect(isFirstApply(work.path, undefined)).toBe(true);
    record('apply', 1);
    record('certs renew', 0);
    record('apply', 0, { role: ['base'] });
    const own = record('apply', 0);
    expect(isFirstApply(work.path, own)).toBe(true);
    expect(isFirstApply(work.path, record('apply', 0))).toBe(false);
  });
});
