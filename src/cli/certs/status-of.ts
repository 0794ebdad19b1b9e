import type { X509Certificate } from 'node:crypto';
import type { PgprovError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import type { View } from '../../plan/view.js';
import type { AuthorityStatus, CertificatesStatus, PlaceStatus, Validity } from '../../report/certificates.js';
import { Authority, issuedCertificates, type KnownAuthority } from '../../store/authority.js';
import type { IssuedCertificate } from '../../store/revocations.js';
import type { KeyPair } from '../../store/issue.js';
import { daysLeft, readCertificate, reasonToRenew } from '../../store/renewal.js';
import { certificatesDirectory } from '../../store/store.js';
import { goneCertificates, textSeen } from '../../operations/index.js';
import type { Role } from '../../plan/role.js';
import { certificatePlaces, identitiesOf, type CertificatePlace } from '../../plan/tls.js';

/** What the control machine has of a cluster's certificates. */
export interface KeptCertificates {
  authority: Authority;
  pairs: ReadonlyMap<string, KeyPair>;
  /** By host, which may be gone: what it has had and is good yet, as far as that is known. */
  issued: ReadonlyMap<string, readonly IssuedCertificate[]>;
}

/** Reads what the control machine has of the certificates of these places. */
export async function readKept(inventory: Inventory, places: readonly CertificatePlace[]): Promise<KeptCertificates> {
  const authority = await Authority.open(certificatesDirectory(inventory.dir, inventory.cluster), inventory);
  const names = [...new Set(places.map(({ host }) => host.name))];
  const pairs = await Promise.all(names.map(async (name): Promise<[string, KeyPair | undefined]> => [name, await authority.node(name)]));
  const issued = await issuedCertificates(authority);
  return { authority, issued, pairs: new Map(pairs.filter((entry): entry is [string, KeyPair] => entry[1] !== undefined)) };
}

/** What the status of a cluster's certificates is read from. */
export interface CertificateFacts {
  inventory: Inventory;
  /** Every role there is. */
  catalog: readonly Role[];
  kept: KeptCertificates;
  /** What was seen; undefined: no host answered. */
  view: View | undefined;
  errors: readonly PgprovError[];
  withinDays: number;
}

/** Puts side by side what is on the hosts and what is in the store. */
export function certificatesOf(facts: CertificateFacts): CertificatesStatus {
  const { inventory, catalog, kept, errors, withinDays } = facts;
  const { phase, known } = kept.authority;
  const reasons = errors.flatMap(({ host, message }) => (host === undefined ? [] : [{ host, reason: message }]));
  return {
    cluster: inventory.cluster,
    inventory: inventory.file,
    ...(phase === undefined ? {} : { rotation: phase }),
    withinDays,
    authorities: known.flatMap((authority) => authorityStatus(authority)),
    places: certificatePlaces(catalog, inventory).map((place) => placeStatus(place, facts)),
    gone: goneCertificates(inventory, { revoked: kept.authority.revocations.revoked, issued: kept.issued }, facts.view),
    unreachable: reasons,
  };
}

function authorityStatus({ generation, certificate: pem, issuing, trusted }: KnownAuthority): AuthorityStatus[] {
  const certificate = readCertificate(pem);
  if (certificate === undefined || !(trusted || issuing)) return [];
  return [{ generation, subject: nameOf(certificate), issuing, fingerprint: certificate.fingerprint256, ...validityOf(certificate) }];
}

function placeStatus(place: CertificatePlace, { inventory, catalog, kept, view, withinDays }: CertificateFacts): PlaceStatus {
  const { authority, pairs } = kept;
  const { role: service, tls } = place;
  const host = place.host.name;
  const { given } = tls;
  const pair = given === undefined ? pairs.get(host) : { certificate: given.certificate, key: given.key.reveal() };
  const text = textSeen(view, place, 'certificate');
  const certificate = readCertificate(text ?? pair?.certificate ?? '');
  const bundle = textSeen(view, place, 'ca');
  const platform = view?.platform(host);
  const loaded = view === undefined || text === undefined ? undefined : tls.inUse?.(view, place.host, certificate?.fingerprint256);
  const identity = identitiesOf(catalog, inventory).find(({ name }) => name === host);
  const issuer = readCertificate(authority.certificate ?? '');
  const due =
    given !== undefined || pair === undefined || identity === undefined || issuer === undefined
      ? undefined
      : reasonToRenew(pair, issuer, identity, withinDays);
  return {
    host,
    service,
    seen: text !== undefined,
    ...(certificate === undefined
      ? { names: [] }
      : {
          subject: nameOf(certificate),
          names: namesOf(certificate),
          fingerprint: certificate.fingerprint256,
          ...validityOf(certificate),
          ...signedBy(certificate, authority.known),
        }),
    ...(given === undefined ? {} : { given: true as const }),
    onHost: compared(text, pair?.certificate, given === undefined ? 'in the store' : 'given'),
    authorities: compared(bundle, tls.authorities ?? authority.bundle, tls.authorities === undefined ? 'in the store' : 'given'),
    ...(loaded === undefined ? {} : { loaded }),
    ...(platform !== undefined && tls.copies(platform).readAnew === true ? { readAnew: true as const } : {}),
    ...(due === undefined ? {} : { due }),
  };
}

function compared(seen: string | undefined, kept: string | undefined, source: 'in the store' | 'given'): PlaceStatus['onHost'] {
  if (seen === undefined) return 'not asked';
  if (seen === '') return 'missing';
  return seen === kept ? `as ${source}` : `not as ${source}`;
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
  return subjectAltName
    .split(', ')
    .map((entry) => entry.slice(entry.indexOf(':') + 1))
    .map((name) => (name === '0:0:0:0:0:0:0:1' ? '::1' : name));
}
