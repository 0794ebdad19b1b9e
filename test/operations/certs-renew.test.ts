import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import certsRenew from '../../src/operations/certs-renew.js';
import type { Role } from '../../src/plan/role.js';
import type { KeptFacts, OperationObjection, OperationRun } from '../../src/plan/operation.js';
import { View } from '../../src/plan/view.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { PATRONI_MEMBER } from '../../src/resources/patroni/member.js';
import { SERVER_CERTIFICATE } from '../../src/resources/server-certificate.js';
import { TLS_HANDSHAKES } from '../../src/resources/tls-handshakes.js';
import { makeAuthority } from '../../src/store/issue.js';
import type { RotationPhase } from '../../src/store/trust.js';
import { companyPair } from '../support/company-pki.js';
import { sharedDirectory } from '../support/directory.js';
import { expired } from '../support/expired.js';
import { contextOf, inventoryOf, THREE } from '../support/inventory.js';

const three = await inventoryOf(THREE);
const HOSTS = three.hosts.map(({ name }) => name);
const work = sharedDirectory();

interface Seen {
  /** Hosts whose etcd does not work, and whose Patroni does not. */
  etcd?: string[];
  patroni?: string[];
  /** Hosts of which no other gets through to etcd. */
  shut?: string[];
  /** Hosts whose certificate has expired. */
  ended?: string[];
}

interface Options {
  within: number;
  all?: boolean;
  ca?: boolean;
}

interface Given {
  options?: Partial<Options>;
  authority?: Partial<KeptFacts['authority']>;
  chosenHosts?: string[];
  planned?: string[];
  done?: string[];
  /** Default: three members and the roles that come with pgprov. */
  cluster?: Pick<OperationRun<Options>, 'catalog' | 'inventory'>;
}

/** Certificates of an authority that lasts, and of one that has ended. */
let made: { lasting: string; past: string } | undefined;
async function certificates(): Promise<{ lasting: string; past: string }> {
  if (made !== undefined) return made;
  const { certificate, key } = await makeAuthority(work.path, 'pgprov CA of demo');
  made = { lasting: certificate, past: expired(certificate, key) };
  return made;
}

async function run(
  seen: Seen,
  {
    options = {},
    authority = {},
    chosenHosts,
    planned,
    done = [],
    cluster: { inventory, catalog } = { inventory: three, catalog: CATALOG },
  }: Given = {},
): Promise<OperationRun<Options>> {
  const { lasting, past } = await certificates();
  const { etcd = [], patroni = [], shut = [], ended = [] } = seen;
  const states = inventory.hosts.map(({ name }): [string, Map<string, unknown>] => {
    const handshakes = inventory.hosts
      .filter((other) => other.name !== name)
      .map((other) => ({ listener: `${other.clusterAddress}:2379`, accepted: !shut.includes(other.name), presented: undefined }));
    const pem = { type: 'file', content: Buffer.from(ended.includes(name) ? past : lasting) };
    return [
      name,
      new Map<string, unknown>([
        [HOST_FACTS.id, { os: 'debian', version: '13' }],
        [ETCD_MEMBER.id, { healthy: !etcd.includes(name) }],
        [
          PATRONI_MEMBER.id,
          patroni.includes(name) ? { answers: false } : { answers: true, state: name === 'pg1' ? 'running' : 'streaming' },
        ],
        [TLS_HANDSHAKES.id, { handshakes, authorityLoaded: true }],
        ['file:/etc/etcd/tls/node.crt', pem],
      ]),
    ];
  });
  return {
    inventory,
    catalog,
    options: { within: 30, ...options },
    kept: {
      authority: { certificate: lasting, phase: undefined, signs: true, issued: new Map(), revoked: [], ...authority },
      passwords: [],
      rotation: undefined,
    },
    chosenHosts,
    view: new View(inventory, new Map(states)),
    done: new Set(done),
    planned: planned?.map((text) => {
      const [host = '', resource = ''] = text.split(' ');
      return { host, resource, stage: 'etcd/start', action: 'update', summary: `change ${resource}`, projected: false };
    }),
    holdsData: true,
    contextOf: (host) => contextOf(inventory, host),
  };
}

/** `renew {"withinDays":30}`, of what is carried out all at once with a mark. */
const steps = (now: OperationRun<Options>): string[] =>
  certsRenew.remaining(now).steps.map((step) => {
    if (!('converge' in step)) return step.id;
    const { renewal, crossing, proves } = step.converge;
    return [step.id, JSON.stringify(renewal), ...(crossing === undefined ? [] : [crossing]), ...(proves === true ? ['proves'] : [])].join(
      ' ',
    );
  });
const objections = (now: OperationRun<Options>): OperationObjection[] => certsRenew.guards?.(now) ?? [];
const kinds = (all: OperationObjection[]): string[] =>
  all.map(({ kind, error, settles }) => [kind, error, ...(settles === true ? ['settles'] : [])].join(' '));

describe('reasons why certs renew refuses before it connects', () => {
  it.each<{ title: string; given: Given; ends?: boolean; says: string[] }>([
    { title: 'all is well', given: {}, says: [] },
    { title: 'there are no certificates', given: { authority: { certificate: undefined } }, says: ['input certs/none'] },
    { title: '--ca is combined with --all', given: { options: { ca: true, all: true } }, says: ['input certs/whole-cluster'] },
    { title: '--ca is combined with --host', given: { options: { ca: true }, chosenHosts: ['pg1'] }, says: ['input certs/whole-cluster'] },
    { title: 'the authority has expired', given: {}, ends: true, says: ['preflight certs/ca-expired'] },
    { title: 'the authority has expired and --ca is given', given: { options: { ca: true } }, ends: true, says: [] },
  ])('are found when $title', async ({ given, ends = false, says }) => {
    const { past } = await certificates();
    const start = await run({}, ends ? { ...given, authority: { certificate: past } } : given);
    expect(kinds(certsRenew.problems?.(start) ?? [])).toEqual(says);
  });
});

describe('certs renew with a user’s own role that has certificates', () => {
  const copies = { directory: '/t', ca: '/t/ca', certificate: '/t/crt', key: '/t/key', owner: 'root', group: 'root', unit: 'balancer' };
  const role: Role = {
    name: 'own',
    description: 'own',
    variables: { type: 'object', properties: {} },
    tls: () => ({ copies: () => copies }),
    stages: () => [],
  };
  const catalog = [...CATALOG, role];
  const cluster = async (): Promise<NonNullable<Given['cluster']>> => ({
    catalog,
    inventory: await inventoryOf(`${THREE}  lb1: {address: 192.0.2.9, roles: [own]}\n`, catalog),
  });

  it('also renews the certificate on the hosts of the role', async () => {
    const now = await run({}, { cluster: await cluster() });
    const [step] = certsRenew.remaining(now).steps;
    expect(step).toMatchObject({ id: 'renew', converge: { roles: ['etcd', 'patroni', 'own'] } });
    const { roles } = certsRenew;
    expect(typeof roles === 'function' ? roles(now) : roles).toEqual(['etcd', 'patroni', 'own']);
  });

  it('replaces the files of the role and restarts its unit, and touches nothing else of it', async () => {
    const refused = async (...planned: string[]): Promise<string[]> =>
      kinds(objections(await run({}, { cluster: await cluster(), planned })));
    expect(await refused('lb1 file:/t/ca', 'lb1 file:/t/crt', 'lb1 file:/t/key', 'lb1 service:balancer')).toEqual([]);
    expect(await refused('lb1 file:/t/crt', 'lb1 file:/etc/balancer.conf')).toEqual(['preflight certs/other-changes']);
    expect(await refused('pg1 file:/t/crt')).toEqual(['preflight certs/other-changes']);
  });
});

describe('the steps of certs renew', () => {
  it.each<{ title: string; seen?: Seen; given?: Given; left: string[] }>([
    { title: 'a renewal of all hosts', left: ['renew {"withinDays":30}'] },
    {
      title: 'a renewal of selected hosts',
      given: { options: { within: 5, all: true }, chosenHosts: ['pg2'] },
      left: ['renew {"withinDays":5,"all":true,"hosts":["pg2"]}'],
    },
    { title: 'a finished renewal', given: { done: ['renew'] }, left: [] },
    { title: 'no quorum, without expired certificates', seen: { etcd: HOSTS }, left: ['renew {"withinDays":30}'] },
    { title: 'expired certificates, with a quorum', seen: { etcd: ['pg1'], ended: ['pg1'] }, left: ['renew {"withinDays":30}'] },
    {
      title: 'expired certificates, without a quorum',
      seen: { etcd: HOSTS, ended: HOSTS },
      left: ['renew-at-once {"withinDays":30} all-at-once', 'renew {} proves'],
    },
    { title: 'all certificates were replaced at once', given: { done: ['renew-at-once'] }, left: ['renew {} proves'] },
    { title: 'all certificates were replaced at once and proved', given: { done: ['renew-at-once', 'renew'] }, left: [] },
  ])('are the remaining ones: $title', async ({ seen = {}, given = {}, left }) => {
    expect(steps(await run(seen, given))).toEqual(left);
  });

  it.each<{ title: string; seen?: Seen; phase?: RotationPhase; ends?: boolean; done?: string[]; left: string[] }>([
    {
      title: 'a rotation that begins',
      left: ['trust {"rotation":"trust"}', 'issue {"rotation":"issue"}', 'drop {"rotation":"drop"}', 'finish'],
    },
    {
      title: 'a rotation in its first phase',
      phase: 'trust',
      left: ['trust {}', 'issue {"rotation":"issue"}', 'drop {"rotation":"drop"}', 'finish'],
    },
    {
      title: 'a rotation after its first phase',
      phase: 'trust',
      done: ['trust'],
      left: ['issue {"rotation":"issue"}', 'drop {"rotation":"drop"}', 'finish'],
    },
    { title: 'a rotation in its last phase', phase: 'drop', left: ['drop {}', 'finish'] },
    { title: 'a rotation whose last phase has reached every host', phase: 'drop', done: ['drop'], left: ['finish'] },
    { title: 'a finished rotation', done: ['drop', 'finish'], left: [] },
    {
      title: 'a rotation during which certificates expired',
      phase: 'issue',
      seen: { etcd: HOSTS, ended: HOSTS },
      left: ['issue-at-once {} all-at-once', 'issue {} proves', 'drop {"rotation":"drop"}', 'finish'],
    },
    {
      title: 'the same, after all certificates were replaced at once',
      phase: 'issue',
      done: ['issue-at-once'],
      left: ['issue {} proves', 'drop {"rotation":"drop"}', 'finish'],
    },
    {
      title: 'an authority that has expired',
      ends: true,
      left: ['replace-at-once {"rotation":"replace"} all-at-once', 'replace {} proves', 'finish'],
    },
    { title: 'a replaced authority', phase: 'drop', done: ['replace-at-once'], left: ['replace {} proves', 'finish'] },
    { title: 'a replaced and proved authority', phase: 'drop', done: ['replace-at-once', 'replace'], left: ['finish'] },
  ])('with --ca are the remaining ones: $title', async ({ seen = {}, phase, ends = false, done = [], left }) => {
    const { past } = await certificates();
    expect(steps(await run(seen, { options: { ca: true }, authority: { phase, ...(ends ? { certificate: past } : {}) }, done }))).toEqual(
      left,
    );
  });
});

describe('the guards of certs renew', () => {
  const OWN = ['pg1 file:/etc/etcd/tls/node.crt', 'pg2 file:/etc/patroni/tls/ca.crt', 'pg3 service:etcd'];
  it.each<{ title: string; seen?: Seen; given?: Given; says: string[] }>([
    { title: 'nothing is planned yet', seen: { etcd: HOSTS }, says: [] },
    { title: 'only certificates change, and all members work', given: { planned: OWN }, says: [] },
    {
      title: 'something else waits to be applied',
      given: { planned: [...OWN, 'pg1 file:/etc/hosts'] },
      says: ['preflight certs/other-changes'],
    },
    {
      title: 'certificates of other hosts would change',
      given: { planned: OWN, chosenHosts: ['pg1', 'pg2'] },
      says: ['preflight certs/other-changes'],
    },
    {
      title: 'a member of etcd does not work',
      seen: { etcd: ['pg3'] },
      given: { planned: OWN },
      says: ['preflight certs/unhealthy settles'],
    },
    {
      title: 'a member of Patroni does not work',
      seen: { patroni: ['pg3'] },
      given: { planned: OWN },
      says: ['preflight certs/unhealthy settles'],
    },
    {
      title: 'a service does not accept connections',
      seen: { shut: ['pg2'] },
      given: { planned: OWN },
      says: ['preflight certs/unhealthy settles'],
    },
    {
      title: 'no host can connect to a member that is already reported as down',
      seen: { etcd: ['pg2'], ended: ['pg2'], shut: ['pg2'] },
      given: { planned: OWN },
      says: [],
    },
    {
      title: 'the run repairs what does not work',
      seen: { etcd: ['pg1'], patroni: ['pg1'], ended: ['pg1'] },
      given: { planned: OWN },
      says: [],
    },
    {
      title: 'the quorum is lost because certificates expired',
      seen: { etcd: HOSTS, patroni: HOSTS, ended: ['pg1', 'pg2'] },
      given: { planned: OWN },
      says: [],
    },
    {
      title: 'the quorum is lost, and only some hosts are selected',
      seen: { etcd: HOSTS, ended: HOSTS },
      given: { planned: OWN.slice(0, 1), chosenHosts: ['pg1'] },
      says: ['input certs/whole-cluster'],
    },
    {
      title: 'certificates were replaced at once and not proved yet',
      seen: { patroni: HOSTS },
      given: { planned: ['pg1 file:/etc/hosts'], done: ['renew-at-once'] },
      says: [],
    },
    {
      title: 'the next phase begins',
      seen: { patroni: ['pg1'] },
      given: { planned: OWN, done: ['issue-at-once', 'issue'] },
      says: ['preflight certs/unhealthy settles'],
    },
  ])('decide when $title', async ({ seen = {}, given = {}, says }) => {
    expect(kinds(objections(await run(seen, given)))).toEqual(says);
  });

  it('name what is unhealthy and what else would change', async () => {
    expect(objections(await run({ etcd: ['pg3'] }, { planned: OWN }))[0]?.message).toContain('\n  pg3: etcd is not healthy');
    expect(objections(await run({}, { planned: ['pg2 file:/etc/hosts'] }))[0]?.message).toContain('\n  pg2: change file:/etc/hosts');
  });
});

describe('certs renew of servers without Patroni', () => {
  const YAML =
    'cluster: demo\nroles: [base, pgdg, postgresql, replication]\nhosts: {pg1: 10.0.0.1, pg2: 10.0.0.2}\npostgresql: {tls: true}\n';

  it.each<{ title: string; presented: (string | undefined)[]; says: string[] }>([
    { title: 'both present one', presented: ['AB', 'CD'], says: [] },
    { title: 'one presents none', presented: ['AB', undefined], says: ['preflight certs/unhealthy settles'] },
  ])('goes by the certificates that they present: $title', async ({ presented, says }) => {
    const inventory = await inventoryOf(YAML);
    const now = await run({}, { cluster: { inventory, catalog: CATALOG }, planned: [] });
    const states = inventory.hosts.map(({ name }, index): [string, Map<string, unknown>] => [
      name,
      new Map<string, unknown>([
        [HOST_FACTS.id, { os: 'debian', version: '13' }],
        [SERVER_CERTIFICATE.id, { presented: presented[index], wanted: 'AB' }],
      ]),
    ]);
    expect(kinds(objections({ ...now, view: new View(inventory, new Map(states)) }))).toEqual(says);
    expect(certsRenew.streaming).toBe(true);
    const { steps: rotation } = certsRenew.remaining({ ...now, options: { within: 30, ca: true } });
    expect(rotation.map((step) => ('effect' in step ? step.effect : undefined))).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('certs renew beside certificates that the inventory gives', () => {
  const pair = companyPair(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  const section = JSON.stringify({ tls: true, tls_certificate: pair.certificate, tls_key: pair.key, tls_ca: pair.ca });
  const FILE = '/etc/pgprov/postgresql-17-main/node.crt';

  it('leaves them alone, says so, and takes a change of them for one that apply makes', async () => {
    const inventory = await inventoryOf(`${THREE}postgresql: ${section}\n`);
    const cluster = { inventory, catalog: CATALOG };
    const says = certsRenew.nothing?.(await run({}, { cluster })) ?? '';
    expect(says).toMatch(
      /The inventory gives the certificates of postgresql on pg1, postgresql on pg2 and postgresql on pg3, which pgprov does not renew/u,
    );
    const one = await run({}, { cluster, chosenHosts: ['pg2'] });
    expect(certsRenew.finished?.(one)).toMatch(/^The inventory gives the certificate of postgresql on pg2, which pgprov does not renew/u);
    expect(kinds(objections(await run({}, { cluster, planned: [`pg1 file:${FILE}`] })))).toEqual(['preflight certs/other-changes']);
  });

  it('has nothing to do where all are given', async () => {
    const yaml = `cluster: demo\nroles: [base, pgdg, postgresql, replication]\nhosts: {pg1: 10.0.0.1}\npostgresql: ${section}\n`;
    const now = await run({}, { cluster: { inventory: await inventoryOf(yaml), catalog: CATALOG } });
    const found = certsRenew.problems?.({ ...now, chosenHosts: undefined }) ?? [];
    expect(found.map(({ error, message }) => [error, message])).toEqual([['certs/given', expect.stringContaining('postgresql on pg1')]]);
  });
});
