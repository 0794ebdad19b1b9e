import type { EtcdListed } from '../../../src/index.js';

/** What etcd's log and etcdctl call a member: its number in hexadecimal, where JSON has it in decimal. */
export function memberIdOf({ id }: EtcdListed): string {
  return /^\d+$/u.test(id) ? BigInt(id).toString(16) : id;
}
