import { pgprov } from '../lib/pgprov-command.js';
import { refusedWords, withRefusal, type Hindered } from './apply-refused.js';

/** A cluster's certificates as they were found, for `pgprov certs status`, and what keeps commands that would change them from that. */
export interface CertificatesStatus extends Hindered {
  cluster: string;
  /** The inventory's file, for the commands that messages advise. */
  inventory: string;
  /** The phase of the authority's rotation that is under way. */
  rotation?: 'trust' | 'issue' | 'drop';
  /** Certificates with fewer days left are pointed out. */
  withinDays: number;
  authorities: readonly AuthorityStatus[];
  places: readonly PlaceStatus[];
  /** Of hosts that were taken out, and of their former machines. */
  gone: readonly GoneStatus[];
  /** Hosts that could not be asked, and why; of them the store's certificates are shown. */
  unreachable: readonly { host: string; reason: string }[];
}

/** A certificate of a host that was taken out. */
export interface GoneStatus {
  host: string;
  /** Hexadecimal, in upper case. */
  serial: string;
  /** Until when it is good, ISO 8601. */
  until: string;
  /** Since when it is revoked; absent: it is not. */
  since?: string;
  /** The inventory has the host, as one that is absent; absent here: it has it no more. */
  absent?: true;
  /** Hosts that accept it, as far as was seen. */
  acceptedBy: readonly string[];
  /** Of one that is not revoked here: hosts that refuse it, so it was revoked elsewhere. */
  refusedBy: readonly string[];
}

/** How long something lasts. */
export interface Validity {
  /** ISO 8601. */
  notAfter: string;
  /** Whole days until then; negative: expired. */
  daysLeft: number;
}

/** A certificate authority that counts. */
export interface AuthorityStatus extends Validity {
  /** 1 for the cluster's first, 2 for the one that its first rotation made. */
  generation: number;
  subject: string;
  /** It signs new certificates. */
  issuing: boolean;
  /** SHA-256 of the certificate, upper-case and with colons. */
  fingerprint: string;
}

/** How a file on a host is beside what it is to be: as the store has it, or the inventory gives it. */
export type Compared = 'as in the store' | 'as given' | 'not as in the store' | 'not as given' | 'missing' | 'not asked';

/** The certificate that a service has on a host. */
export interface PlaceStatus extends Partial<Validity> {
  host: string;
  /** The role whose service it is. */
  service: string;
  /** False: the host was not asked, and this is the certificate in the store. */
  seen: boolean;
  subject?: string;
  /** DNS names and addresses. */
  names: readonly string[];
  /** Generation of the authority that signed it; absent: none that this cluster has or had. */
  authority?: number;
  /** The inventory gives it: it is not pgprov's to renew, and of no authority of the cluster. */
  given?: true;
  /** The file on the host beside the one in the store, or the one that the inventory gives. */
  onHost: Compared;
  /** Whether the host has exactly the authorities of the store, or those that the inventory gives. */
  authorities: Compared;
  /** Whether the running service uses the files; absent where it does not run, or is not known. */
  loaded?: boolean;
  /** The service reads its files for every connection. */
  readAnew?: true;
  fingerprint?: string;
  /** Why the next `apply` or `certs renew` makes it anew. */
  due?: string;
}

/** Everything that ends within the days asked for, each in one clause. */
export function expiringOf({ authorities, places, withinDays }: CertificatesStatus): string[] {
  return [
    ...authorities
      .filter(({ daysLeft }) => daysLeft < withinDays)
      .map(({ generation, daysLeft }) => `the certificate authority${generation === 1 ? '' : ` ${generation}`} ${ending(daysLeft)}`),
    ...places.flatMap(({ host, service, daysLeft }) =>
      daysLeft === undefined || daysLeft >= withinDays ? [] : [`${host}: the certificate of ${service} ${ending(daysLeft)}`],
    ),
  ];
}

/** Everything else that is not as it should be, each in one clause. */
export function certificateProblemsOf({ places, gone }: CertificatesStatus): string[] {
  return [...places.flatMap((place) => problemsAt(place).map((problem) => `${place.host}: ${problem}`)), ...acceptedYet(gone)];
}

/** What is revoked, and accepted all the same. */
function acceptedYet(gone: CertificatesStatus['gone']): string[] {
  return gone.flatMap(({ host, since, acceptedBy }) =>
    since === undefined || acceptedBy.length === 0
      ? []
      : [`${acceptedBy.join(', ')}: the list of revoked certificates there lacks one of ${host}, which is so accepted`],
  );
}

/**
 * Where hosts have other certificates or authorities than they were brought, or use others, each in one clause with what ends it, as
 * `pgprov status` tells it. What was never brought is no more than a difference from the inventory, and so is what a rotation has not brought yet.
 * @param isTold whether the service on a host says itself already that it uses others
 */
export function foreignCertificatesOf(
  { inventory, places, rotation }: CertificatesStatus,
  isTold: (place: PlaceStatus) => boolean = () => false,
): string[] {
  if (rotation !== undefined) return [];
  return places.flatMap((place) => {
    if (place.onHost === 'missing' && place.authorities === 'missing') return [];
    const { host, given, loaded } = place;
    const problems = problemsAt({ ...place, given: true, ...(loaded === false && isTold(place) ? { loaded: true } : {}) });
    const brings = `${pgprov`apply ${inventory}`} brings what ${given === true ? 'the inventory gives' : 'the store has'}`;
    return problems.map((problem) => `${host}: ${problem}\n${brings}`);
  });
}

/** What a person should do, each in one sentence; empty when all is well. */
export function adviceOf(status: CertificatesStatus): string[] {
  const { inventory, authorities, places, gone, rotation, withinDays, unreachable } = status;
  const authorityEnds = authorities.some(({ issuing, daysLeft }) => issuing && daysLeft < withinDays);
  const ends = ({ daysLeft }: PlaceStatus): boolean => daysLeft !== undefined && daysLeft < withinDays;
  const nodesEnd = places.some((place) => place.due !== undefined || (place.given !== true && ends(place)));
  const givenEnd = places.filter((place) => place.given === true && ends(place));
  const differs = certificateProblemsOf(status).length > 0;
  const apply = pgprov`apply ${inventory}`;
  const kept = places.some(({ given }) => given === true) ? 'the store has and the inventory gives' : 'the store has';
  const refused = refusedWords(status);
  return [
    ...(rotation === undefined ? [] : [`The authority is being rotated: ${pgprov`certs renew ${inventory} --ca`} continues it`]),
    ...(authorityEnds && rotation === undefined
      ? [`Rotate the authority with ${pgprov`certs renew ${inventory} --ca`}; it renews the certificates of the hosts as well`]
      : []),
    ...(nodesEnd && !authorityEnds && rotation === undefined
      ? [`Renew certificates with ${pgprov`certs renew ${inventory} ${withinDays > 30 ? ['--within', String(withinDays)] : []}`}`]
      : []),
    ...givenEnd.map(
      ({ host, service }) =>
        `${host}: the inventory gives the certificate of ${service}, so pgprov does not renew it: have another one signed, give it in its place, then run ${apply}`,
    ),
    ...(differs && rotation === undefined && !authorityEnds
      ? [refused === undefined ? `Bring the hosts what ${kept} with ${apply}` : `What ${kept} is brought to the hosts by ${apply}`]
      : []),
    ...[...new Set(gone.flatMap((each) => goneAdvice(status, each)))],
    ...(unreachable.length === 0
      ? []
      : [
          `For ${unreachable.map(({ host }) => host).join(', ')} only what is in the store is known; run this again when every host can be reached`,
        ]),
  ].map((advice) => `${withRefusal(advice, status, status.unfinished === undefined ? ['apply'] : CHANGING)}.`);
}

/** What is advised here and refused while an operation is not finished. */
const CHANGING: readonly string[] = ['apply', 'certs renew', 'remove'];

/** What to do about a certificate of a host that is gone, which is not revoked here. */
function goneAdvice({ cluster, inventory }: CertificatesStatus, { host, since, absent, refusedBy }: GoneStatus): string[] {
  if (since !== undefined) return [];
  const who = `${host} is ${absent === true ? 'absent' : 'not'} in the inventory`;
  if (refusedBy.length > 0)
    return [
      `${who}, and ${refusedBy.join(', ')} ${refusedBy.length === 1 ? 'refuses' : 'refuse'} a certificate that it has had and that is not revoked here: the directory .pgprov/${cluster}/ is older than its removal; bring the one from where it was taken out`,
    ];
  return [
    `${who}, and a certificate that it has had is accepted: if it was taken out, ${pgprov`remove ${inventory} --host ${host}`} revokes it`,
  ];
}

function problemsAt({ service, onHost, authorities, loaded, authority, seen, given }: PlaceStatus): string[] {
  return [
    ...(onHost === 'missing' ? [`${service} has no certificate`] : []),
    ...(onHost === 'not as in the store' ? [`the certificate of ${service} is not the one in the store`] : []),
    ...(onHost === 'not as given' ? [`the certificate of ${service} is not the one that the inventory gives`] : []),
    ...(authorities === 'not as given' ? [`the authorities that ${service} trusts are not those that the inventory gives`] : []),
    ...(authorities === 'missing' || authorities === 'not as in the store'
      ? [`the authorities that ${service} trusts are not those in the store`]
      : []),
    ...(seen && given !== true && authority === undefined && onHost !== 'missing'
      ? [`no authority of this cluster signed the certificate of ${service}`]
      : []),
    ...(loaded === false ? [`${service} does not use its present files yet`] : []),
  ];
}

function ending(daysLeft: number): string {
  return daysLeft < 0 ? 'has expired' : `expires in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'}`;
}
