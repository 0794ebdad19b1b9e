import { describe, expect, it } from 'vitest';
import etcd from '../../../../roles/etcd.js';
import { revocationList } from '../../../../roles/shared/etcd/refusing.js';
import { passwordLines } from '../../../../roles/shared/accounts.js';
import { View } from '../../../../src/plan/view.js';
import { HOST_FACTS } from '../../../../src/resources/host-facts.js';
import { ETCD_MEMBER } from '../../../../src/resources/etcd/member.js';
import { fileHandle, type PathState } from '../../../../src/resources/files/path.js';
import { serialsIn } from '../../../../src/store/revocation-list.js';
import type { ClusterCredentials } from '../../../../src/store/cluster-credentials.js';
import { contextOf, hostOf, inventoryOf, MATERIAL, THREE } from '../../../support/inventory.js';
import { LIST } from '../../../support/revocation-list.js';

const PATH = '/etc/etcd/tls/revoked.crl';
const GONE = { host: 'pg9', serial: 'AB12CD', since: '', until: '2099-01-01T00:00:00.000Z', names: ['pg9', '10.0.0.9'] };
const WITH: ClusterCredentials = { ...MATERIAL, revocationList: LIST, revoked: [GONE] };
const there = (content: Buffer | string): PathState => ({
  type: 'file',
  owner: 'etcd',
  group: 'etcd',
  mode: '0644',
  content: Buffer.from(content as string),
});
const SETTINGS = `# Managed by pgprov\nETCD_NAME=pg1\nETCD_INITIAL_CLUSTER_TOKEN=demo\n`;
const GOING_BY_IT = `${SETTINGS}ETCD_CLIENT_CRL_FILE=${PATH}\n`;

describe('the list of revoked certificates of etcd', () => {
  const stages = async (credentials: ClusterCredentials): Promise<[string, string[]][]> => {
    const context = { ...contextOf(await inventoryOf(THREE), 'pg1'), credentials };
    return (etcd.stages?.(context) ?? []).map(({ name, resources }) => [name, (resources ?? []).map(({ id }) => id)]);
  };
  const environment = async (credentials: ClusterCredentials): Promise<string> => {
    const context = { ...contextOf(await inventoryOf(THREE), 'pg1'), credentials };
    const configure = etcd.stages?.(context).find(({ name }) => name === 'configure');
    const file = configure?.resources?.find(({ id }) => id === 'file:/etc/default/etcd');
    const state = { type: 'absent', hasData: false };
    return `${file?.diff(state)[0]?.after}${file?.apply(file.diff(state), state).text}`;
  };

  it('is brought one member after the other, and is there before etcd is told of it', async () => {
    const all = new Map(await stages(WITH));
    for (const name of ['start', 'join']) expect(all.get(name)).toContain(`file:${PATH}`);
    // It is there before a setting names it.
    const configured = all.get('configure') ?? [];
    const setting = configured.findIndex((id) => id.includes('etcd') && id.startsWith('file:'));
    expect(configured.indexOf(`first:file:${PATH}`)).toBeGreaterThan(0);
    expect(setting).toBeGreaterThan(configured.indexOf(`first:file:${PATH}`));
    expect(await environment(WITH)).toContain('ETCD_CLIENT_CRL_FILE="/etc/etcd/tls/revoked.crl"');
  });

  it('is nothing that a cluster of before it is restarted for', async () => {
    expect((await stages(MATERIAL)).flatMap(([, ids]) => ids)).not.toContain(`file:${PATH}`);
    expect(await environment(MATERIAL)).not.toContain('CRL');
  });

  it('is a danger where it lacks who was taken out', async () => {
    const list = revocationList({ ...contextOf(await inventoryOf(THREE), 'pg1'), credentials: WITH });
    expect(list?.kept.diff(there(LIST))).toEqual([]);
    expect(list?.kept.diff(there('older'))[0]?.danger).toBe(
      `${PATH} does not have certificates of pg9, which etcd there so accepts, though they were taken out`,
    );
  });

  it('is made once, before the settings, and brought to one member after the other from then on', async () => {
    const { first, kept } = revocationList({ ...contextOf(await inventoryOf(THREE), 'pg1'), credentials: WITH }) ?? {};
    expect([first, kept].map((list) => list?.diff({ type: 'absent' }).length)).toEqual([1, 0]);
    expect([first, kept].map((list) => list?.diff(there('older')).length)).toEqual([0, 1]);
  });

  it.each<{ title: string; credentials: ClusterCredentials; settings: string; list: PathState; says: RegExp | undefined }>([
    { title: 'the same list', credentials: WITH, settings: GOING_BY_IT, list: there(LIST), says: undefined },
    { title: 'no list yet', credentials: WITH, settings: SETTINGS, list: { type: 'absent' }, says: undefined },
    {
      title: 'no list, which a store of before does not have either',
      credentials: MATERIAL,
      settings: SETTINGS,
      list: { type: 'absent' },
      says: undefined,
    },
    {
      title: 'more on its list than the store knows',
      credentials: { ...WITH, revoked: [] },
      settings: GOING_BY_IT,
      list: there(LIST),
      says: /does not know of one with the serial AB12CD: it is older than the removal of a host/u,
    },
    {
      title: 'a list of which the store knows nothing',
      credentials: MATERIAL,
      settings: GOING_BY_IT,
      list: there(LIST),
      says: /does not know of a list of them: it is older/u,
    },
  ])('is not written over by an older one: a host with $title', async ({ credentials, settings, list, says }) => {
    const inventory = await inventoryOf(THREE);
    const seen = new Map<string, unknown>([
      [fileHandle('/etc/default/etcd').id, there(settings)],
      [fileHandle(PATH).id, list],
      [HOST_FACTS.id, { os: 'debian', version: '13' }],
      [ETCD_MEMBER.id, { healthy: true, hasData: false, members: [] }],
    ]);
    const view = new View(inventory, new Map([['pg1', seen]]));
    const objections = etcd.outdated?.(view, credentials) ?? [];
    if (says === undefined) expect(objections).toEqual([]);
    else expect(objections[0]).toMatchObject({ kind: 'refuse', host: 'pg1', message: expect.stringMatching(says) as string });
  });

  it('says whose lines of .pgpass are to go, also of who the inventory does not have', async () => {
    const context = { ...contextOf(await inventoryOf(THREE), 'pg1'), credentials: WITH };
    const before = '10.0.0.9:5432:replication:replicator:x\n10.0.0.8:5432:replication:replicator:x\n';
    const [change] = passwordLines(context).diff({ ...there(before), owner: 'postgres', group: 'postgres', mode: '0600' } as PathState);
    expect(change).toBeDefined();
    const text = passwordLines(context).apply([change as never], there(before)).text;
    expect([text.includes('10.0.0.8:5432:replication'), /printf %s '[^']*10\.0\.0\.9:5432[^']*' >/u.test(text)]).toEqual([true, false]);
    expect(hostOf(context.inventory, 'pg1').clusterAddress).toBe('10.0.0.1');
  });
});

describe('a list in DER', () => {
  it('is read, and nothing that is none', () => {
    expect(serialsIn(LIST)).toEqual(['AB12CD']);
    for (const none of [Buffer.of(), Buffer.from('text'), LIST.subarray(0, 40), Buffer.from([0x30, 0x85, 1, 1, 1, 1, 1])])
      expect(serialsIn(none)).toBeUndefined();
  });
});
