import { enumerate, PATRONI_MEMBER, verifierMatches, type Host, type Material, type Objection, type PatroniMemberState, type PgRoleState, type View } from '../../src/index.js';
import { accountsOf, hostsWith } from './layout.js';

/** A member that a new password does not reach could not come back by itself, so it changes on all of them or on none. */
export function guardPasswords(view: View, material: Material): Objection[] {
  const members = hostsWith(view.inventory, 'patroni');
  const leader = members.find((host) => view.surveyed(host.name) && changing(view, host, material).length > 0);
  if (leader === undefined) return [];
  const member = view.read<PatroniMemberState>(leader.name, PATRONI_MEMBER);
  const streaming = member?.answers === true ? member.replication.filter(({ state }) => state === 'streaming').map(({ application }) => application) : [];
  const what = `the password of ${enumerate(changing(view, leader, material))} is to change`;
  return members
    .filter(({ name }) => name !== leader.name)
    .flatMap(({ name }): Objection[] => {
      if (!view.surveyed(name)) {
        return [{ kind: 'preflight', host: name, message: `${what}, which all members take part in, and ${name} is not part of this run`, hint: 'aim at all members; one that is gone for good must leave the inventory first' }];
      }
      if (streaming.includes(name)) return [];
      return [{ kind: 'preflight', host: name, message: `${what}, and ${name} does not stream from ${leader.name}: it would be left with the old one`, hint: `bring ${name} back first (\`pgprov status\` tells how it is), or take it out of the inventory` }];
    });
}

/** Database accounts that the primary on this host has with another password. */
function changing(view: View, host: Host, material: Material): string[] {
  const { superuser, replication, rewind } = accountsOf({ host, material });
  return [superuser, replication, rewind].flatMap(({ name, password }) => {
    const state = view.read<PgRoleState>(host.name, `pg-role:${name}`);
    return state?.server === 'primary' && state.exists && !verifierMatches(state.verifier, password.reveal()) ? [name] : [];
  });
}
