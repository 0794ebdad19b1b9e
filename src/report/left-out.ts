import type { LeftOut } from '../events.js';
import { listNames } from './words.js';

/** `; left out: pg1; the role etcd` for what a run of a part of the cluster does not look at; '' when that is nothing. */
export function leftOutWords(leftOut: LeftOut | undefined): string {
  const { hosts = [], roles = [] } = leftOut ?? {};
  const parts = [
    ...(hosts.length === 0 ? [] : [listNames(hosts)]),
    ...(roles.length === 0 ? [] : [`the ${roles.length === 1 ? 'role' : 'roles'} ${listNames(roles)}`]),
  ];
  return parts.length === 0 ? '' : `; left out: ${parts.join('; ')}`;
}
