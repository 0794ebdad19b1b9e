import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { SecretFetcher } from '../../src/secrets/fetcher.js';
import type { Inventory } from '../../src/model/index.js';
import { keyPair, makeStore } from '../secrets/support.js';
import { inventoryDirectory, load, problemsOf, type Options } from './inventory-file.js';

const directory = inventoryDirectory();
const me = await keyPair();
const ENV = { HOME: '/home/op', PATH: process.env['PATH'], PGPROV_AGE_KEY: me.identity };

const withPassword = (reference: string, ssh = ''): string =>
  `cluster: demo\npostgresql: {superuser_password: ${reference}}\n${ssh}hosts: {pg1: 192.0.2.1, pg2: 192.0.2.2}\n`;

function passwordOf(inventory: Inventory): Secret {
  return inventory.hosts[1]?.vars['postgresql']?.['superuser_password'] as Secret;
}

async function opened(reference: string, options: Options = {}): Promise<string> {
  return passwordOf(await load(directory.path, withPassword(reference), { env: ENV, ...options })).reveal();
}

async function program(name: string, lines: string): Promise<string> {
  const path = join(directory.path, name);
  await writeFile(path, `#!/bin/sh\n${lines}\n`);
  await chmod(path, 0o755);
  return path;
}

describe('a secret that a program prints', () => {
  test('is its output without one newline, and its arguments reach it as they are', async () => {
    expect(await opened(`{command: [printf, '%s\\n\\n', 'a b  $HOME $(id) ''*']}`)).toBe("a b  $HOME $(id) '*\n");
  });

  test('is requested once, in the directory of the inventory and without input', async () => {
    await program('pass', 'cat; pwd; echo run >>runs');
    const references = withPassword('{command: [./pass]}', 'ssh: {password: {command: [./pass]}}\n');
    const inventory = await load(directory.path, references, { env: ENV });
    expect(passwordOf(inventory).reveal()).toBe(directory.path);
    expect(inventory.hosts[0]?.ssh.password?.reveal()).toBe(directory.path);
    expect(await readFile(join(directory.path, 'runs'), 'utf8')).toBe('run\n');
  });

  test('is not requested when the inventory is only checked, or wrong elsewhere', async () => {
    await program('never', 'echo run >>never-runs; echo password');
    const checked = await load(directory.path, withPassword('{command: [./never]}'), { env: ENV, secrets: 'check' });
    expect(() => passwordOf(checked).reveal()).toThrow('was not fetched');
    expect(await problemsOf(directory.path, withPassword('{command: [./never]}', 'nonsense: 1\n'), { env: ENV })).toHaveLength(2);
    await expect(readFile(join(directory.path, 'never-runs'))).rejects.toThrow('ENOENT');
    expect(await opened('{command: [./never]}')).toBe('password');
  });

  const place = 'inventory.yml:2:34 postgresql.superuser_password: ';
  test.each([
    {
      name: 'fails',
      script: 'echo hunter2hunter2; echo locked: hunter2hunter2 >&2; exit 3',
      lines: ['./fails ended with exit code 3', '    locked: ***', '    run it by hand in the directory of the inventory'],
    },
    { name: 'dies', script: 'kill -9 $$', lines: ['./dies was ended by SIGKILL', '    run it by hand in the directory of the inventory'] },
    {
      name: 'says nothing',
      script: ':',
      lines: ['./says nothing printed something that cannot be a secret: it is empty', '    have it print the secret alone on stdout'],
    },
    {
      name: 'prints NUL',
      script: "printf 'a\\0bcdefgh'",
      lines: [
        './prints NUL printed something that cannot be a secret: it holds a NUL character',
        '    have it print the secret alone on stdout',
      ],
    },
    {
      name: 'prints bytes',
      script: "printf '\\377\\376abcdefgh'",
      lines: [
        './prints bytes printed something that cannot be a secret: it is not UTF-8 text',
        '    have it print the secret alone on stdout',
      ],
    },
    {
      name: 'prints for ever',
      script: 'yes',
      lines: ['./prints for ever prints more than a secret can be', '    have it print the secret alone, 64 KiB at most'],
    },
    { name: 'is too short', script: 'echo hunter2', lines: ['must be a string of at least 8 characters, not this one'] },
  ])('is refused when the program $name', async ({ name, script, lines }) => {
    await program(name, script);
    const [first = '', ...rest] = lines;
    expect(await problemsOf(directory.path, withPassword(`{command: ["./${name}"]}`), { env: ENV })).toEqual([`${place}${first}`, ...rest]);
  });

  test('is refused when the program is missing, may not be run, or is a directory', async () => {
    await writeFile(join(directory.path, 'plain'), '');
    const problems = (reference: string): Promise<string[]> =>
      problemsOf(directory.path, withPassword(reference), { env: ENV, secrets: 'check' });
    expect(await problems('{command: [no-such-program, x]}')).toEqual([
      `${place}there is no program no-such-program on this machine`,
      '    install it, or add its directory to PATH',
    ]);
    expect(await problems('{command: [./plain]}')).toEqual([
      `${place}./plain is not a program that can be run here`,
      '    correct its path, or run chmod +x on it',
    ]);
    expect(await problems('{command: [/usr]}')).toEqual([
      `${place}/usr is not a program that can be run here`,
      '    correct its path, or run chmod +x on it',
    ]);
  });

  test.each([
    '{command: []}',
    '{command: prog}',
    '{command: [1]}',
    '{command: [a], env: B}',
    '{env: B, file: c}',
    '{age: secrets.age}',
    '{key: x}',
    '{}',
    '{age: secrets.age, env: B}',
  ])('is refused as %s', async (reference) => {
    const [first] = await problemsOf(directory.path, withPassword(reference), { env: ENV, secrets: 'check' });
    expect(first).toMatch(/^inventory.yml:2:\d+ postgresql.superuser_password\S*: must be /u);
  });
});

describe('a secret in a store', () => {
  test('is found relative to the directory of the inventory, and each store is opened once', async () => {
    await makeStore(join(directory.path, 'team'), { superuser: 'correct horse', login: 'battery staple' }, me);
    const asked: string[] = [];
    const fetcher = new SecretFetcher({ env: ENV, ask: async (question) => (asked.push(question), undefined) });
    const inventory = await load(
      directory.path,
      withPassword('{age: team/secrets.age, key: superuser}', 'ssh: {password: {age: team/secrets.age, key: login}}\n'),
      { env: ENV, fetcher },
    );
    expect([passwordOf(inventory).reveal(), inventory.hosts[0]?.ssh.password?.reveal(), asked]).toEqual([
      'correct horse',
      'battery staple',
      [],
    ]);
    expect(inventory.hosts[0]?.provenance.get('postgresql.superuser_password')).toMatchObject({
      line: 2,
      reference: { age: 'team/secrets.age', key: 'superuser' },
    });
  });

  test('that is missing is reported with its place and similar names', async () => {
    await makeStore(join(directory.path, 'near'), { superuser: 'correct horse', login: 'battery staple' }, me);
    await makeStore(join(directory.path, 'empty'), {}, me);
    const problems = (reference: string, options: Options = {}): Promise<string[]> =>
      problemsOf(directory.path, withPassword(reference), { env: ENV, ...options });
    const place = 'inventory.yml:2:34 postgresql.superuser_password: ';
    expect(await problems('{age: near/secrets.age, key: supruser}')).toEqual([
      `${place}the store near/secrets.age has no value named "supruser"`,
      '    did you mean "superuser"?',
    ]);
    expect(await problems('{age: near/secrets.age, key: x}')).toEqual([
      `${place}the store near/secrets.age has no value named "x"`,
      '    it holds superuser, login; `pgprov secrets set x -f near/secrets.age` adds one',
    ]);
    expect(await problems('{age: empty/secrets.age, key: x}')).toEqual([
      `${place}the store empty/secrets.age has no value named "x"`,
      '    it is empty; `pgprov secrets set x -f empty/secrets.age` adds one',
    ]);
    expect(await problems('{age: nowhere.age, key: x}', { secrets: 'check' })).toEqual([
      `${place}there is no store nowhere.age; \`pgprov secrets init -f nowhere.age\` makes one`,
    ]);
  });

  test('that cannot be opened is reported without its contents', async () => {
    const you = await keyPair();
    await makeStore(join(directory.path, 'mine'), { superuser: 'correct horse' }, me);
    const file = join(directory.path, 'mine', 'secrets.age');
    const problem = async (env: NodeJS.ProcessEnv): Promise<string | undefined> =>
      (await problemsOf(directory.path, withPassword('{age: mine/secrets.age, key: superuser}'), { env }))[0]?.split(': ').at(-1);
    expect(await problem({ HOME: directory.path })).toBe('mine/secrets.age needs an identity of age to be opened, and there is none');
    expect(await problem({ HOME: directory.path, SOPS_AGE_KEY: you.identity })).toBe(
      'mine/secrets.age is not encrypted for the identity in SOPS_AGE_KEY',
    );
    expect(await problem({ HOME: directory.path, PGPROV_AGE_KEY: 'hunter2' })).toBe(
      'PGPROV_AGE_KEY holds something else than identities of age, on line 1',
    );
    expect(await problem({ HOME: directory.path, PGPROV_AGE_KEY_FILE: '/nowhere/keys.txt' })).toBe('there is no such file');

    const keys = join(directory.path, '.config', 'sops', 'age');
    await mkdir(keys, { recursive: true });
    await writeFile(join(keys, 'keys.txt'), `# public key: ${me.recipient}\n${you.identity}\n${me.identity}\n`, { mode: 0o600 });
    expect(await problem({ HOME: directory.path })).toBeUndefined();
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace(/.(?=\n-----END)/u, (last) => (last === 'A' ? 'B' : 'A')),
    );
    expect(await problem({ HOME: directory.path })).toBe('mine/secrets.age is damaged, or was changed by somebody who has no key of it');
  });

  test('is not opened for a mere check, which needs no identity', async () => {
    await makeStore(join(directory.path, 'checked'), { superuser: 'correct horse' }, me);
    const checked = await load(directory.path, withPassword('{age: checked/secrets.age, key: other}'), {
      env: { HOME: '/nowhere' },
      secrets: 'check',
    });
    expect(passwordOf(checked)).toBeInstanceOf(Secret);
  });
});
