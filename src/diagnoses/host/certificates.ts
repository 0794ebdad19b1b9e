import { X509Certificate } from 'node:crypto';
import { defineDiagnosis, fileHandle, pgprov, splitBundle, type Examination, type Finding, type ServiceLayout } from '../../index.js';
import { tlsFiles } from '../../../roles/shared/layout.js';
import { serviceLayouts } from '../shared/layouts.js';

const DAY = 86_400_000;

/** With fewer days left it is a danger; `apply` makes new ones much earlier. */
const SOON = 14;

/** Certificates of the services: expired, about to be, or of an authority that others do not know. */
export default defineDiagnosis({
  name: 'certificates',
  looksAt: 'certificates and who signed them',
  find: (examination) =>
    examination.view.inventory.hosts.flatMap(({ name }) => {
      const platform = examination.view.platform(name);
      return platform === undefined ? [] : serviceLayouts(platform).flatMap((layout) => findingsOf(examination, name, layout));
    }),
});

function textOf({ view }: Examination, host: string, path: string): string | undefined {
  const state = view.read(host, fileHandle(path));
  return state?.type === 'file' ? state.content.toString('utf8') : undefined;
}

function findingsOf(examination: Examination, host: string, layout: ServiceLayout): Finding[] {
  const { view, now } = examination;
  const { certificate: path, ca } = tlsFiles(layout);
  const own = textOf(examination, host, path);
  const certificate = own === undefined ? undefined : read(own);
  if (certificate === undefined) return [];
  const end = Date.parse(certificate.validTo);
  const evidence = [{ host, source: path, line: `notAfter=${certificate.validTo}, issuer ${certificate.issuer.replaceAll('\n', ', ')}` }];
  const explains = ['store-member-down', 'store-handshakes', 'member-down'];
  const renew = pgprov`certs renew ${view.inventory}`;
  const stranger = view.inventory.hosts.find(({ name }) => {
    const bundle = textOf(examination, name, ca);
    const authorities = bundle === undefined ? undefined : splitBundle(bundle)?.map(read);
    return authorities !== undefined && !authorities.some((authority) => authority !== undefined && signs(authority, certificate));
  });
  return [
    ...(end <= now
      ? [
          {
            level: 'broken' as const,
            host,
            what: `the certificate ${path} has expired`,
            since: end,
            evidence,
            follows: `whoever checks it refuses the connection: ${isOfBackups(examination, host, layout) ? 'no WAL is archived and no backup is taken' : 'members of the store leave the quorum, one after the other'}`,
            mend: `${renew} makes new ones and brings them`,
            explains,
          },
        ]
      : stranger === undefined && end - now < SOON * DAY
        ? [
            {
              level: 'danger' as const,
              host,
              what: `the certificate ${path} expires in ${Math.floor((end - now) / DAY)} days`,
              evidence,
              follows: 'from then on its connections are refused',
              mend: `${renew} makes new ones and brings them`,
            },
          ]
        : []),
    ...(stranger === undefined
      ? []
      : [
          {
            level: 'broken' as const,
            host,
            what: `the certificate ${path} is of an authority that ${stranger.name === host ? 'the host itself' : stranger.name} does not trust`,
            evidence: [...evidence, { host: stranger.name, source: ca, line: 'none of the authorities in it signed that certificate' }],
            follows: `${stranger.name} refuses connections with it`,
            mend: `${pgprov`apply ${view.inventory}`} writes the authorities and certificates that belong together`,
            explains,
          },
        ]),
  ];
}

function isOfBackups({ view }: Examination, host: string, { tlsDirectory }: ServiceLayout): boolean {
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
