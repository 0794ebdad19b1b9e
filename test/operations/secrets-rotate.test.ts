import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { Secret } from '../../src/lib/secret.js';
import secretsRotate from '../../src/operations/secrets-rotate.js';
import type { Desk, OperationRun } from '../../src/plan/operation.js';
import { View } from '../../src/plan/view.js';
import { PASSWORD_LOGIN, type PasswordLogin } from '../../src/resources/password-login.js';
import { POOLER } from '../../src/resources/pgbouncer/pooler.js';
import { Store } from '../../src/store/store.js';
import { freshDirectory } from '../support/directory.js';
import { DEMO } from '../support/demo.js';
import { contextOf, inventoryOf, THREE } from '../support/inventory.js';
import { runSeen } from './run-seen.js';

const FORMER = 'the-former-password';
const NEW = 'the-new-password';
const ROTATION = { path: 'replication.password', from: new Secret(FORMER), to: new Secret(NEW) };
const plain = await inventoryOf(THREE);

interface Given {
  name?: string;
  yaml?: string;
  rotation?: typeof ROTATION | undefined;
  done?: string[];
  holdsData?: boolean;
  logins?: Record<string, PasswordLogin[]>;
}

async function run({
  name = 'replication',
  yaml,
  rotation,
  done = [],
  holdsData = true,
  logins = {},
}: Given = {}): Promise<OperationRun<{ name: string }>> {
  const inventory = yaml === undefined ? plain : await inventoryOf(yaml);
  return {
    inventory,
    catalog: CATALOG,
    options: { name },
    kept: { authority: { certificate: undefined, phase: undefined, signs: true, issued: new Map(), revoked: [] }, passwords: [], rotation },
    chosenHosts: undefined,
    view: new View(inventory, new Map(inventory.hosts.map((host) => [host.name, new Map([[PASSWORD_LOGIN.id, logins[host.name]]])]))),
    done: new Set(done),
    planned: undefined,
    holdsData,
    contextOf: (host) => contextOf(inventory, host),
  };
}

const steps = async (given: Given): Promise<string[]> => secretsRotate.remaining(await run(given)).steps.map(({ id }) => id);

it('changes the password of the replication role on servers that stream without Patroni', async () => {
  const yaml = `cluster: demo
roles: [base, pgdg, postgresql, replication]
hosts:
  pg1: 10.0.0.1
  pg2: 10.0.0.2
`;
  const streaming = await run({ yaml });
  const { roles } = secretsRotate;
  expect(typeof roles === 'function' ? roles(streaming) : roles).toEqual(['replication']);
  expect(secretsRotate.problems?.(streaming)).toEqual([]);
  expect(secretsRotate.remaining(streaming).steps.map(({ effect }) => effect)).toContain(
    'a login that falls between the primary’s change and a member’s new file fails',
  );
  expect(secretsRotate.problems?.(await run({ yaml, name: 'superuser' }))).toMatchObject([{ error: 'secrets/no-member' }]);
});

describe('reasons why secrets rotate refuses before it connects', () => {
  const given = (password: string): string => `${THREE}replication: {password: ${password}}\n`;
  it.each<{ title: string; given: Given; says: string[] }>([
    { title: 'all is well', given: {}, says: [] },
    { title: 'a path is given as the name', given: { name: 'patroni.rewind_password' }, says: [] },
    { title: 'the name is unknown', given: { name: 'nothing' }, says: ['secrets/unknown-account'] },
    {
      title: 'no host uses the password',
      given: { name: 'restapi', yaml: 'cluster: demo\nroles: [base, pgdg, postgresql]\nhosts:\n  pg1: {address: 192.0.2.1}\n' },
      says: ['secrets/no-member'],
    },
    { title: 'the inventory sets the password', given: { yaml: given('in-the-inventory') }, says: ['secrets/not-ours'] },
    { title: 'its own change is unfinished', given: { rotation: ROTATION }, says: [] },
    {
      title: 'the change of another password is unfinished',
      given: { name: 'superuser', rotation: ROTATION },
      says: ['secrets/other-rotation'],
    },
  ])('are found in this case: $title', async ({ given: what, says }) => {
    expect((secretsRotate.problems?.(await run(what)) ?? []).map(({ kind, error }) => (kind === 'input' ? error : kind))).toEqual(says);
  });
});

describe('the steps of secrets rotate', () => {
  it.each<{ title: string; given: Given; left: string[] }>([
    { title: 'a new change', given: {}, left: ['begin', 'change', 'prove', 'finish'] },
    { title: 'a change that was begun before', given: { rotation: ROTATION }, left: ['change', 'prove', 'finish'] },
    {
      title: 'the password is changed on all members',
      given: { rotation: ROTATION, done: ['begin', 'change'] },
      left: ['prove', 'finish'],
    },
    { title: 'the new password is proved', given: { rotation: ROTATION, done: ['begin', 'change', 'prove'] }, left: ['finish'] },
    { title: 'a finished change', given: { done: ['begin', 'change', 'prove', 'finish'] }, left: [] },
  ])('are the remaining ones: $title', async ({ given, left }) => {
    expect(await steps(given)).toEqual(left);
  });

  it('include the roles that use the passwords, and test both passwords on the role’s own hosts', async () => {
    const now = await run({ rotation: ROTATION });
    const [change, prove] = secretsRotate.remaining(now).steps;
    expect(change !== undefined && 'converge' in change && [...change.converge.roles].sort()).toEqual(['patroni', 'replication']);
    if (prove === undefined || !('on' in prove)) throw new Error('no step on hosts');
    expect(prove.on).toEqual(['pg1', 'pg2', 'pg3']);
    const [asked] = prove.asks?.(contextOf(now.inventory, 'pg1')) ?? [];
    expect(asked?.id).toBe(PASSWORD_LOGIN.id);
    const script = asked?.probe().text ?? '';
    expect([script.includes(NEW), script.includes(FORMER)]).toEqual([true, true]);
  });

  it('continue what was begun, and say so', async () => {
    expect(secretsRotate.goesOn?.(await run())).toBeUndefined();
    expect(secretsRotate.goesOn?.(await run({ rotation: ROTATION }))).toBe('resuming the change of replication.password that was begun');
  });
});

describe('a new password of PgBouncer’s role', () => {
  const yaml = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni]
hosts:
  pg1: 10.0.0.1
  pg2: {address: 10.0.0.2, roles: [base, pgdg, postgresql, replication, etcd, patroni, haproxy, pgbouncer]}
  lb1: {address: 10.0.0.8, roles: [base, pgdg, haproxy, pgbouncer]}
postgresql: {hba: [host all all 10.0.0.0/24 scram-sha-256]}
`;
  const rotation = { ...ROTATION, path: 'pgbouncer.auth_password' };
  const answers = { answers: true, settings: new Map(), pools: [], paused: undefined };
  const seen = async (of: { leader?: string | null; silent?: string; done?: string[] } = {}): Promise<OperationRun<{ name: string }>> => {
    const { leader = 'pg1', silent, done = ['begin'] } = of;
    const more = Object.fromEntries(['pg1', 'pg2', 'lb1'].map((name) => [name, { [POOLER.id]: { ...answers, answers: name !== silent } }]));
    const kept = {
      authority: { certificate: undefined, phase: undefined, signs: true, issued: new Map(), revoked: [] },
      passwords: [],
      rotation,
    };
    return { ...runSeen(await inventoryOf(yaml), { leader, more }, { name: 'pgbouncer' }, { done }), kept, catalog: CATALOG };
  };

  it('is set by the leader once every PgBouncer holds its questions up, and all of that belongs together', async () => {
    const now = await seen();
    const { steps: left } = secretsRotate.remaining(now);
    expect(left.map(({ id }) => id)).toEqual(['change', 'settle', 'prove', 'finish']);
    const [change] = left;
    if (change === undefined || !('on' in change)) throw new Error('no step on hosts');
    expect([change.on, change.together]).toEqual([['pg2', 'lb1', 'pg1'], true]);
    const ids = (host: string): string[] => (change.resources?.(now.contextOf(host)) ?? []).map(({ id }) => id);
    expect(ids('pg1')).toEqual(['pgbouncer-role']);
    expect(ids('lb1').slice(0, 2)).toEqual(['pool-held', 'pgbouncer-role']);
    expect(ids('lb1').slice(-4)).toEqual(['file:/etc/pgbouncer/pgbouncer.ini', 'service:pgbouncer', 'pools-resumed', 'pool-goes-on']);
    // The leader's part is the change, the others wait, and each writes the new password.
    const [role] = change.resources?.(now.contextOf('pg1')) ?? [];
    const changes = role?.diff({ server: 'primary', exists: true, verifier: '', attributes: ['LOGIN'] }) ?? [];
    expect(changes.map(({ coordinated }) => coordinated)).toEqual(['initiates']);
    const [, waits] = change.resources?.(now.contextOf('lb1')) ?? [];
    expect(waits?.diff({ accepted: false }).map(({ coordinated }) => coordinated)).toEqual(['waits']);
    expect(waits?.diff({ accepted: true })).toEqual([]);
    expect(waits?.probe().text).toContain(NEW);
    const file = change.resources?.(now.contextOf('lb1')).find(({ id }) => id === 'file:/etc/pgbouncer/userlist.txt');
    expect(file?.diff({ type: 'absent' })[0]?.after).toContain(NEW);
  });

  it('is proved on PgBouncer and past it, by the roles that know it alone', async () => {
    const now = await seen({ done: ['begin', 'change', 'settle'] });
    const [prove] = secretsRotate.remaining(now).steps;
    if (prove === undefined || !('on' in prove)) throw new Error('no step on hosts');
    expect(prove.on).toEqual(['pg2', 'lb1']);
    const script = prove.asks?.(now.contextOf('lb1'))[0]?.probe().text ?? '';
    expect(script).toContain('127.0.0.1 6432 127.0.0.1 5000');
    const { roles } = secretsRotate;
    expect(typeof roles === 'function' && roles(now)).toEqual(['postgresql', 'patroni', 'pgbouncer']);
    expect(typeof roles === 'function' && roles({ ...now, options: { name: 'replication' } })).not.toContain('pgbouncer');
  });

  it('is refused where nobody leads, or a PgBouncer does not answer', async () => {
    const objections = async (of: Parameters<typeof seen>[0]): Promise<(string | undefined)[]> =>
      (secretsRotate.guards?.(await seen(of)) ?? []).map(({ error }) => error);
    expect(await objections({})).toEqual([]);
    expect(await objections({ leader: null })).toEqual(['secrets/no-leader']);
    expect(await objections({ silent: 'lb1' })).toEqual(['secrets/pools']);
    expect(await objections({ silent: 'lb1', done: ['begin', 'change'] })).toEqual([]);
  });
});

describe('the guards of secrets rotate', () => {
  const login = (password: PasswordLogin['password'], outcome: PasswordLogin['outcome'], words = ''): PasswordLogin => ({
    to: '10.0.0.2:5432',
    password,
    outcome,
    words,
  });
  const proved = [login('new', 'accepted'), login('former', 'refused')];
  const all = { pg1: proved, pg2: proved, pg3: proved };
  const objections = async (given: Given): Promise<string[]> =>
    (secretsRotate.guards?.(await run({ rotation: ROTATION, done: ['change', 'prove'], ...given })) ?? []).map(
      ({ error, message }) => `${error}: ${message}`,
    );

  it('require a database', async () => {
    expect(await objections({ holdsData: false, done: [] })).toEqual([
      'secrets/no-cluster: demo has no database yet, so there is nothing to change',
    ]);
  });

  it('drop the former password only when every member has proved both', async () => {
    expect(await objections({ logins: all })).toEqual([]);
    expect(await objections({ logins: {}, done: ['change'] })).toEqual([]);
    expect((await objections({ logins: { ...all, pg2: [] } }))[0]).toContain('\n  pg2 could not try it');
    expect((await objections({ logins: { ...all, pg3: [proved[0] as PasswordLogin, login('former', 'accepted')] } }))[0]).toContain(
      '\n  from pg3, 10.0.0.2:5432 still takes the former password',
    );
    const failed = await objections({ logins: { ...all, pg1: [login('new', 'failed', 'timeout'), login('former', 'refused')] } });
    expect(failed).toEqual([
      'secrets/not-proved: the replication password was changed, but not proved:\n  from pg1, login to 10.0.0.2:5432 with the new password: timeout',
    ]);
  });
});

describe('the step of secrets rotate on the control machine', () => {
  const work = freshDirectory();
  const desk = async (): Promise<Desk & { puts: unknown[] }> => {
    const puts: unknown[] = [];
    return {
      store: await Store.open(work.path, DEMO, { writable: true }),
      put: async (reference, value) => void puts.push([reference, value.reveal()]),
      write: async () => undefined,
      puts,
    };
  };
  const atDesk = async (id: string, at: Desk, given: Given = {}): Promise<void> => {
    const step = secretsRotate.remaining(await run(given)).steps.find((each) => each.id === id);
    if (step === undefined || !('atDesk' in step)) throw new Error(`no ${id}`);
    await step.atDesk(at);
  };

  it('keeps both passwords until the new one is proved', async () => {
    const first = await desk();
    const former = first.store.password('replication.password', undefined).reveal();
    await first.store.savePasswords();
    await atDesk('begin', first);
    const second = await desk();
    expect(second.store.rotation).toMatchObject({ path: 'replication.password', from: former });
    const made = second.store.password('replication.password', undefined).reveal();
    expect(made).not.toBe(former);
    await atDesk('finish', second, { rotation: ROTATION });
    const last = await desk();
    expect([last.store.rotation, last.store.password('replication.password', undefined).reveal(), second.puts]).toEqual([
      undefined,
      made,
      [],
    ]);
  });

  it('takes back a password that no host has received, and keeps one that a host may have', async () => {
    const at = await desk();
    await atDesk('begin', at);
    const ended = { rotation: ROTATION, done: ['begin'] };
    expect(await secretsRotate.broken?.(await run(ended), { touched: true, desk: at })).toContain(
      'is not finished, and both passwords are kept',
    );
    expect((await desk()).store.rotation).toBeDefined();
    expect(await secretsRotate.broken?.(await run({ rotation: ROTATION }), { touched: false, desk: at })).toContain('is not finished');
    expect((await desk()).store.rotation).toBeDefined();
    expect(await secretsRotate.broken?.(await run(ended), { touched: false, desk: at })).toBe('the replication password was not changed');
    expect((await desk()).store.rotation).toBeUndefined();
  });
});
