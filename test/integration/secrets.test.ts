import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { keyPair } from '../secrets/support.js';
import { runCommandLine, startCommandLine, type CommandLine, type CommandLineOptions } from './support/command-line.js';
import { sharedDirectory } from '../support/directory.js';

const root = sharedDirectory();

/** A user with a home and a runtime directory of their own, in a directory for each test. */
async function place(name: string, env: NodeJS.ProcessEnv = {}): Promise<CommandLineOptions & { memory: string }> {
  const [cwd, memory] = [root.at(name), root.at(`${name}-memory`)];
  await mkdir(cwd, { recursive: true });
  await mkdir(memory, { recursive: true });
  return { cwd, memory, env: { HOME: root.at(`${name}-home`), XDG_RUNTIME_DIR: memory, ...env } };
}

async function made(name: string, env: NodeJS.ProcessEnv = {}): Promise<CommandLineOptions & { memory: string }> {
  const options = await place(name, env);
  expect((await runCommandLine(['secrets', 'init'], options)).code).toBe(0);
  return options;
}

const listed = async (options: CommandLineOptions): Promise<string[]> =>
  (JSON.parse((await runCommandLine(['secrets', 'list', '--json'], options)).text) as { names: string[] }).names;

describe('pgprov secrets', () => {
  it('makes an identity, the recipients and a store, each if it does not exist', async () => {
    const options = await place('init');
    const { code, text } = await runCommandLine(['secrets', 'init'], options);
    expect([code, text.split('\n').map((line) => line.split(/[;,]/u)[0])]).toEqual([
      0,
      [`made the identity ${options.env['HOME']}/.config/pgprov/age/keys.txt`, 'made .age-recipients', 'made the store secrets.age', ''],
    ]);
    const identity = join(options.env['HOME'] ?? '', '.config/pgprov/age/keys.txt');
    expect([(await stat(identity)).mode & 0o777, (await stat(join(options.cwd, 'secrets.age'))).mode & 0o777]).toEqual([0o600, 0o600]);
    const kept = await readFile(identity, 'utf8');
    expect(kept).toMatch(/^# created: \S+\n# public key: age1\w+\nAGE-SECRET-KEY-1\w+\n$/u);

    expect(await runCommandLine(['secrets', 'init'], options)).toMatchObject({
      code: 2,
      text: expect.stringContaining('secrets.age is there already') as string,
    });
    expect((await runCommandLine(['secrets', 'init', '-f', 'second.age'], options)).text).toBe(
      'made the store second.age; `pgprov secrets set NAME -f second.age` puts a value into it\n',
    );
    expect(await readFile(identity, 'utf8')).toBe(kept);
    const you = await keyPair();
    expect(await runCommandLine(['secrets', 'init', '-f', 'third.age', '-r', you.recipient], options)).toMatchObject({
      code: 2,
      text: expect.stringContaining(`does not list ${you.recipient}`) as string,
    });
    expect(await readdir(options.cwd)).not.toContain('third.age');
  });

  it('takes a value from stdin, or generates one, and shows none', async () => {
    const options = await made('set');
    const first = await runCommandLine(['secrets', 'set', 'superuser'], { ...options, input: 'pässword  \n' });
    expect(first).toEqual({
      code: 0,
      text: 'secrets.age: superuser has a value; in the inventory: { age: secrets.age, key: superuser }\n',
    });
    const again = await runCommandLine(['secrets', 'set', 'superuser', '--generate'], options);
    expect(again.text).toBe(
      'secrets.age: superuser has a generated password in place of its former one; in the inventory: { age: secrets.age, key: superuser }\n',
    );
    expect((await runCommandLine(['secrets', 'set', 'yes: no'], { ...options, input: 'x' })).text).toContain(
      '{ age: secrets.age, key: "yes: no" }',
    );
    expect(await listed(options)).toEqual(['superuser', 'yes: no']);
    for (const [input, message] of [
      ['', 'is empty'],
      ['a\0b', 'holds a NUL character'],
      [Buffer.from([0xff]), 'is not UTF-8 text'],
    ] as const) {
      expect(await runCommandLine(['secrets', 'set', 'bad'], { ...options, input })).toMatchObject({
        code: 2,
        text: expect.stringContaining(message) as string,
      });
    }
    expect(await runCommandLine(['secrets', 'set', 'bad', 'on-the-command-line'], options)).toMatchObject({ code: 2 });
    expect(await listed(options)).toEqual(['superuser', 'yes: no']);
  });

  it('asks at a terminal, twice and without showing what is typed', async () => {
    const options = { ...(await made('asked', { TERM: 'xterm' })), terminal: true };
    const answer = async (...answers: string[]): Promise<string> => {
      const line = startCommandLine(['secrets', 'set', 'typed'], options);
      for (const [index, text] of answers.entries()) {
        await line.printed(index === 0 ? /Value of typed: $/u : /Again: $/u);
        line.child.stdin?.write(text);
      }
      return (await line.ended).text;
    };
    expect(await answer('hunter2hunter2\r', 'hunter2hunter3\r')).toContain('the two entries differ; nothing was changed');
    expect(await answer('hunter2\u0003')).toContain('interrupted; nothing was changed');
    const text = await answer('hunter2hunter2\r', 'hunter2hunter2\r');
    expect(text).toContain('typed has a value');
    expect(text).not.toContain('hunter2');
    expect(await listed({ ...options, terminal: false })).toEqual(['typed']);
  });

  it('prints a value, or removes it, when a person agrees, and in a script with --yes', async () => {
    const options = await made('get', { TERM: 'xterm' });
    await runCommandLine(['secrets', 'set', 'app'], { ...options, input: 'pässword' });
    expect(await runCommandLine(['secrets', 'get', 'app'], options)).toEqual({
      code: 2,
      text: expect.stringMatching(/there is no terminal to ask at\n.*--yes/u) as string,
    });
    expect(await runCommandLine(['secrets', 'get', 'app', '--yes'], options)).toEqual({ code: 0, text: 'pässword\n' });
    expect(await runCommandLine(['secrets', 'get', 'ap', '--yes'], options)).toMatchObject({
      code: 2,
      text: expect.stringMatching(/no value named "ap"[\s\S]*did you mean "app"/u) as string,
    });
    const answered = async (words: string[], answer: string): Promise<{ code: number | null; text: string }> => {
      const line = startCommandLine(words, { ...options, terminal: true });
      await line.printed(/\[y\/N\] $/u);
      line.child.stdin?.write(answer);
      return line.ended;
    };
    const no = await answered(['secrets', 'get', 'app'], 'n\r');
    expect([no.code, no.text.includes('pässword')]).toEqual([130, false]);
    expect((await answered(['secrets', 'get', 'app'], 'y\r')).text).toContain('pässword');

    expect((await answered(['secrets', 'rm', 'app'], '\r')).code).toBe(130);
    expect(await listed(options)).toEqual(['app']);
    expect((await runCommandLine(['secrets', 'rm', 'app', '--yes'], options)).text).toContain('app is removed');
    expect(await listed(options)).toEqual([]);
    expect((await runCommandLine(['secrets', 'rm', 'app', '--yes'], options)).code).toBe(2);
    await runCommandLine(['secrets', 'set', 'again', '--generate'], options);
    expect(await listed(options)).toEqual(['again']);
  });

  it('prints a password of a cluster, wherever it is kept', async () => {
    const options = await made('cluster');
    await runCommandLine(['secrets', 'set', 'rewind'], { ...options, input: 'of the store' });
    await writeFile(
      join(options.cwd, 'inventory.yml'),
      'cluster: demo\nhosts: {pg1: 192.0.2.1}\npatroni: {rewind_password: {age: secrets.age, key: rewind}}\nreplication: {password: of the inventory}\n',
    );
    await mkdir(join(options.cwd, '.pgprov', 'demo'), { recursive: true });
    await writeFile(join(options.cwd, '.pgprov', 'demo', 'passwords.yml'), 'postgresql.superuser_password: made by pgprov\n');
    const get = (name: string): Promise<{ code: number | null; text: string }> =>
      runCommandLine(['secrets', 'get', name, 'inventory.yml', '--yes'], options);
    expect(await get('superuser')).toEqual({ code: 0, text: 'made by pgprov\n' });
    expect(await get('postgresql.superuser_password')).toEqual({ code: 0, text: 'made by pgprov\n' });
    expect((await get('rewind')).text).toBe('of the store\n');
    expect((await get('replication')).text).toBe('of the inventory\n');
    expect(await get('restapi')).toMatchObject({ code: 2, text: expect.stringContaining('has no restapi password yet') as string });
    expect(await get('superusr')).toMatchObject({ code: 2, text: expect.stringContaining('did you mean superuser?') as string });
  });

  it('prints the password of a role of an application by its name, or by its path', async () => {
    const options = await made('application');
    await writeFile(
      join(options.cwd, 'inventory.yml'),
      `cluster: demo
hosts: {pg1: 192.0.2.1}
postgresql:
  users:
    app: {}
    "o'dd.name": {}
    given: {password: of the inventory}
    later: {}
    superuser: {}
    reader: {login: false}
    agent: {passwordless: true}
`,
    );
    await mkdir(join(options.cwd, '.pgprov', 'demo'), { recursive: true });
    const kept = [
      'postgresql.superuser_password: of postgres',
      'postgresql.users.app.password: of app',
      `"postgresql.users.o'dd.name.password": of the odd one`,
      'postgresql.users.superuser.password: of a role',
    ];
    await writeFile(join(options.cwd, '.pgprov', 'demo', 'passwords.yml'), `${kept.join('\n')}\n`);
    const get = (name: string): Promise<{ code: number | null; text: string }> =>
      runCommandLine(['secrets', 'get', name, 'inventory.yml', '--yes'], options);
    expect(await get('app')).toEqual({ code: 0, text: 'of app\n' });
    expect(await get('postgresql.users.app.password')).toEqual({ code: 0, text: 'of app\n' });
    expect(await get("o'dd.name")).toEqual({ code: 0, text: 'of the odd one\n' });
    expect(await get('given')).toEqual({ code: 0, text: 'of the inventory\n' });
    // pgprov's own comes first, and the path names the other.
    expect(await get('superuser')).toEqual({ code: 0, text: 'of postgres\n' });
    expect(await get('postgresql.users.superuser.password')).toEqual({ code: 0, text: 'of a role\n' });
    expect(await get('later')).toMatchObject({ code: 2, text: expect.stringContaining('has no later password yet') as string });
    expect(await get('reader')).toMatchObject({
      code: 2,
      text: expect.stringContaining('reader may not log in, and has no password') as string,
    });
    expect((await get('agent')).text).toContain('agent logs in without one, and has no password');
    expect(await get('ap')).toMatchObject({ code: 2, text: expect.stringContaining('did you mean app?') as string });
  });

  it('encrypts a store with a passphrase that is asked for', async () => {
    const options = { ...(await place('passphrase', { TERM: 'xterm' })), terminal: true };
    const type = async (line: CommandLine, ...dialogue: [RegExp, string][]): Promise<string> => {
      for (const [question, text] of dialogue) {
        await line.printed(question);
        line.child.stdin?.write(text);
      }
      return (await line.ended).text;
    };
    await type(
      startCommandLine(['secrets', 'init', '--passphrase'], options),
      [/New passphrase of secrets\.age: $/u, 'correct horse\r'],
      [/Again: $/u, 'correct horse\r'],
    );
    const set = startCommandLine(['secrets', 'set', 'made', '--generate'], options);
    expect(
      await type(
        set,
        [/^Passphrase of secrets\.age: $/u, 'wrong\r'],
        [/That does not open it\. Passphrase of secrets\.age: $/u, 'correct horse\r'],
      ),
    ).toContain('made has a generated password');
    expect(await readdir(options.cwd)).toEqual(['secrets.age']);
    expect(await runCommandLine(['secrets', 'list'], { ...options, terminal: false })).toMatchObject({
      code: 2,
      text: expect.stringContaining('there is no terminal to ask for it at') as string,
    });
  });

  describe('edit', () => {
    let options: CommandLineOptions & { memory: string };
    const edit = (editor: string): Promise<{ code: number | null; text: string }> =>
      runCommandLine(['secrets', 'edit'], { ...options, env: { ...options.env, EDITOR: editor } });
    const script = async (name: string, lines: string): Promise<string> => {
      await writeFile(join(options.cwd, name), lines);
      return `sh '${join(options.cwd, name)}'`;
    };

    beforeAll(async () => {
      options = await made('edit dir');
      await runCommandLine(['secrets', 'set', 'old'], { ...options, input: 'of old' });
    });

    it('gives the editor a private file in memory, and saves what it leaves', async () => {
      const editor = await script('add.sh', 'stat -c "%a %n" "$1" "$(dirname "$1")" >seen; echo "new: 0123" >>"$1"');
      expect(await edit(editor)).toEqual({ code: 0, text: 'secrets.age is changed\n' });
      const [file = '', directory = ''] = (await readFile(join(options.cwd, 'seen'), 'utf8')).split('\n');
      expect(file).toBe(`600 ${directory.slice(4)}/secrets.yml`);
      expect(directory.startsWith(`700 ${options.memory}/pgprov-secrets-`)).toBe(true);
      expect(await readdir(options.memory)).toEqual([]);
      expect(await listed(options)).toEqual(['old', 'new']);
    });

    it.each([
      { name: 'changes nothing', lines: ':', code: 0, message: 'stays as it was' },
      { name: 'fails', lines: 'echo "x: y" >>"$1"; exit 1', code: 2, message: 'ended with exit code 1; the store stays as it was' },
      {
        name: 'is killed',
        lines: 'echo "x: y" >>"$1"; kill -9 $$',
        code: 2,
        message: 'ended with exit code 137; the store stays as it was',
      },
      {
        name: 'leaves something that is no mapping',
        lines: 'echo "- hunter2" >"$1"',
        code: 2,
        message: 'line 1: not a mapping of names to texts',
      },
      { name: 'leaves bytes that are no text', lines: 'printf "\\377" >>"$1"', code: 2, message: 'is not UTF-8 text' },
      { name: 'removes the file', lines: 'rm "$1"', code: 2, message: 'the editor left no file' },
      {
        name: 'removes the recipients',
        lines: 'echo "x: y" >>"$1"; mv .age-recipients aside',
        code: 2,
        message: 'there is no .age-recipients',
      },
    ])('keeps the store when the editor $name', async ({ lines, code, message }) => {
      const before = await readFile(join(options.cwd, 'secrets.age'), 'utf8');
      const ended = await edit(await script('editor.sh', lines));
      expect(ended).toMatchObject({ code, text: expect.stringContaining(message) as string });
      expect(ended.text).not.toContain('hunter2');
      expect(await readFile(join(options.cwd, 'secrets.age'), 'utf8')).toBe(before);
      expect(await readdir(options.memory)).toEqual([]);
      expect(await readdir(options.cwd)).not.toContain('secrets.age.lock');
    });

    it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('leaves no file when it receives %s', async (signal) => {
      await writeFile(join(options.cwd, '.age-recipients'), await readFile(join(options.cwd, 'aside'), 'utf8'));
      const editor = await script('slow.sh', 'echo "x: y" >>"$1"; echo editing; exec sleep 5');
      const line = startCommandLine(['secrets', 'edit'], { ...options, env: { ...options.env, EDITOR: editor } });
      await line.printed(/editing/u);
      expect(await runCommandLine(['secrets', 'set', 'a', '--generate'], options)).toMatchObject({
        code: 5,
        text: expect.stringContaining('secrets.age is being changed by') as string,
      });
      line.child.kill(signal);
      const { code } = await line.ended;
      // Ctrl-C is the editor's, which here goes on.
      expect(code).toBe(signal === 'SIGINT' ? 0 : 130);
      expect(await readdir(options.memory)).toEqual([]);
      expect(await listed(options)).toEqual(signal === 'SIGINT' ? ['old', 'new', 'x'] : ['old', 'new']);
    });
  });
});
