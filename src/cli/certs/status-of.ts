import { X509Certificate } from 'node:crypto';
import type { PgprovError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import type { View } from '../../plan/view.js';
import type { AuthorityStatus, CertificatesStatus, PlaceStatus, Validity } from '../../report/certificates.js';
import { addressOf, TLS_HANDSHAKES, type TlsHandshakesState } from '../../resources/tls-handshakes.js';
import type { Authority, KnownAuthority } from '../../store/authority.js';
import type { KeyPair } from '../../store/issue.js';
import { daysLeft, readCertificate, reasonToRenew } from '../../store/renewal.js';
import { identitiesOf } from '../../engine/context.js';
import { placesOf, textSeen, type CertificatePlace } from './places.js';

/** What the control machine has of a cluster's certificates. */
export interface Kept {
  authority: Authority;
  pairs: ReadonlyMap<string, KeyPair>;
}

/** Puts side by side what is on the hosts and what is in the store. */
export function certificatesOf(inventory: Inventory, kept: Kept, view: View | undefined, errors: readonly PgprovError[], withinDays: number): CertificatesStatus {
  const { phase, known } = kept.authority;
  const reasons = errors.flatMap(({ host, message }) => (host === undefined ? [] : [{ host, reason: message }]));
  return {
    cluster: inventory.cluster,
    ...(phase === undefined ? {} : { rotation: phase }),
    withinDays,
    authorities: known.flatMap((authority) => authorityStatus(authority)),
    places: placesOf(inventory).map((place) => placeStatus(inventory, place, kept, view, withinDays)),
    unreachable: reasons,
  };
}

function authorityStatus({ generation, certificate: pem, issuing, trusted }: KnownAuthority): AuthorityStatus[] {
  const certificate = readCertificate(pem);
  if (certificate === undefined || !(trusted || issuing)) return [];
  return [{ generation, subject: nameOf(certificate), issuing, fingerprint: certificate.fingerprint256, ...validityOf(certificate) }];
}

function placeStatus(inventory: Inventory, place: CertificatePlace, { authority, pairs }: Kept, view: View | undefined, withinDays: number): PlaceStatus {
  const { host: { name: host }, service } = place;
  const pair = pairs.get(host);
  const text = textSeen(view, place, 'certificate');
  const certificate = readCertificate(text ?? pair?.certificate ?? '');
  const bundle = textSeen(view, place, 'ca');
  const loaded = service === 'etcd' && text !== undefined ? usesItsFiles(inventory, view, host, certificate) : undefined;
  const identity = identitiesOf(inventory).find(({ name }) => name === host);
  const issuer = readCertificate(authority.certificate ?? '');
  const due = pair === undefined || identity === undefined || issuer === undefined ? undefined : reasonToRenew(pair, issuer, identity, withinDays);
  return {
    host,
    service,
    seen: text !== undefined,
    ...(certificate === undefined ? { names: [] } : { subject: nameOf(certificate), names: namesOf(certificate), fingerprint: certificate.fingerprint256, ...validityOf(certificate), ...signedBy(certificate, authority.known) }),
    onHost: compared(text, pair?.certificate),
    authorities: compared(bundle, authority.bundle),
    ...(loaded === undefined ? {} : { loaded }),
    ...(due === undefined ? {} : { due }),
  };
}

/** The certificate that the host's member presents is the one in its file, and it began after its authorities were written. */
function usesItsFiles(inventory: Inventory, view: View | undefined, host: string, certificate: X509Certificate | undefined): boolean | undefined {
  const read = (name: string): TlsHandshakesState | undefined => view?.read<TlsHandshakesState>(name, TLS_HANDSHAKES);
  const address = inventory.hosts.find(({ name }) => name === host)?.clusterAddress ?? '';
  const own = inventory.hosts
    .flatMap(({ name }) => read(name)?.handshakes ?? [])
    .filter(({ listener }) => addressOf(listener) === address);
  const presented = new Set(own.flatMap(({ presented: seen }) => seen ?? []));
  const authorityLoaded = read(host)?.authorityLoaded;
  if (authorityLoaded === undefined || presented.size === 0) return undefined;
  return authorityLoaded && [...presented].every((fingerprint) => fingerprint === certificate?.fingerprint256);
}

function compared(seen: string | undefined, kept: string | undefined): PlaceStatus['onHost'] {
  if (seen === undefined) return 'not asked';
  if (seen === '') return 'missing';
  return seen === kept ? 'as in the store' : 'not as in the store';
}

function signedBy(certificate: X509Certificate, known: readonly KnownAuthority[]): { authority?: number } {
  const signer = known.find(({ certificate: pem }) => {
    const authority = readCertificate(pem);
    return authority !== undefined && certificate.verify(authority.publicKey);
  });
  return signer === undefined ? {} : { authority: signer.generation };
}

function validityOf(certificate: X509Certificate): Validity {
  return { notAfter: new Date(certificate.validTo).toISOString(), daysLeft: daysLeft(certificate) };
}

function nameOf({ subject }: X509Certificate): string {
  return /^CN=(?<name>.*)$/mu.exec(subject)?.groups?.['name'] ?? subject;
}

function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName.split(', ').map((entry) => entry.slice(entry.indexOf(':') + 1)).map((name) => (name === '0:0:0:0:0:0:0:1' ? '::1' : name));
}
