import {
  enumerate,
  PATRONI_MEMBER,
  verifierMatches,
  pgRoleHandle,
  pgprov,
  type Host,
  type ClusterCredentials,
  type Objection,
  type View,
} from '../../src/index.js';
import { comingUp } from './coming-up.js';
import { accountsOf, hostsWith } from './layout.js';

/** A member that a new password does not reach could not come back by itself, so it changes on all of them or on none. */
export function guardPasswords(view: View, credentials: ClusterCredentials): Objection[] {
  const members = hostsWith(view.inventory, 'patroni');
  const leader = members.find((host) => view.surveyed(host.name) && changing(view, host, credentials).length > 0);
  if (leader === undefined) return [];
  const member = view.read(leader.name, PATRONI_MEMBER);
  const streaming =
    member?.answers === true ? member.replication.filter(({ state }) => state === 'streaming').map(({ application }) => application) : [];
  const settles = (host: Host): Pick<Objection, 'settles'> => {
    const up = comingUp(view, [host]);
    return up === undefined ? {} : { settles: up };
  };
  const what = `the password of ${enumerate(changing(view, leader, credentials))} is to change on all members at once`;
  return members
    .filter(({ name }) => name !== leader.name)
    .flatMap((host): Objection[] => {
      const { name } = host;
      if (!view.surveyed(name)) {
        return [
          {
            kind: 'preflight',
            host: name,
            message: `${what}, and ${name} is not part of this run`,
            hint: 'select all members; remove a member that is gone for good from the inventory first',
          },
        ];
      }
      if (streaming.includes(name)) return [];
      return [
        {
          kind: 'preflight',
          host: name,
          message: `${what}, and ${name} does not stream from ${leader.name}: it would keep the old one`,
          hint: `bring ${name} back first (${pgprov`status ${view.inventory}`} shows its state), or take it out of the inventory`,
          ...settles(host),
        },
      ];
    });
}

/** Database accounts that the primary on this host has with another password. */
function changing(view: View, host: Host, credentials: ClusterCredentials): string[] {
  const { superuser, replication, rewind } = accountsOf({ host, credentials });
  return [superuser, replication, rewind].flatMap(({ name, password }) => {
    const state = view.read(host.name, pgRoleHandle(name));
    return state?.server === 'primary' && state.exists && !verifierMatches(state.verifier, password.reveal()) ? [name] : [];
  });
}
