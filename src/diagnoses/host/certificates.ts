import { X509Certificate } from 'node:crypto';
import {
  defineDiagnosis,
  enumerate,
  fileHandle,
  pgprov,
  splitBundle,
  type Examination,
  type Finding,
  type ServiceLayout,
  type TlsCopies,
} from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { GIVEN_ENDS_SOON, type GivenRole } from '../../../roles/shared/given-tls.js';
import { tlsFiles } from '../../../roles/shared/layout.js';
import { poolerIdentity } from '../../../roles/shared/pgbouncer/config-file.js';
import { serverIdentity } from '../../../roles/shared/server-tls.js';
import { serviceLayouts } from '../shared/layouts.js';

const DAY = 86_400_000;

/** Where a service has its TLS files. */
type TlsPlace = Pick<ServiceLayout, 'tlsDirectory'>;

/** With fewer days left it is a danger; `apply` makes new ones much earlier. */
const SOON = 14;

/** Certificates of the services: expired, about to be, or of an authority that others do not know. */
export default defineDiagnosis({
  name: 'certificates',
  looksAt: 'certificates and who signed them',
  find: (examination) => {
    const given = givenOn(examination);
    const services = examination.view.inventory.hosts.flatMap(({ name }) => {
      const platform = examination.view.platform(name);
      const isOwn = ({ tlsDirectory }: TlsPlace): boolean =>
        !given.some(({ host, copies }) => host === name && copies.directory === tlsDirectory);
      return platform === undefined ? [] : [...serviceLayouts(platform), platform.consul].filter(isOwn).map((layout) => ({ name, layout }));
    });
    const ended = services.flatMap(({ name, layout }) => endedOn(examination, name, layout));
    const others = services.flatMap(({ name, layout }) => othersOn(examination, name, layout));
    return [...together(examination, ended), ...others, ...given.flatMap((place) => givenEnds(examination, place))];
  },
});

/** A service whose certificate the inventory gives. */
interface GivenPlace {
  host: string;
  role: GivenRole;
  copies: TlsCopies;
}

function givenOn({ view }: Examination): GivenPlace[] {
  const { inventory } = view;
  const identities = { postgresql: serverIdentity, pgbouncer: poolerIdentity };
  return (Object.keys(identities) as GivenRole[]).flatMap((role) =>
    view.hosts(role).flatMap((host) => {
      const platform = view.platform(host.name);
      const identity = identities[role](host, inventory);
      return platform === undefined || identity?.given === undefined ? [] : [{ host: host.name, role, copies: identity.copies(platform) }];
    }),
  );
}

/** Nobody here can renew it, so it is told of early; what counts is the file on the host, whatever the inventory gives by now. */
function givenEnds(examination: Examination, { host, role, copies: { certificate: path } }: GivenPlace): Finding[] {
  const { view, now } = examination;
  const certificate = read(textOf(examination, host, path) ?? '');
  const left = certificate === undefined ? Infinity : endOf(certificate) - now;
  if (certificate === undefined || left >= GIVEN_ENDS_SOON * DAY) return [];
  const has = left <= 0;
  return [
    {
      level: has ? 'broken' : 'danger',
      host,
      what: `the certificate ${path}, which the inventory gives, ${has ? 'has expired' : `expires in ${Math.floor(left / DAY)} days`}`,
      ...(has ? { since: endOf(certificate) } : {}),
      evidence: [evidenceOf(host, path, certificate)],
      follows: `${has ? 'clients' : 'from then on clients'} that check the certificate refuse to connect`,
      mend: `pgprov does not renew it: have another one signed, give it as ${role}.tls_certificate with its key, then run ${pgprov`apply ${view.inventory}`}`,
    },
  ];
}

/** What follows elsewhere when a certificate is not accepted. */
const REFUSED = ['store-member-down', 'consul-server-down', 'store-handshakes', 'member-down'];

/** What follows when so many have expired that no quorum is left. */
const FOR_ALL = ['store-quorum', 'consul-quorum', 'no-leader', 'failsafe'];

/** Where expired certificates leave no quorum they are the cluster's, and why nobody can write. */
function together({ view }: Examination, ended: readonly Finding[]): readonly Finding[] {
  const hosts = [...new Set(ended.flatMap(({ host }) => host ?? []))];
  const members = view.hosts(dcsOf(view.inventory).role).map(({ name }) => name);
  const left = members.filter((name) => !hosts.includes(name)).length;
  const [first] = ended;
  if (first === undefined || members.length < 2 || left > members.length / 2) return ended;
  const { host: _host, ...rest } = first;
  return [
    {
      ...rest,
      what: `certificates of ${enumerate(hosts)} have expired, which leaves no quorum of the store`,
      since: Math.min(...ended.flatMap(({ since }) => since ?? [])),
      evidence: ended.flatMap(({ evidence }) => evidence),
      follows: 'members refuse each other, Patroni cannot keep its lease, and without failsafe mode nobody can write',
      explains: [...REFUSED, ...FOR_ALL],
    },
  ];
}

function textOf({ view }: Examination, host: string, path: string): string | undefined {
  const state = view.read(host, fileHandle(path));
  return state?.type === 'file' ? state.content.toString('utf8') : undefined;
}

/** The certificate of a service, with who signed it where the host has that authority. */
function certificateOf(examination: Examination, host: string, layout: TlsPlace) {
  const { certificate: path, ca } = tlsFiles(layout);
  const own = textOf(examination, host, path);
  const certificate = own === undefined ? undefined : read(own);
  if (certificate === undefined) return undefined;
  const authority = authoritiesOn(examination, host, ca)?.find((each) => signs(each, certificate));
  return { path, ca, certificate, authority };
}

function authoritiesOn(examination: Examination, host: string, ca: string): X509Certificate[] | undefined {
  const bundle = textOf(examination, host, ca);
  const parts = bundle === undefined ? undefined : splitBundle(bundle);
  return parts?.flatMap((part) => read(part) ?? []);
}

const endOf = ({ validTo }: X509Certificate): number => Date.parse(validTo);

const evidenceOf = (host: string, source: string, { validTo, issuer }: X509Certificate) => ({
  host,
  source,
  line: `notAfter=${validTo}, issuer ${issuer.replaceAll('\n', ', ')}`,
});

function endedOn(examination: Examination, host: string, layout: TlsPlace): Finding[] {
  const { view, now } = examination;
  const { path, ca, certificate, authority } = certificateOf(examination, host, layout) ?? {};
  if (path === undefined || certificate === undefined) return [];
  const isWithAuthority = authority !== undefined && endOf(authority) <= now;
  if (endOf(certificate) > now && !isWithAuthority) return [];
  const renew = isWithAuthority ? pgprov`certs renew ${view.inventory} --ca` : pgprov`certs renew ${view.inventory}`;
  return [
    {
      level: 'broken',
      host,
      what: isWithAuthority ? `the authority that signed ${path} has expired` : `the certificate ${path} has expired`,
      since: endOf(isWithAuthority ? authority : certificate),
      evidence: [isWithAuthority ? evidenceOf(host, ca ?? path, authority) : evidenceOf(host, path, certificate)],
      follows: `whoever checks it refuses the connection: ${isOfBackups(examination, host, layout) ? 'no WAL is archived and no backup is taken' : 'members of the store leave the quorum, one after the other'}`,
      mend: `${renew} makes ${isWithAuthority ? 'a new authority and new certificates' : 'new ones'} and brings them`,
      explains: REFUSED,
    },
  ];
}

/** Of certificates that are about to expire, and those of an authority that a host does not trust. */
function othersOn(examination: Examination, host: string, layout: TlsPlace): Finding[] {
  const { view, now } = examination;
  const { path, ca, certificate } = certificateOf(examination, host, layout) ?? {};
  if (path === undefined || ca === undefined || certificate === undefined) return [];
  const evidence = [evidenceOf(host, path, certificate)];
  const left = endOf(certificate) - now;
  const stranger = view.inventory.hosts.find(
    ({ name }) => authoritiesOn(examination, name, ca)?.every((authority) => !signs(authority, certificate)) === true,
  );
  if (stranger !== undefined)
    return [
      {
        level: 'broken',
        host,
        what: `the certificate ${path} is of an authority that ${stranger.name === host ? 'the host itself' : stranger.name} does not trust`,
        evidence: [...evidence, { host: stranger.name, source: ca, line: 'none of the authorities in it signed that certificate' }],
        follows: `${stranger.name} refuses connections with it`,
        mend: `${pgprov`apply ${view.inventory}`} writes the authorities and certificates that belong together`,
        explains: REFUSED,
      },
    ];
  if (left <= 0 || left >= SOON * DAY) return [];
  return [
    {
      level: 'danger',
      host,
      what: `the certificate ${path} expires in ${Math.floor(left / DAY)} days`,
      evidence,
      follows: 'from then on its connections are refused',
      mend: `${pgprov`certs renew ${view.inventory}`} makes new ones and brings them`,
    },
  ];
}

function isOfBackups({ view }: Examination, host: string, { tlsDirectory }: TlsPlace): boolean {
  return view.platform(host)?.pgbackrest.tlsDirectory === tlsDirectory;
}

function read(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function signs(authority: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.verify(authority.publicKey);
}
