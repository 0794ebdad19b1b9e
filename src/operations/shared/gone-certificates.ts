import type { Inventory, IssuedCertificate, RevokedCertificate, View } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../roles/shared/layout.js';

/** A certificate of a host that was taken out, or of its former machine. */
export interface GoneCertificate {
  host: string;
  /** Hexadecimal, in upper case. */
  serial: string;
  /** Until when it is good, ISO 8601. */
  until: string;
  /** Since when it is revoked; absent: it is not. */
  since?: string;
  /** The inventory has the host, as one that is absent. */
  absent?: true;
  /** Members of the store that accept it: whose list was seen, and does not have it; of one that is not revoked also those whose list was not seen. */
  acceptedBy: readonly string[];
  /** Of one that is not revoked: members of the store whose list has it all the same. */
  refusedBy: readonly string[];
}

/**
 * The certificates of hosts that an inventory has no more, those that are revoked first; none of a cluster whose store knows no list of them, and none
 * that has ended.
 * @param issued by host, as far as this machine knows
 */
export function goneCertificates(
  inventory: Inventory,
  { revoked, issued }: { revoked: readonly RevokedCertificate[]; issued: ReadonlyMap<string, readonly IssuedCertificate[]> },
  view: View | undefined,
): GoneCertificate[] {
  const { role, refusing } = dcsOf(inventory);
  if (refusing === undefined) return [];
  const members = hostsWith(inventory, role).map(({ name }) => name);
  const having = (serial: string, has: boolean): string[] =>
    view === undefined ? [] : members.filter((name) => refusing.listed(view, name)?.includes(serial) === has);
  const absent = (host: string): { absent?: true } => (inventory.absent.some(({ name }) => name === host) ? { absent: true } : {});
  const present = inventory.hosts.map(({ name }) => name);
  const isKnown = ({ serial }: IssuedCertificate): boolean => revoked.some((each) => each.serial === serial);
  return [
    ...revoked
      .filter(({ until }) => Date.parse(until) > Date.now())
      .map(({ host, serial, until, since }) => ({
        host,
        serial,
        until,
        since,
        ...absent(host),
        acceptedBy: having(serial, false),
        refusedBy: [],
      })),
    ...[...issued].flatMap(([host, all]) =>
      present.includes(host)
        ? []
        : all
            .filter((each) => !isKnown(each))
            .map(({ serial, until }) => {
              const refusedBy = having(serial, true);
              const acceptedBy = members.filter((name) => !refusedBy.includes(name));
              return { host, serial, until, ...absent(host), acceptedBy, refusedBy };
            }),
    ),
  ];
}
