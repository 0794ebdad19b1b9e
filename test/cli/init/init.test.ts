import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { init, type InitOptions } from '../../../src/cli/init/init.js';
import { initWorkplace } from './workplace.js';

const work = initWorkplace();

describe('a first inventory', () => {
  it('is made from the options of the command line', async () => {
    expect(
      await work.made({ cluster: 'x', host: ['a=10.0.0.1', 'b=10.0.0.2', '10.0.0.3'], user: 'admin', clients: ['10.1.0.0/16'] }),
    ).toEqual({
      cluster: 'x',
      ssh: { user: 'admin' },
      hosts: { a: '10.0.0.1', b: '10.0.0.2', pg3: '10.0.0.3' },
      postgresql: { version: 17, hba: ['host all all 10.1.0.0/16 scram-sha-256'] },
      firewall: { client_networks: ['10.1.0.0/16'] },
    });
    expect(work.printed).toContain('pgprov apply');
  });

  it('can be that of a single server', async () => {
    expect(await work.made({ host: ['10.0.0.1'], standalone: true, postgresql: 16 })).toMatchObject({
      roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'],
      postgresql: { version: 16 },
    });
  });

  it('comments every key, also those that it does not set', async () => {
    await work.made({ host: ['10.0.0.1'], yes: true });
    const text = readFileSync(work.at('inventory.yml'), 'utf8');
    expect(text).toMatch(/# roles: \[base, .*\]\n/u);
    expect(text).toMatch(/^ {2}# identity_file: .* # private key/mu);
  });

  it('never overwrites a file', async () => {
    work.write({ 'inventory.yml': 'mine\n' });
    await expect(work.made({ host: ['10.0.0.1'] })).rejects.toMatchObject({ kind: 'init/exists', exitCode: 2 });
    expect(readFileSync(work.at('inventory.yml'), 'utf8')).toBe('mine\n');
  });

  it.each<{ options: InitOptions; kind: string; message: RegExp }>([
    { options: {}, kind: 'init/no-hosts', message: /no hosts are given/u },
    { options: { host: ['a b'] }, kind: 'init/host', message: /^--host a b: must be NAME=ADDRESS/u },
    { options: { host: ['pg1=10.0.0.1', 'pg1=10.0.0.2'] }, kind: 'init/host', message: /there is a host pg1 already/u },
    { options: { host: ['pg1=1.2.3'] }, kind: 'init/unfit', message: /hosts\.pg1\.address: is not an IPv4 address/u },
    {
      options: { host: ['pg1=10.0.0.1'], postgresql: 9 },
      kind: 'init/unfit',
      message: /postgresql\.version: must be an integer from 13 to 19, not 9/u,
    },
    { options: { host: ['pg1=10.0.0.1'], group: ['db'] }, kind: 'init/group', message: /--from-ansible FILE, which is missing/u },
    { options: { host: ['pg1=10.0.0.1'], fromAnsible: 'x' }, kind: 'init/hosts', message: /give one of them/u },
  ])('is refused: $message', async ({ options, kind, message }) => {
    await expect(work.made(options)).rejects.toMatchObject({ kind, exitCode: 2, message: expect.stringMatching(message) as string });
    expect(readdirSync(work.path)).toEqual([]);
  });
});

describe('the questions of a first inventory', () => {
  it('check each answer when it is given, and keep those that are right', async () => {
    const lines = ['Demo', 'demo', 'pg1=10.0.0.300', 'pg1=10.0.0.1', 'pg1=10.0.0.2', 'pg2=10.0.0.1', 'pg2 = 10.0.0.2, 10.0.0.3', ''];
    expect(await work.asked([...lines, 'a b', 'admin', 'newest', '9', '16', '10.0.1.0/33', '10.0.1.0/24 10.0.2.0/24'])).toEqual({
      cluster: 'demo',
      ssh: { user: 'admin' },
      hosts: { pg1: '10.0.0.1', pg2: '10.0.0.2', pg3: '10.0.0.3' },
      postgresql: { version: 16, hba: ['host all all 10.0.1.0/24 scram-sha-256', 'host all all 10.0.2.0/24 scram-sha-256'] },
      firewall: { client_networks: ['10.0.1.0/24', '10.0.2.0/24'] },
    });
    const answers = work.printed.split('\n').filter((line) => /^ {2}(?!host |pgprov)/u.test(line));
    expect(answers.map((line) => line.trim())).toEqual([
      expect.stringContaining('lower-case letters'),
      'pg1=10.0.0.300: is not an IPv4 address: "10.0.0.300"',
      'pg1=10.0.0.2: there is a host pg1 already',
      expect.stringMatching(/^pg2=10\.0\.0\.1: same address and SSH port as host pg1/u),
      expect.stringContaining('must be a user name'),
      'a major version, such as 17',
      'must be an integer from 13 to 19, not 9',
      'the mask of 10.0.1.0 must be a number from 0 to 32',
    ]);
  });

  it('take a host off the list again that is right alone, and not beside others', async () => {
    expect(await work.asked(['localhost', 'pg2=10.0.0.2', 'pg1=10.0.0.1', '', '', ''], { cluster: 'x', user: 'me' })).toMatchObject({
      hosts: { pg1: '10.0.0.1', pg2: '10.0.0.2' },
    });
    expect(work.printed).toMatch(/ {2}pg1=localhost: the others cannot reach the host at localhost.*; it is off the list again\n/u);
  });

  it('take hosts as they stand in /etc/hosts, and several on a line where that is plain', async () => {
    const lines = ['a 10.0.0.1', '10.0.0.2 b', 'c d', 'e 10.0.0.5 f', '10.0.0.3 10.0.0.4', ''];
    expect(await work.asked([...lines, '', ''], { cluster: 'x', user: 'me' })).toMatchObject({
      hosts: { a: '10.0.0.1', b: '10.0.0.2', pg3: '10.0.0.3', pg4: '10.0.0.4' },
    });
    expect(work.printed).toContain('  c d: must be NAME=ADDRESS');
    expect(work.printed).toContain('  e 10.0.0.5 f: must be NAME=ADDRESS');
  });

  it('are not asked for what the options say, which is checked before', async () => {
    const options = { cluster: 'x', user: 'me', clients: [] };
    expect(await work.asked(['10.0.0.1', '', '', 'n'], options)).toMatchObject({
      roles: expect.any(Array) as string[],
      hosts: { pg1: '10.0.0.1' },
    });
    rmSync(work.at('inventory.yml'));
    await expect(work.asked([], { cluster: 'X Y' })).rejects.toMatchObject({ kind: 'init/unfit' });
  });

  it('lose no answer when they end early', async () => {
    await expect(work.asked(['demo', 'pg1=10.0.0.1', '10.0.0.2', ''])).rejects.toMatchObject({
      kind: 'cli/interrupted',
      exitCode: 130,
      hint: `\`pgprov init ${work.at('inventory.yml')} --cluster demo --host 'pg1=10.0.0.1' --host 'pg2=10.0.0.2'\` goes on with your answers`,
    });
    expect(readdirSync(work.path)).toEqual([]);
  });

  it('are not asked where nothing can be written', async () => {
    work.write({ 'inventory.yml': 'mine\n' });
    await expect(work.asked([])).rejects.toMatchObject({ kind: 'init/exists' });
    expect(work.printed).toBe('');
    const nowhere = init(work.at('nowhere', 'inventory.yml'), {});
    await expect(nowhere).rejects.toMatchObject({
      kind: 'init/unwritable',
      message: expect.stringContaining('no such directory') as string,
    });
  });
});
