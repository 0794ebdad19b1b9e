import {
  certificatesIn,
  endOfGiven,
  enumerate,
  fileHandle,
  givenProblems,
  namesMissing,
  pemOf,
  pgprov,
  Secret,
  subjectOf,
  type CheckResult,
  type GivenTexts,
  type Host,
  type Objection,
  type TlsIdentity,
  type VariableProblem,
  type View,
} from '../../src/index.js';
import { variables } from './variables.js';

/** The roles whose certificate the inventory may give, and what their service is called. */
const SERVICES = { postgresql: 'PostgreSQL', pgbouncer: 'PgBouncer' } as const;

/** One of these roles. */
export type GivenRole = keyof typeof SERVICES;

const PARTS = ['certificate', 'key', 'ca'] as const;

const DAY = 86_400_000;

/** With fewer days left a given certificate is pointed out: somebody has to ask for another one. */
export const GIVEN_ENDS_SOON = 30;

/** Whether the role's service offers TLS on a host. */
function offersTls(host: Host, role: GivenRole): boolean {
  return role === 'postgresql' ? variables(host, role).tls : variables(host, role).tls !== 'off';
}

function given(host: Host, role: GivenRole): Record<keyof GivenTexts, Secret | undefined> {
  const { tls_certificate: certificate, tls_key: key, tls_ca: ca } = variables(host, role);
  return { certificate, key, ca };
}

/** The texts; undefined where none are given, or they were not fetched. */
function textsOf(host: Host, role: GivenRole): GivenTexts | undefined {
  const { certificate, key, ca } = given(host, role);
  if (certificate?.isHere !== true || key?.isHere !== true || ca?.isHere !== true) return undefined;
  return { certificate: certificate.reveal(), key: key.reveal(), ca: ca.reveal() };
}

/** Whether the inventory gives a host's service its certificate, wherever that is kept. */
export function isGiven(host: Host, role: GivenRole): boolean {
  return offersTls(host, role) && given(host, role).certificate !== undefined;
}

/** What takes the place of the host's own pair and of the cluster's authorities; nothing where the inventory gives no certificate. */
export function givenIdentity(host: Host, role: GivenRole): Pick<TlsIdentity, 'given' | 'authorities'> {
  const texts = offersTls(host, role) ? textsOf(host, role) : undefined;
  if (texts === undefined) return {};
  const key = new Secret(`${texts.key.replaceAll('\r', '').trim()}\n`);
  return { given: { certificate: pemOf(texts.certificate), key }, authorities: pemOf(texts.ca) };
}

/** The authorities of all hosts whose certificate is given, each once; undefined where none is. */
export function givenAuthorities(hosts: readonly Host[], role: GivenRole): string | undefined {
  const found = hosts.flatMap((host) => givenIdentity(host, role).authorities ?? []);
  const each = found.flatMap((pem) => pem.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/gu) ?? []);
  return each.length === 0 ? undefined : [...new Set(each)].join('');
}

/** Names of these under which clients cannot check a host's given certificate. Undefined: none is given, or it was not fetched. */
export function namesNotGiven(host: Host, role: GivenRole, names: readonly string[]): string[] | undefined {
  const [own] = certificatesIn((offersTls(host, role) ? textsOf(host, role) : undefined)?.certificate ?? '');
  return own === undefined ? undefined : namesMissing(own, names);
}

/**
 * What keeps given certificates from working, whatever hosts answer.
 * @param hosts those with the role
 */
export function givenTlsProblems(hosts: readonly Host[], role: GivenRole): VariableProblem[] {
  const missing = hosts.flatMap((host) => incomplete(host, role));
  if (missing.length > 0) return missing;
  const offering = hosts.filter((host) => offersTls(host, role));
  const without = offering.filter((host) => !isGiven(host, role));
  const first = offering.find((host) => isGiven(host, role));
  if (first !== undefined && without.length > 0) return [notForAll(first, role, without)];
  return hosts.flatMap((host) => {
    const texts = textsOf(host, role);
    if (texts === undefined) return [];
    const found = givenProblems(texts).map(({ part, ...said }): VariableProblem => ({ host, path: `${role}.tls_${part}`, ...said }));
    return found.length > 0 ? found : unnamed(host, role, texts);
  });
}

function incomplete(host: Host, role: GivenRole): VariableProblem[] {
  const texts = given(host, role);
  const present = PARTS.find((part) => texts[part] !== undefined);
  const absent = PARTS.filter((part) => texts[part] === undefined);
  if (present === undefined || absent.length === 0) return [];
  return [
    {
      host,
      path: `${role}.tls_${present}`,
      message: `is given without ${enumerate(absent.map((part) => `tls_${part}`))}`,
      hint: 'a certificate of your own takes all of tls_certificate, tls_key and tls_ca',
    },
  ];
}

function notForAll(host: Host, role: GivenRole, without: readonly Host[]): VariableProblem {
  return {
    host,
    path: `${role}.tls_certificate`,
    message: `is given for ${host.name}, and not for ${enumerate(without.map(({ name }) => name))}: clients would need two authorities`,
    hint: 'give every host with the role its certificate, key and authority, under `hosts` or `groups`; or none',
  };
}

function unnamed(host: Host, role: GivenRole, { certificate }: GivenTexts): VariableProblem[] {
  const [own] = certificatesIn(certificate);
  const missing = own === undefined ? [] : namesMissing(own, variables(host, role).tls_names);
  if (missing.length === 0) return [];
  return [
    {
      host,
      path: `${role}.tls_certificate`,
      message: `is not for ${enumerate(missing)}, which tls_names has`,
      hint: 'have one signed that names them, or take them out of tls_names',
    },
  ];
}

/**
 * What works, and clients may stumble over.
 * @param hosts those with the role
 * @param addresses by which clients get to a host's service
 */
export function givenTlsWarnings(hosts: readonly Host[], role: GivenRole, addresses: (host: Host) => readonly string[]): VariableProblem[] {
  return hosts.flatMap((host): VariableProblem[] => {
    const at = { host, path: `${role}.tls_certificate` };
    const texts = textsOf(host, role);
    if (!offersTls(host, role)) {
      if (given(host, role).certificate === undefined) return [];
      return [
        { ...at, message: `has no effect: ${role}.tls is ${role === 'postgresql' ? 'false' : 'off'}`, hint: `give ${role}.tls as well` },
      ];
    }
    if (texts === undefined) return [];
    const missing = namesNotGiven(host, role, addresses(host)) ?? [];
    const ends = ending(texts);
    return [
      ...(missing.length === 0
        ? []
        : [
            {
              ...at,
              message: `is not for ${enumerate(missing)}, so clients that connect there can check who signed it, and not its name (sslmode=verify-ca)`,
              hint: 'have one signed that names the address too, or have clients connect by a name that it has',
            },
          ]),
      ...(ends === undefined ? [] : [{ ...at, message: ends, hint: ANOTHER }]),
    ];
  });
}

const ANOTHER = 'pgprov does not renew it: have another one signed, give it in its place, and run `apply`';

/** Words for a chain that has ended or is about to; undefined where it lasts. */
function ending(texts: GivenTexts): string | undefined {
  const { end, isOwn, subject } = endOfGiven(texts) ?? { end: Infinity, isOwn: true, subject: '' };
  const left = Math.floor((end - Date.now()) / DAY);
  if (left >= GIVEN_ENDS_SOON) return undefined;
  const whose = isOwn ? '' : `is signed by ${subject}, which `;
  return `${whose}${end <= Date.now() ? `has expired, on ${new Date(end).toISOString().slice(0, 10)}` : `expires in ${left} ${left === 1 ? 'day' : 'days'}`}`;
}

/** None that clients would refuse takes the place of what a host has. */
export function guardGiven(view: View, role: GivenRole, identityOf: (host: Host) => TlsIdentity | undefined): Objection[] {
  return view.hosts(role).flatMap((host): Objection[] => {
    const [texts, platform, identity] = [textsOf(host, role), view.platform(host.name), identityOf(host)];
    if (texts === undefined || platform === undefined || identity?.given === undefined) return [];
    const { end, isOwn, subject } = endOfGiven(texts) ?? { end: Infinity, isOwn: true, subject: '' };
    if (end > Date.now()) return [];
    const state = view.read(host.name, fileHandle(identity.copies(platform).certificate));
    if (state?.type === 'file' && state.content.toString('utf8') === identity.given.certificate) return [];
    const whose = isOwn
      ? `${SERVICES[role]}’s certificate that the inventory gives`
      : `${subject}, which signed ${SERVICES[role]}’s given certificate,`;
    return [
      {
        kind: 'refuse',
        host: host.name,
        message: `${host.name}: ${whose} has expired (${new Date(end).toISOString().slice(0, 10)}), so that clients would refuse it`,
        hint: `nothing was changed; have another one signed, give it as ${role}.tls_certificate, and run ${pgprov`apply ${view.inventory}`} again`,
      },
    ];
  });
}

/** That what clients are presented has not expired; nothing where the inventory gives no certificate. */
export function givenCheck(host: Host, role: GivenRole): CheckResult[] {
  const texts = offersTls(host, role) ? textsOf(host, role) : undefined;
  if (texts === undefined) return [];
  const [own] = certificatesIn(texts.certificate);
  const { end, isOwn, subject } = endOfGiven(texts) ?? { end: Infinity, isOwn: true, subject: '' };
  const day = end === Infinity ? '' : new Date(end).toISOString().slice(0, 10);
  const ok = end > Date.now();
  const whose = isOwn || own === undefined ? 'it' : `${subject}, in the chain of ${subjectOf(own)},`;
  return [
    {
      title: `${SERVICES[role]}’s given certificate is valid`,
      ok,
      detail: ok ? `until ${day}` : `${whose} has expired on ${day}; ${ANOTHER}`,
      host: host.name,
    },
  ];
}
