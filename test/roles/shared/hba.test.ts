import { describe, expect, it } from 'vitest';
import { FIRST_DEFAULT_LINE, identLines, patroniAccess, standaloneAccess } from '../../../roles/shared/hba.js';
import { replaceBlock } from '../../../src/resources/files/blocks.js';
import { hostOf, inventoryOf, THREE } from '../../support/inventory.js';

async function accessOf(yaml: string): Promise<string[]> {
  const inventory = await inventoryOf(yaml);
  return patroniAccess(hostOf(inventory, 'pg1'), inventory.hosts);
}

/** What is warned of in the access lines, with the entry. */
async function warnings(yaml: string): Promise<string[]> {
  const inventory = await inventoryOf(yaml);
  return inventory.warnings.map(({ path, message }) => `${path}: ${message}`);
}

const ONE = 'cluster: demo\nhosts: {pg1: {address: 10.0.0.1}}\n';
const SINGLE = `${ONE}roles: [base, pgdg, postgresql, replication]\n`;

describe('access lines under Patroni', () => {
  it('are those that the cluster needs, then those of the inventory, then those for everybody else', async () => {
    const own = ['local app app scram-sha-256', 'host all all 127.0.0.1/32 trust'];
    const lines = await accessOf(`${ONE}postgresql: {hba: ${JSON.stringify(own)}}\n`);
    expect(lines.slice(0, lines.indexOf('local app app scram-sha-256'))).toEqual([
      'local all postgres peer',
      ...['127.0.0.1/32', '::1/128', '10.0.0.1/32'].flatMap((address) => [
        `host replication replicator ${address} scram-sha-256`,
        `host all rewind_user ${address} scram-sha-256`,
        `host all postgres ${address} scram-sha-256`,
      ]),
    ]);
    expect(lines.slice(lines.indexOf('local app app scram-sha-256'))).toEqual([
      ...own,
      'local all all peer',
      'local replication all peer',
      'host all all 127.0.0.1/32 scram-sha-256',
      'host all all ::1/128 scram-sha-256',
    ]);
  });

  // Without quotes it is everybody.
  it('let in the role that is called all, and not all roles', async () => {
    const lines = await accessOf(`${ONE}replication: {username: all}\n`);
    expect(lines.filter((line) => line.startsWith('host replication'))).toEqual(
      ['127.0.0.1/32', '::1/128', '10.0.0.1/32'].map((address) => `host replication "all" ${address} scram-sha-256`),
    );
  });

  it('map the server’s owner to a superuser of another name', async () => {
    expect((await accessOf(`${ONE}postgresql: {superuser: dbadmin}\n`))[0]).toBe('local all dbadmin peer map=pgprov');
    expect(identLines('dbadmin')).toEqual(['pgprov postgres dbadmin']);
    expect(identLines('postgres')).toEqual([]);
  });
});

describe('a line that never takes effect', () => {
  it.each([
    {
      title: 'behind what the cluster needs',
      hba: ['host all postgres 127.0.0.1/32 trust'],
      says: 'has no effect: pgprov’s own line "host all postgres 127.0.0.1/32 scram-sha-256", which the cluster needs, comes first',
    },
    {
      title: 'for one of the members',
      hba: ['host replication replicator 10.0.0.3/32 md5'],
      says: 'has no effect: pgprov’s own line "host replication replicator 10.0.0.3/32 scram-sha-256", which the cluster needs, comes first',
    },
    {
      title: 'behind another of the inventory',
      hba: ['host all all 0.0.0.0/0 scram-sha-256', 'hostssl app app 10.1.0.0/16 cert'],
      says: 'has no effect: the line "host all all 0.0.0.0/0 scram-sha-256" above it decides the same connections',
    },
  ])('is warned of: $title', async ({ hba, says }) => {
    expect(await warnings(`${THREE}postgresql: {hba: ${JSON.stringify(hba)}}\n`)).toEqual([`postgresql.hba[${hba.length - 1}]: ${says}`]);
  });

  it.each([
    { hba: ['local app app scram-sha-256', 'host all all 127.0.0.1/32 trust', 'local all all reject'] },
    { hba: ['host all postgres 127.0.0.0/8 trust', 'host all postgres 10.0.0.1/32 scram-sha-256'] },
  ])('is none of these: $hba', async ({ hba }) => {
    expect(await warnings(`${THREE}postgresql: {hba: ${JSON.stringify(hba)}}\n`)).toEqual([]);
  });

  it('is found without Patroni too', async () => {
    expect(await warnings(`${SINGLE}postgresql: {hba: ['local all postgres md5', 'local app app md5']}\n`)).toEqual([
      'postgresql.hba[0]: has no effect: pgprov’s own line "local all postgres peer", which the cluster needs, comes first',
    ]);
  });
});

describe('access lines without Patroni', () => {
  const MADE = `# PostgreSQL Client Authentication Configuration File
host all all 10.9.9.9/32 reject
# Database administrative login by Unix domain socket
local   all             postgres                                peer

# TYPE  DATABASE        USER            ADDRESS                 METHOD
local   all             all                                     peer
host    all             all             127.0.0.1/32            scram-sha-256
`;

  it('stand ahead of those that the cluster was made with, and behind what somebody put above them', async () => {
    const lines = standaloneAccess(hostOf(await inventoryOf(`${SINGLE}postgresql: {hba: ['local app app md5']}\n`), 'pg1'), []);
    const text = replaceBlock(MADE, 'demo', lines, FIRST_DEFAULT_LINE);
    expect(text.split('\n').slice(1, 9)).toEqual([
      'host all all 10.9.9.9/32 reject',
      '# Database administrative login by Unix domain socket',
      '# BEGIN pgprov demo',
      'local all postgres peer',
      'host replication replicator 10.0.0.1/32 scram-sha-256',
      'local app app md5',
      '# END pgprov demo',
      'local   all             postgres                                peer',
    ]);
    expect(replaceBlock(text, 'demo', lines, FIRST_DEFAULT_LINE)).toBe(text);
  });

  it.each([
    { line: 'local all all peer', isDefault: true },
    { line: 'local\tall\tpostgres\tpeer', isDefault: true },
    { line: 'local   replication     all                                     peer', isDefault: true },
    { line: 'host    all             all             127.0.0.1/32            scram-sha-256', isDefault: true },
    { line: 'host    replication     all             ::1/128                 scram-sha-256', isDefault: true },
    { line: 'local app app peer', isDefault: false },
    { line: 'host all all 10.0.0.0/8 scram-sha-256', isDefault: false },
    { line: '#local all all peer', isDefault: false },
  ])('know the lines of initdb: $line', ({ line, isDefault }) => expect(FIRST_DEFAULT_LINE.test(line)).toBe(isDefault));
});
