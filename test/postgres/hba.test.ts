import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseHbaLine, type HbaLine } from '../../src/postgres/hba.js';
import { SEED } from '../support/depth.js';
import { postgresBinaries, POSTGRES_USER, startServer, type RunningServer } from '../support/postgres.js';

describe('a line of pg_hba.conf', () => {
  it.each([
    {
      line: 'local all all peer',
      rule: { type: 'local', databases: ['all'], users: ['all'], address: undefined, prefix: undefined, method: 'peer', options: [] },
    },
    {
      line: 'host app,"my db" +team 10.0.0.0/24 scram-sha-256 # the app',
      rule: { databases: ['app', 'my db'], users: ['+team'], address: '10.0.0.0', prefix: 24, method: 'scram-sha-256' },
    },
    { line: 'host\tall\tall\t10.0.0.0 255.255.0.0\tmd5', rule: { address: '10.0.0.0', prefix: 16 } },
    {
      line: 'hostssl all all 2001:db8::/32 cert map=m clientcert=verify-full',
      rule: { address: '2001:db8::', prefix: 32, options: ['map=m', 'clientcert=verify-full'] },
    },
    { line: 'hostnossl all @users samenet reject', rule: { users: ['@users'], address: 'samenet' } },
    {
      line: 'hostgssenc all all .example.com gss include_realm=0 krb_realm=X',
      rule: { address: '.example.com', options: ['include_realm=0', 'krb_realm=X'] },
    },
    { line: 'local all all ident', rule: { method: 'peer' } },
    { line: 'host all /^app_.*$ all trust', rule: { users: ['/^app_.*$'] } },
    {
      line: 'host "a ""b""" all all "ldap" ldapserver=l "ldapprefix=cn=" "ldapsuffix=, dc=x"',
      rule: { databases: ['a "b"'], options: ['ldapserver=l', 'ldapprefix=cn=', 'ldapsuffix=, dc=x'] },
    },
  ])('reads $line', ({ line, rule }) => expect(parseHbaLine(line, 17)).toMatchObject({ rule }));

  it.each(['', '   ', '# host all all all trust', '\t#'])('ignores %j', (line) => expect(parseHbaLine(line, 17)).toBe('nothing'));

  it.each([
    { line: 'hots all all 10.0.0.0/8 md5', column: 1, message: '"hots" is no connection type', hint: 'did you mean "host"?' },
    { line: 'host', column: 5, message: 'the line ends before the database' },
    { line: 'host app', column: 9, message: 'the line ends before the role' },
    { line: 'host app app', column: 13, message: 'the line ends before the address' },
    { line: 'host app app 10.0.0.0/24', column: 25, message: 'the line ends before the authentication method' },
    {
      line: 'host app app 10.0.0.0/24 scram',
      column: 26,
      message: '"scram" is no authentication method',
      hint: 'did you mean "scram-sha-256"?',
    },
    { line: 'host app app 10.0.0.0/33 md5', column: 23, message: 'the mask of 10.0.0.0 must be a number from 0 to 32' },
    { line: 'host app app 10.0.0.0 md5', column: 23, message: '"md5" is no netmask', hint: 'write 10.0.0.0/32 for this one host' },
    { line: 'host app app 10.0.0.256/24 md5', column: 14, message: '"10.0.0.256" is no IP address' },
    { line: 'host app app 10.0.0.256 md5', column: 14, message: '"10.0.0.256" is no IP address' },
    { line: 'host app app example.com/24 md5', column: 14, message: 'only an IP address has a mask' },
    { line: 'host app app 10.0.0.0 ffff:: md5', column: 23, message: 'must both be IPv4 or both IPv6' },
    { line: 'host app app 10.0.0.1/32,10.0.0.2/32 md5', column: 26, message: 'there may be only one address, not a list' },
    { line: 'local all all md5,peer', column: 19, message: 'there may be only one authentication method' },
    { line: 'host all "all 10.0.0.0/24 md5', column: 10, message: 'the double quote is not closed' },
    { line: 'host all all all peer', column: 18, message: 'peer does not go with host, only with local' },
    { line: 'host all all all cert', column: 18, message: 'cert does not go with host, only with hostssl' },
    { line: 'host all all all scram-sha-256 map=x', column: 32, message: 'scram-sha-256 has no option "map"' },
    { line: 'local all all peer mapp=x', column: 20, message: 'peer has no option "mapp"', hint: 'did you mean "map"?' },
    { line: 'local all all peer x', column: 20, message: 'this word is no option' },
    { line: 'host all all all ldap ldapserver=x ldapbindpasswd= S3cr3t', column: 52, message: 'this word is no option' },
    { line: 'host all all all ldap ldapserver=x ldapbindpasswd:S3cr3t', column: 36, message: '"ldapbindpasswd" is no option' },
    { line: 'host all all all md5 clientcert=verify-full', column: 22, message: 'clientcert goes with hostssl only' },
    { line: 'hostssl all all all md5 clientcert=1', column: 36, message: 'clientcert must be verify-ca or verify-full, not "1"' },
    { line: 'host all all all ldap ldapserver=x', column: 18, message: 'ldap needs' },
    { line: 'host all all all radius', column: 18, message: 'radius needs radiusservers=… and radiussecrets=…' },
    {
      line: 'host all all all oauth issuer=x scope=y',
      column: 18,
      message: 'PostgreSQL 17 has no authentication method oauth; 18 and later have it',
    },
  ])('refuses $line', ({ line, column, message, hint }) => {
    const parsed = parseHbaLine(line, 17);
    expect(parsed).toMatchObject({
      problem: { column, message: expect.stringContaining(message) as string, ...(hint === undefined ? {} : { hint }) },
    });
  });

  it('knows which version introduced what', () => {
    const problem = { problem: expect.anything() as unknown };
    expect(parseHbaLine('include "more hba.conf"', 16)).toEqual({ include: 'more hba.conf' });
    expect(parseHbaLine('include more.conf', 15)).toMatchObject({
      problem: { message: 'PostgreSQL 15 does not know include; 16 and later do' },
    });
    expect(parseHbaLine('include more.conf x', 17)).toMatchObject(problem);
    expect(parseHbaLine('host all all all oauth issuer=x scope=y', 18)).toMatchObject({ rule: { method: 'oauth' } });
    expect(parseHbaLine('hostssl all all all cert clientname=DN', 13)).toMatchObject(problem);
    expect(parseHbaLine('hostssl all all all cert clientname=DN', 14)).toMatchObject({ rule: { method: 'cert' } });
    expect(parseHbaLine(`host all ${'u'.repeat(256)} all md5`, 15)).toMatchObject(problem);
    expect(parseHbaLine(`host all ${'u'.repeat(256)} all md5`, 16)).toMatchObject({ rule: { method: 'md5' } });
  });
});

const binaries = postgresBinaries();

/** Words as people write and mistype them. */
const WORDS = {
  type: {
    right: ['local', 'host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc', '"host"'],
    wrong: ['hots', 'host,local', 'HOST', ''],
  },
  name: {
    right: ['all', 'app', '"all"', 'a,b', '"a b",c', '+group', 'sameuser', 'replication', '""', 'a"b c"d', '"x""y"', 'a, b'],
    wrong: ['#', ''],
  },
  address: {
    right: [
      'all',
      'samehost',
      'samenet',
      '10.0.0.0/8',
      '10.0.0.0 255.0.0.0',
      '10.0.0.0 255.0.255.0',
      '::1/128',
      'fe80::1 ffff::',
      'example.com',
      '.example.com',
      '"all"',
      '0.0.0.0/0',
    ],
    wrong: [
      '10.1.2.3/33',
      '::/129',
      'example.com/24',
      '10.0.0.0 ffff::',
      '10.0.0.0',
      '1.2.3.4/',
      '1.2.3.4/x',
      '::1',
      'all,samehost',
      '10.0.0.256/8',
    ],
  },
  method: {
    right: [
      'trust',
      'reject',
      'md5',
      'password',
      'scram-sha-256',
      '"md5"',
      'peer',
      'ident',
      'cert',
      'gss',
      'pam',
      'ldap ldapserver=l ldapbasedn=b',
      'ldap ldapprefix=p',
      'radius radiusservers=127.0.0.1 radiussecrets=s',
    ],
    wrong: ['ldap', 'radius', 'sspi', 'bsd', 'scram', 'md5,trust', 'MD5', ''],
  },
  option: {
    right: [
      '',
      '',
      '',
      '',
      '# comment',
      'map=m',
      '"map=m n"',
      'clientcert=verify-full',
      'clientcert=verify-ca',
      'clientname=DN',
      'ldapport=389',
      'ldapscheme=ldaps',
      'pamservice=p',
      'krb_realm=K',
      'include_realm=1',
    ],
    wrong: [
      'clientcert=1',
      'clientname=X',
      'ldapport=x',
      'nonsense=1',
      'nonsense',
      'ldapprefix=p ldapbasedn=b',
      'ldapsearchattribute=a ldapsearchfilter=f',
    ],
  },
} as const;

const word = ({ right, wrong }: { right: readonly string[]; wrong: readonly string[] }): fc.Arbitrary<string> =>
  fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: fc.constantFrom(...wrong) });

const lines = fc
  .tuple(
    word(WORDS.type),
    word(WORDS.name),
    word(WORDS.name),
    word(WORDS.address),
    word(WORDS.method),
    word(WORDS.option),
    word(WORDS.option),
    fc.nat(60),
  )
  .map(([type, database, user, address, method, one, two, chance]) => {
    const words = [type, database, user, ...(type === 'local' && chance % 9 !== 0 ? [] : [address]), method, one, two];
    return (chance < 5 ? words.slice(0, chance) : words).join(chance % 2 === 0 ? ' ' : '\t').trim();
  });

interface Row {
  line: number;
  type: string | null;
  database: string[] | null;
  users: string[] | null;
  address: string | null;
  netmask: string | null;
  method: string | null;
  options: string[] | null;
  error: string | null;
}

describe.skipIf(binaries === undefined)('a line of pg_hba.conf, compared with a real server', () => {
  let server: RunningServer | undefined;
  let version = 0;

  beforeAll(() => {
    server = startServer(binaries as string);
    version = Math.floor(Number(server.query("SELECT current_setting('server_version_num')")[0]) / 10_000);
  });
  afterAll(() => server?.stop());

  /** What the server makes of each line; it looks at the file without taking it up. */
  function asked(all: readonly string[]): Map<number, Row> {
    const running = server as RunningServer;
    const file = join(running.data, 'pg_hba.conf');
    writeFileSync(file, `${all.join('\n')}\n`);
    execFileSync('chown', [POSTGRES_USER, file]);
    const rows =
      running.query(`SELECT json_build_object('line', line_number, 'type', type, 'database', database, 'users', user_name, 'address', address,
      'netmask', netmask, 'method', auth_method, 'options', options, 'error', error) FROM pg_hba_file_rules`);
    return new Map(rows.map((row) => JSON.parse(row) as Row).map((row) => [row.line, row]));
  }

  it(`has the same meaning to both (seed ${SEED})`, () => {
    const all = fc.sample(lines, { numRuns: 3000, seed: SEED });
    const rows = asked(all);
    const differing = all.filter((line, index) => !agrees(parseHbaLine(line, version), rows.get(index + 1)));
    expect(differing.map((line) => [line, parseHbaLine(line, version), rows.get(all.indexOf(line) + 1)])).toEqual([]);
    expect([...rows.values()].filter(({ error }) => error === null).length).toBeGreaterThan(150);
    expect([...rows.values()].filter(({ error }) => error !== null).length).toBeGreaterThan(100);
  });
});

/** Whether both call the line wrong, or both read the same rule from it. */
function agrees(parsed: HbaLine, row: Row | undefined): boolean {
  if (parsed === 'nothing') return row === undefined;
  if ('problem' in parsed) return row !== undefined && row.error !== null;
  if (row === undefined || !('rule' in parsed)) return false;
  // SSL that is off is the server's own affair, not the line's.
  if (row.error !== null) return /SSL is disabled/u.test(row.error);
  const { type, databases, users, address, method } = parsed.rule;
  const same = (a: readonly string[], b: readonly string[] | null): boolean => JSON.stringify(a) === JSON.stringify(b ?? []);
  return (
    type === row.type &&
    same(databases, row.database) &&
    same(users, row.users) &&
    (address ?? null) === row.address &&
    method === row.method
  );
}
