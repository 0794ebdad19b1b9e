import { didYouMean } from '../lib/nearest.js';
import type { Host } from './inventory.js';
import { own } from './mapping.js';
import type { Mapping } from './mapping.js';
import type { Report } from './report.js';
import { describeActual, oneOf } from './words.js';

/** The roles that make a leader, the stronger claim first. */
const LEADER_ROLES = ['patroni', 'postgresql'];

/** The first leader of a new cluster: as the inventory says, else the first host with the role for it. */
export function leaderOf(top: Mapping, hosts: readonly Pick<Host, 'name' | 'roles'>[], report: Report): string {
  const role = LEADER_ROLES.find((name) => hosts.some((host) => host.roles.includes(name)));
  const able = role === undefined ? hosts : hosts.filter((host) => host.roles.includes(role));
  const names = able.map((host) => host.name);
  const chosen = own(top, 'leader');
  if (typeof chosen !== 'string') return names[0] ?? '';
  const host = hosts.find((candidate) => candidate.name === chosen);
  if (host === undefined) {
    const hint = didYouMean(chosen, names) ?? (names.length > 0 ? `it can be ${oneOf(names)}` : undefined);
    report.add(['leader'], `no such host: ${describeActual(chosen)}`, { hint });
  } else if (!able.includes(host)) {
    report.add(['leader'], `host "${chosen}" has no role "${role}" and cannot lead`, { hint: `it can be ${oneOf(names)}` });
  }
  return chosen;
}
