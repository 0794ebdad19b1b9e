import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderTemplate } from '../../src/plan/template.js';
import { mergePgpass } from '../../src/resources/pgpass.js';
import { replaceBlock } from '../../src/resources/files/blocks.js';
import { selinuxDirectory } from '../../src/resources/selinux.js';
import { Secret } from '../../src/lib/secret.js';
import { DEPTH } from '../support/depth.js';
import { passwordFrom, readEnvironmentFile, readSettings } from './support/readers.js';
import { hostilePasswords, hostileValues, shown } from './support/values.js';

/** What an inventory can hold at all. */
const VALUES = hostileValues(150).filter((value) => !/[\u0000\p{Surrogate}]/u.test(value));
const ONE_LINE = VALUES.filter((value) => !/[\u0001-\u001f\u007f]/u.test(value));

/** patroni.yml with a value wherever the inventory has one. */
function patroniFile(value: string): object {
  const long = value.length > 1000;
  const account = { name: 'name', password: value };
  return {
    scope: value,
    namespace: value,
    name: value,
    restapi: { listen: '', connectAddress: '', username: '', password: long ? '' : value },
    store: renderTemplate('patroni/etcd3.yml', { hosts: [value, long ? '' : value], ca: '', certificate: '', key: '' }),
    dcs: { [value]: 1, nested: { list: [value, { [value]: value }] } },
    initdb: [{ encoding: value }, 'data-checksums'],
    postgresql: {
      listen: '',
      connectAddress: '',
      dataDirectory: value,
      binDirectory: '',
      pgpass: '',
      parameters: { on: value, yes: value, 'a.b': value },
      hba: [value, ` ${value}`],
    },
    superuser: account,
    replication: account,
    rewind: account,
    watchdog: { mode: 'off', device: '' },
    tags: { tag: value, null: value },
  };
}

/** What its readers make of it. */
function patroniData(value: string): object {
  const long = value.length > 1000;
  const account = { username: 'name', password: value };
  return {
    scope: value,
    namespace: value,
    name: value,
    restapi: { listen: '', connect_address: '', authentication: { username: '', password: long ? '' : value } },
    etcd3: { hosts: [value, long ? '' : value], protocol: 'https', cacert: '', cert: '', key: '' },
    bootstrap: { dcs: { [value]: 1, nested: { list: [value, { [value]: value }] } }, initdb: [{ encoding: value }, 'data-checksums'] },
    postgresql: {
      listen: '',
      connect_address: '',
      data_dir: value,
      bin_dir: '',
      pgpass: '',
      use_unix_socket: true,
      authentication: { superuser: account, replication: account, rewind: account },
      parameters: { on: value, yes: value, 'a.b': value },
      pg_hba: [value, ` ${value}`],
    },
    watchdog: { mode: 'off' },
    tags: { tag: value, null: value },
  };
}

const PYTHON = `
import json, sys, yaml
loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
print(json.dumps([yaml.load(text, Loader=loader) for text in json.load(sys.stdin)]))
`;
import { patience } from '../support/patience.js';

function python(...words: readonly string[]): boolean {
  try {
    execFileSync('python3', words, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe(`files with hostile values read back (${DEPTH})`, () => {
  it('patroni.yml, by a reader of YAML 1.2', { timeout: patience(60_000) }, () => {
    for (const value of VALUES)
      expect(parse(renderTemplate('patroni/patroni.yml', patroniFile(value))), shown(value)).toEqual(patroniData(value));
  });

  const yaml = python('-c', 'import yaml');
  it.skipIf(!yaml)(
    `patroni.yml, by Python as Patroni does${yaml ? '' : ' (skipped: no yaml for Python here)'}`,
    { timeout: patience(60_000) },
    () => {
      const texts = VALUES.map((value) => renderTemplate('patroni/patroni.yml', patroniFile(value)));
      const read = JSON.parse(
        execFileSync('python3', ['-c', PYTHON], { input: JSON.stringify(texts), maxBuffer: 2 ** 30 }).toString(),
      ) as unknown[];
      VALUES.forEach((value, index) => expect(read[index], shown(value)).toEqual(patroniData(value)));
    },
  );

  it('etcd’s environment, by systemd', () => {
    const settings = Object.fromEntries(VALUES.map((value, index) => [`ETCD_${index}`, value]));
    expect(Object.fromEntries(readEnvironmentFile(renderTemplate('etcd/etcd.env', { settings })))).toEqual(settings);
  });

  it('settings, by PostgreSQL', () => {
    const parameters = Object.fromEntries(ONE_LINE.map((value, index) => [`hostile.v${index}`, value]));
    expect(Object.fromEntries(readSettings(renderTemplate('postgresql/parameters.conf', { parameters })))).toEqual(parameters);
  });

  it('.pgpass, by libpq', () => {
    const users = ONE_LINE.filter((value) => value.length < 1000);
    hostilePasswords(100).forEach((password, index) => {
      const user = users[index % users.length] ?? '';
      const entry = { host: 'fd00::1', port: 5432, database: 'replication', user, password: new Secret(password) };
      const others = `*:*:*:${user.length > 3 ? user.slice(1).replace(/[\\:]/gu, '\\$&') : 'other'}x:theirs\n# a comment\n`;
      const text = mergePgpass(others, [entry]);
      expect(passwordFrom(text, ['fd00::1', '5432', 'replication', user]), shown(password)).toBe(password);
      expect(mergePgpass(text, [entry]), shown(password)).toBe(text);
      expect(text.endsWith(others), shown(password)).toBe(true);
    });
  });

  it('a block of lines in another file, which stays the same', () => {
    // What the schema takes for a line of pg_hba.conf.
    const lines = ONE_LINE.filter((value) => value !== '' && !/\\$|^# (?:BEGIN|END) pgprov /u.test(value));
    const theirs = '# theirs\nlocal all all peer\n';
    const once = replaceBlock(theirs, 'demo', lines);
    expect(once).toBe(`${theirs}# BEGIN pgprov demo\n${lines.join('\n')}\n# END pgprov demo\n`);
    expect(replaceBlock(once, 'demo', lines)).toBe(once);
    expect(replaceBlock(`${once}more\n`, 'demo', [])).toBe(`${theirs}# BEGIN pgprov demo\n# END pgprov demo\nmore\n`);
  });

  it('SELinux’s pattern of a directory, which matches that directory and no other', () => {
    for (const value of ONE_LINE.filter((text) => text !== '' && text.length < 1000)) {
      const path = `/srv/a${value}b`;
      const word =
        selinuxDirectory({ path, type: 'type_t' })
          .apply([], 'wrong')
          .text.split('\n')
          .at(-2)
          ?.split(' -t type_t ')[1]
          ?.replace(/ 2>\/dev\/null.*$/u, '') ?? '';
      const pattern = word.startsWith("'") ? word.slice(1, -1).replaceAll("'\\''", "'") : word;
      expect(pattern).not.toContain(' ');
      const matches = new RegExp(`^${pattern.replaceAll('[[:space:]]', '[ ]')}$`, 'u');
      expect(
        [path, `${path}/base/1`, `${path}x`, `/srv/a${value}`, path.replace(value, 'x')].map((text) => matches.test(text)),
        shown(value),
      ).toEqual([true, true, false, false, value === 'x']);
    }
  });
});
