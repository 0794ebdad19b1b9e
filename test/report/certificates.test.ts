import { describe, expect, it } from 'vitest';
import {
  adviceOf,
  certificateProblemsOf,
  expiringOf,
  foreignCertificatesOf,
  type CertificatesStatus,
  type PlaceStatus,
} from '../../src/report/certificates.js';
import { renderCertificates } from '../../src/report/certificates-text.js';
import { widestOf } from '../../src/report/width.js';

const place = (host: string, service: PlaceStatus['service'], more: Partial<PlaceStatus> = {}): PlaceStatus => ({
  host,
  service,
  seen: true,
  subject: host,
  names: [host, '10.0.0.1', 'localhost', '127.0.0.1', '::1'],
  authority: 1,
  notAfter: '2029-11-20T00:00:00.000Z',
  daysLeft: 1094,
  onHost: 'as in the store',
  authorities: 'as in the store',
  fingerprint: 'AA:BB',
  ...(service === 'etcd' ? { loaded: true } : {}),
  ...(service === 'patroni' ? { readAnew: true } : {}),
  ...more,
});

const well: CertificatesStatus = {
  cluster: 'demo',
  inventory: '/etc/my clusters/demo.yml',
  withinDays: 30,
  authorities: [
    {
      generation: 1,
      subject: 'pgprov CA of demo',
      issuing: true,
      fingerprint: 'A7:55:B5:9E:81:88:64:60:11:22',
      notAfter: '2036-11-18T00:00:00.000Z',
      daysLeft: 3649,
    },
  ],
  places: [place('pg1', 'etcd'), place('pg1', 'patroni')],
  gone: [],
  unreachable: [],
};

const summary = (status: CertificatesStatus): string[] => [...expiringOf(status), ...certificateProblemsOf(status), ...adviceOf(status)];

describe('the list of certificates', () => {
  it('is readable by people', () => {
    expect(renderCertificates(well, { color: false })).toBe(`certificates of demo

authority          expires                                         sha-256
pgprov CA of demo  2036-11-18 (3649 days)  signs new certificates  A7:55:B5:9E:81:88:64:60…

host  service  expires                 on the host      in use     names
pg1   etcd     2029-11-20 (1094 days)  as in the store  yes        pg1 10.0.0.1
pg1   patroni  2029-11-20 (1094 days)  as in the store  read anew  pg1 10.0.0.1

✔ nothing expires within 30 days`);
  });

  it('includes services of any role, also when pgprov cannot see whether they use them', () => {
    const rows = renderCertificates({ ...well, places: [place('lb1', 'balancer')] }, { color: false });
    expect(rows).toContain('lb1   balancer  2029-11-20 (1094 days)  as in the store  ?       lb1 10.0.0.1');
  });

  it('fits a narrow terminal, row by row', () => {
    const text = renderCertificates(well, { color: false, columns: 78 });
    expect(widestOf(text.split('\n'))).toBeLessThanOrEqual(78);
    expect(text).toContain(`
pg1
  service patroni, expires 2029-11-20 (1094 days), on the host as in the store
  in use read anew, names pg1 10.0.0.1
`);
    expect(renderCertificates(well, { color: false, columns: 120 })).toBe(renderCertificates(well, { color: false }));
  });

  it('says that a cluster has none', () => {
    expect(renderCertificates({ ...well, authorities: [], places: [] }, { color: false })).toBe(`certificates of demo

The store has no certificates of it: no role of it uses certificates, or it was never applied.

✔ nothing expires within 30 days`);
  });

  it('does not say of hosts that it could not ask that nothing expires there', () => {
    const unseen = (host: string): PlaceStatus => place(host, 'etcd', { seen: false, onHost: 'not asked', authorities: 'not asked' });
    const off = (host: string): CertificatesStatus['unreachable'][number] => ({ host, reason: `cannot connect to ${host}` });
    const last = (status: Partial<CertificatesStatus>): string | undefined =>
      renderCertificates({ ...well, ...status }, { color: false })
        .split('\n')
        .find((line) => line.startsWith('? '));
    expect(last({ places: [unseen('pg1'), unseen('pg2')], unreachable: [off('pg1'), off('pg2')] })).toBe(
      '? nothing in the store expires within 30 days; what pg1, pg2 have was not seen',
    );
    expect(last({ places: [place('pg1', 'etcd'), unseen('pg2')], unreachable: [off('pg2')] })).toBe(
      '? nothing in the store and on the other hosts expires within 30 days; what pg2 has was not seen',
    );
    expect(last({ authorities: [], places: [], unreachable: [off('pg2')] })).toBe('? what pg2 has was not seen');
  });

  it.each<{ title: string; status: Partial<CertificatesStatus>; says: string[] }>([
    { title: 'all well', status: {}, says: [] },
    {
      title: 'one that expires',
      status: { places: [place('pg1', 'etcd', { daysLeft: 1 }), place('pg2', 'etcd', { daysLeft: -1 })], withinDays: 60 },
      says: [
        'pg1: the certificate of etcd expires in 1 day',
        'pg2: the certificate of etcd has expired',
        "Renew certificates with `pgprov certs renew '/etc/my clusters/demo.yml' --within 60`.",
      ],
    },
    {
      title: 'an authority that expires',
      status: { authorities: well.authorities.map((authority) => ({ ...authority, daysLeft: 9 })) },
      says: [
        'the certificate authority expires in 9 days',
        "Rotate the authority with `pgprov certs renew '/etc/my clusters/demo.yml' --ca`; it renews the certificates of the hosts as well.",
      ],
    },
    {
      title: 'files that differ from the store',
      status: { places: [place('pg1', 'patroni', { onHost: 'not as in the store', authorities: 'not as in the store' })] },
      says: [
        'pg1: the certificate of patroni is not the one in the store',
        'pg1: the authorities that patroni trusts are not those in the store',
        "Bring the hosts what the store has with `pgprov apply '/etc/my clusters/demo.yml'`.",
      ],
    },
    {
      title: 'no file',
      status: { places: [{ host: 'pg1', service: 'etcd', seen: true, names: [], onHost: 'missing', authorities: 'missing' }] },
      says: [
        'pg1: etcd has no certificate',
        'pg1: the authorities that etcd trusts are not those in the store',
        "Bring the hosts what the store has with `pgprov apply '/etc/my clusters/demo.yml'`.",
      ],
    },
    {
      title: 'a service that started before its files were written',
      status: { places: [place('pg1', 'etcd', { loaded: false })] },
      says: [
        'pg1: etcd does not use its present files yet',
        "Bring the hosts what the store has with `pgprov apply '/etc/my clusters/demo.yml'`.",
      ],
    },
    {
      title: 'an unfinished rotation',
      status: { rotation: 'issue', places: [place('pg1', 'etcd', { due: 'another authority signed it' })] },
      says: ["The authority is being rotated: `pgprov certs renew '/etc/my clusters/demo.yml' --ca` continues it."],
    },
    {
      title: 'a host that is down',
      status: {
        unreachable: [{ host: 'pg1', reason: 'off' }],
        places: [place('pg1', 'etcd', { seen: false, onHost: 'not asked', authorities: 'not asked' })],
      },
      says: ['For pg1 only what is in the store is known; run this again when every host can be reached.'],
    },
  ])('says what to do about $title', ({ status, says }) => expect(summary({ ...well, ...status })).toEqual(says));
});

describe('a certificate that the inventory gives', () => {
  const { authority: _authority, ...given } = place('pg1', 'postgresql', {
    given: true,
    onHost: 'as given',
    authorities: 'as given',
    loaded: true,
  });

  it('is as well as any other, and called given', () => {
    const status = { ...well, places: [...well.places, given] };
    expect([expiringOf(status), certificateProblemsOf(status), adviceOf(status)]).toEqual([[], [], []]);
    expect(renderCertificates(status, { color: false })).toMatch(/^pg1 +postgresql .* given +as given +yes /mu);
  });

  it('that ends soon is not advised to be renewed', () => {
    const status = { ...well, places: [...well.places, { ...given, daysLeft: 3 }] };
    expect(expiringOf(status)).toEqual(['pg1: the certificate of postgresql expires in 3 days']);
    expect(adviceOf(status)).toEqual([
      expect.stringMatching(/^pg1: the inventory gives the certificate of postgresql, so pgprov does not renew it/u),
    ]);
  });

  it('is missed where the host has another', () => {
    const status = { ...well, places: [{ ...given, onHost: 'not as given' as const, authorities: 'not as given' as const }] };
    expect(certificateProblemsOf(status)).toEqual([
      'pg1: the certificate of postgresql is not the one that the inventory gives',
      'pg1: the authorities that postgresql trusts are not those that the inventory gives',
    ]);
    expect(adviceOf(status).join('')).toContain('and the inventory gives');
  });
});

describe('certificates that are not those of the cluster, as status tells them', () => {
  const told = (more: Partial<PlaceStatus>, about: Partial<CertificatesStatus> = {}): string[] =>
    foreignCertificatesOf({ ...well, ...about, places: [place('pg1', 'etcd', more)] });
  const brings = "\n`pgprov apply '/etc/my clusters/demo.yml'` brings what the store has";

  it.each<[string, Partial<PlaceStatus>, string[]]>([
    ['all as in the store', {}, []],
    ['another one', { onHost: 'not as in the store' }, [`pg1: the certificate of etcd is not the one in the store${brings}`]],
    ['no certificate beside its authorities', { onHost: 'missing' }, [`pg1: etcd has no certificate${brings}`]],
    [
      'other authorities',
      { authorities: 'not as in the store' },
      [`pg1: the authorities that etcd trusts are not those in the store${brings}`],
    ],
    ['one that it does not use', { loaded: false }, [`pg1: etcd does not use its present files yet${brings}`]],
    ['none yet', { onHost: 'missing', authorities: 'missing' }, []],
    ['one that was not asked', { onHost: 'not asked', authorities: 'not asked', seen: false }, []],
  ])('%s', (_title, more, problems) => expect(told(more)).toEqual(problems));

  it('names what the inventory gives', () => {
    const { given, onHost, authorities } = { given: true, onHost: 'not as given', authorities: 'as given' } as const;
    expect(told({ given, onHost, authorities })).toEqual([
      "pg1: the certificate of etcd is not the one that the inventory gives\n`pgprov apply '/etc/my clusters/demo.yml'` brings what the inventory gives",
    ]);
  });

  it('leaves out what a rotation has not brought yet, and what the service says itself', () => {
    expect(told({ onHost: 'not as in the store' }, { rotation: 'issue' })).toEqual([]);
    expect(foreignCertificatesOf({ ...well, places: [place('pg1', 'etcd', { loaded: false })] }, () => true)).toEqual([]);
  });
});

describe('the advice of a cluster whose certificates', () => {
  const differing = { ...well, inventory: 'demo.yml', places: [place('pg1', 'etcd', { onHost: 'not as in the store' as const })] };
  const gone = { host: 'pg3', serial: 'AB', until: '2029-11-20T00:00:00.000Z', acceptedBy: [] as string[], refusedBy: [] as string[] };

  it('differ says where the command is refused that ends that', () => {
    expect(adviceOf(differing)).toEqual(['Bring the hosts what the store has with `pgprov apply demo.yml`.']);
    expect(adviceOf({ ...differing, refusal: 'the directory is older than the removal of a host' })).toEqual([
      'What the store has is brought to the hosts by `pgprov apply demo.yml`; that is refused as it is: the directory is older than the removal of a host.',
    ]);
    const waysOut = 'finish it with `pgprov rename demo.yml`';
    const expiring = { ...differing, places: [place('pg1', 'etcd', { daysLeft: 3 })], unfinished: 'the rename is not finished', waysOut };
    expect(adviceOf(expiring)).toEqual([
      'Renew certificates with `pgprov certs renew demo.yml`; that is refused until what was begun is over: finish it with `pgprov rename demo.yml`.',
    ]);
  });

  it('are of a host that is gone says how the inventory has it, and who refuses them', () => {
    const accepted = { ...gone, acceptedBy: ['pg1', 'pg2'] };
    expect(adviceOf({ ...well, inventory: 'demo.yml', gone: [accepted, { ...accepted, serial: 'AC' }] })).toEqual([
      'pg3 is not in the inventory, and a certificate that it has had is accepted: if it was taken out, `pgprov remove demo.yml --host pg3` revokes it.',
    ]);
    const stale = { ...well, gone: [{ ...gone, absent: true as const, refusedBy: ['pg1', 'pg2'] }] };
    expect(adviceOf(stale)).toEqual([
      'pg3 is absent in the inventory, and pg1, pg2 refuse a certificate that it has had and that is not revoked here: the directory .pgprov/demo/ is older than its removal; bring the one from where it was taken out.',
    ]);
    expect(renderCertificates(stale, { color: false })).toContain('not known here');
  });
});
