import {
  addressesOf,
  certificatePlaces,
  daysLeft,
  enumerate,
  issuedBy,
  pgprov,
  readCertificate,
  type CheckResult,
  type Host,
  type IssuedCertificate,
  type LeftOver,
  type OperationObjection,
  type OperationStep,
  type Resource,
  type RoleContext,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { textSeen } from '../certificates-seen.js';
import type { LeavingRun as Run } from './options.js';
import { isInPlace, leavingHost, nameOf, stayingHosts, stayingInStore } from './seen.js';

/** What a run needs to tell which certificates are meant. */
type Given = Pick<Run, 'catalog' | 'inventory' | 'kept' | 'options' | 'view'>;

/** The certificates of a host by its name, as this machine knows them and as the host shows them; none of it where a new machine has the name. */
function certificatesOf({ kept, ...run }: Given): IssuedCertificate[] {
  const known = kept.authority.issued.get(nameOf(run)) ?? [];
  const host = leavingHost(run);
  const seen = host === undefined || isInPlace(run) ? [] : seenOn(run, host);
  return [...known, ...seen.filter(({ serial }) => known.every((each) => each.serial !== serial))];
}

/** The certificates of the cluster's authority that a host was seen to have. */
function seenOn({ catalog, view }: Pick<Given, 'catalog' | 'view'>, host: Host): IssuedCertificate[] {
  const places = certificatePlaces(catalog, { hosts: [host] }).filter(({ tls }) => tls.given === undefined);
  const all = places.flatMap((place) => readCertificate(textSeen(view, place, 'certificate') ?? '') ?? []).map(issuedBy);
  return all.filter(({ serial }, index) => all.findIndex((each) => each.serial === serial) === index);
}

/** The serials that are to be accepted no more, for `choose`: a new machine of the name gets a certificate of its own meanwhile. */
export function serialsOf(run: Given): string {
  return certificatesOf(run)
    .map(({ serial }) => serial)
    .join(' ');
}

/**
 * What was chosen, and what it shows where it has come back since, which nobody here may have known; an operation that an earlier pgprov began has
 * chosen none.
 */
function chosenSerials(run: Given): string[] {
  const { serials = isInPlace(run) ? '' : serialsOf(run) } = run.options;
  const host = leavingHost(run);
  const shown = host === undefined || isInPlace(run) ? [] : seenOn(run, host).map(({ serial }) => serial);
  return [...new Set([...serials.split(' '), ...shown])].filter((serial) => serial !== '');
}

function isRevoked({ kept }: Pick<Given, 'kept'>, serial: string): boolean {
  return kept.authority.revoked.some((each) => each.serial === serial);
}

/** Whether a host that the inventory wants no more has a certificate that is accepted. */
export function isAccepted(run: Given): boolean {
  return dcsOf(run.inventory).refusing !== undefined && certificatesOf(run).some(({ serial }) => !isRevoked(run, serial));
}

/** What keeps its certificates from being refused, or would shut out who stays. */
export function fenceObjections(run: Given): OperationObjection[] {
  const { kept, inventory } = run;
  const wanted = chosenSerials(run).filter((serial) => !isRevoked(run, serial));
  if (wanted.length === 0 || dcsOf(inventory).refusing === undefined) return [];
  const name = nameOf(run);
  const { certificate, signs } = kept.authority;
  const authority = readCertificate(certificate ?? '');
  const where = `.pgprov/${inventory.cluster}/pki/`;
  if (!signs)
    return [
      {
        kind: 'preflight',
        message: `the certificate of ${name} could not be revoked: the key of the cluster’s authority is not in ${where} beside the inventory`,
        hint: `nothing was changed; bring that directory from where the cluster was first provisioned, or make a new authority with ${pgprov`certs renew ${inventory} --ca`}`,
      },
    ];
  if (authority !== undefined && daysLeft(authority) < 0)
    return [
      {
        kind: 'preflight',
        message: `the certificate of ${name} could not be revoked: the cluster’s certificate authority has expired`,
        hint: `nothing was changed; make a new one with ${pgprov`certs renew ${inventory} --ca`} first`,
      },
    ];
  const sharing = stayingHosts(run).filter((host) => presentedBy(run, host).some((serial) => wanted.includes(serial)));
  if (sharing.length === 0) return [];
  const names = sharing.map((host) => host.name);
  return [
    {
      kind: 'refuse',
      message: `${enumerate(names)} ${names.length === 1 ? 'has' : 'have'} a certificate that ${name} has had, and would be shut out with it`,
      hint: `nothing was changed; give ${names.length === 1 ? 'it one' : 'them some'} of ${names.length === 1 ? 'its' : 'their'} own first: ${pgprov`certs renew ${inventory} --all ${names.flatMap((each) => ['--host', each])}`}`,
    },
  ];
}

/** The serials that a host which stays presents, or is about to. */
function presentedBy(run: Given, host: Host): string[] {
  const present = run.kept.authority.issued.get(host.name)?.at(-1);
  return [...seenOn(run, host).map(({ serial }) => serial), ...(present === undefined ? [] : [present.serial])];
}

/** The store learns that they are accepted no more; the others are brought the list with all else. */
export function revoke(run: Run): OperationStep[] {
  const name = nameOf(run);
  const { name: store, refusing } = dcsOf(run.inventory);
  const wanted = chosenSerials(run).filter((serial) => !isRevoked(run, serial));
  if (refusing === undefined || wanted.length === 0) return [];
  const known = certificatesOf(run);
  const certificates = wanted.flatMap((serial) => known.find((each) => each.serial === serial) ?? []);
  if (certificates.length === 0) return [];
  return [
    {
      id: 'revoke',
      title: `revoke the ${certificates.length === 1 ? 'certificate' : `${certificates.length} certificates`} of ${name}, so that ${store} of the others refuses it`,
      atDesk: ({ store: kept }) => kept.certificates.authority.revoke(name, certificates),
    },
  ];
}

/**
 * Who stays in the store gets the list before anybody joins: each member that got it is proved by the next one, and who is yet to join has none to
 * ask.
 */
export function bringList(run: Run): OperationStep[] {
  const { inventory, options, view, done } = run;
  const { by } = options;
  const { name: store, role, refusing } = dcsOf(inventory);
  const serials = chosenSerials(run);
  if (refusing === undefined || by === undefined || serials.length === 0 || done.has('list')) return [];
  const members = stayingInStore(run).map((host) => host.name);
  const lacks = (member: string): boolean => {
    const listed = refusing.listed(view, member);
    return serials.some((serial) => listed?.includes(serial) !== true);
  };
  if (!members.some(lacks)) return [];
  return [
    {
      id: 'list',
      title: `have ${store} on ${enumerate(members)} go by the list of revoked certificates`,
      changes: members,
      converge: { roles: [role], without: [...new Set([nameOf(run), by])], answersFor: members, leavesAbsent: true },
    },
  ];
}

/** Each member of the store is asked whether it refuses them; what was connected before is cut. */
export function fence(run: Run): OperationStep[] {
  const { inventory, done } = run;
  const name = nameOf(run);
  const { name: store, role, refusing } = dcsOf(inventory);
  const serials = chosenSerials(run);
  if (refusing === undefined || serials.length === 0 || done.has('fence')) return [];
  const on = hostsWith(inventory, role)
    .map((host) => host.name)
    .filter((each) => each !== name || isInPlace(run));
  const present = inventory.hosts
    .filter((host) => host.name !== name || isInPlace(run))
    .flatMap((host) => [host.address, host.clusterAddress]);
  const former = ({ credentials }: RoleContext): RoleContext['credentials']['revoked'] =>
    credentials.revoked.filter(({ serial }) => serials.includes(serial));
  return [
    {
      id: 'fence',
      title: `see that ${store} on ${enumerate(on)} refuses ${name}`,
      on,
      resources: (context): Resource[] => {
        const addresses = addressesOf(former(context)).filter((address) => !present.includes(address));
        return addresses.length === 0 ? [] : [refusing.cut(context, { name, addresses })];
      },
      gates: (context) => [refusing.refuses(context, { name, pairs: former(context).flatMap(({ pair }) => pair ?? []) })],
    },
  ];
}

/** What of the host's certificates is refused. */
export function fenceProofs(run: Run, isOver: boolean): CheckResult[] {
  const { inventory, kept, done } = run;
  const serials = chosenSerials(run);
  const { name: store, refusing } = dcsOf(inventory);
  if (refusing === undefined || serials.length === 0) return [];
  const revoked = kept.authority.revoked.filter(({ serial }) => serials.includes(serial));
  const words = revoked.map(({ serial, until }) => `${serial.slice(0, 8)}… (until ${until.slice(0, 10)})`);
  return [
    {
      title: `${store} refuses the certificates of ${isInPlace(run) ? `the former machine of ${nameOf(run)}` : nameOf(run)}`,
      ok: revoked.length === serials.length && (isOver || done.has('fence')),
      detail: revoked.length === 0 ? 'none is revoked' : `revoked: ${enumerate(words)}`,
    },
  ];
}

/** Nobody knows which certificates it has, so nobody can refuse them. */
export function unfenced(run: Run): LeftOver[] {
  const { inventory, catalog } = run;
  const name = nameOf(run);
  const host = leavingHost(run);
  const { name: store, refusing } = dcsOf(inventory);
  const hasSome = host === undefined || certificatePlaces(catalog, { hosts: [host] }).some(({ tls }) => tls.given === undefined);
  if (refusing === undefined || !hasSome || chosenSerials(run).length > 0) return [];
  return [
    {
      kind: 'preflight',
      host: name,
      message: `${name} is out of ${inventory.cluster}, and ${store} accepts its certificate yet: there is no .pgprov/${inventory.cluster}/pki/nodes/${name}.crt beside the inventory, so its serial is not known here`,
      hint: `should its machine come back with its files, its Patroni registers again: keep it off, and run ${pgprov`certs renew ${inventory} --ca`}, after which no former certificate is accepted`,
    },
  ];
}

/** What becomes of the machine should it come back, as a clause. */
export function comingBack(run: Run): string {
  const { name: store } = dcsOf(run.inventory);
  const refuses = chosenSerials(run).some((serial) => isRevoked(run, serial));
  return refuses
    ? `should its machine come back, ${store} refuses its certificate and the others its replication`
    : 'should its machine come back, switch it off, or let pgprov stop it';
}
