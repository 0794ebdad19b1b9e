import { isIP } from 'node:net';
import { connectionOf, type AnsibleConnection, type LeftVariable } from '../../ansible/connection.js';
import type { AnsibleHost } from '../../ansible/inherit.js';
import { EXPRESSION, isExpression } from '../../ansible/source.js';
import { HOST_NAME } from '../../model/index.js';

/** A host of Ansible, with the name and the addresses that it has here. */
export interface NamedHost {
  host: AnsibleHost;
  name: string;
  address: string;
  /** Where the other members reach it, if it is not `address`. */
  clusterAddress?: string;
  way: AnsibleConnection;
  /** Variables of which more could have been taken, each with the reason. */
  notes: readonly LeftVariable[];
  /** What differs from the inventory of Ansible, in a sentence; undefined when nothing does. */
  remark?: string;
}

/** Variables that hold what a host is to be called, and those that hold its address in the cluster's own network. */
const NAMES = ['hostname', 'nodename'];
const ADDRESSES = ['bind_address', 'patroni_bind_address', 'private_ip', 'private_address', 'internal_ip'];

/** Variables that this file reads. */
export const HOST_VARIABLES: readonly string[] = [...NAMES, ...ADDRESSES];

/**
 * Names and addresses of the hosts. An inventory that names its hosts by address, as Autobase does, means the private one: it is where the members
 * reach each other, and `ansible_host` where they are reached from outside.
 * @param kindOf what a host without a name is called, before its number
 */
export function nameHosts(hosts: readonly AnsibleHost[], kindOf: (host: AnsibleHost) => string): NamedHost[] {
  const taken = new Set<string>();
  const take = (name: string): string | undefined => {
    if (!isName(name) || taken.has(name.toLowerCase())) return undefined;
    taken.add(name.toLowerCase());
    return name;
  };
  const given = hosts.map((host) => take(givenName(host) ?? '') ?? take(host.name));
  return hosts.map((host, index) => {
    const name = given[index] ?? numbered(kindOf(host), take);
    const way = connectionOf(host.vars);
    const address = way.address ?? host.name;
    const inCluster = clusterAddress(host, address);
    return {
      host,
      name,
      address,
      way,
      notes: expressions(host),
      ...(inCluster === undefined ? {} : { clusterAddress: inCluster }),
      ...remarkOf(host, name, address, inCluster),
    };
  });
}

function isName(name: string): boolean {
  return new RegExp(HOST_NAME, 'u').test(name) && isIP(name) === 0;
}

/** The variable `hostname`; Pigsty names a host after its cluster and number. */
function givenName({ vars }: AnsibleHost): string | undefined {
  const plain = (key: string): string | undefined => {
    const value = vars.get(key)?.value;
    return (typeof value === 'string' || typeof value === 'number') && !isExpression(value) ? String(value) : undefined;
  };
  const [cluster, number] = [plain('pg_cluster'), plain('pg_seq')];
  return (
    NAMES.map(plain).find((name) => name !== undefined) ??
    (cluster === undefined || number === undefined ? undefined : `${cluster}-${number}`)
  );
}

function numbered(kind: string, take: (name: string) => string | undefined): string {
  for (let number = 1; ; number += 1) {
    const name = take(`${kind}${number}`);
    if (name !== undefined) return name;
  }
}

function clusterAddress({ name, vars }: AnsibleHost, address: string): string | undefined {
  const given = ADDRESSES.map((key) => vars.get(key)?.value).find(
    (value): value is string => typeof value === 'string' && isIP(value) !== 0 && !/^(?:127\.|0\.0\.0\.0$|::1?$)/u.test(value),
  );
  const inCluster = given ?? (isIP(name) === 0 ? undefined : name);
  return inCluster === address ? undefined : inCluster;
}

function expressions({ vars }: AnsibleHost): LeftVariable[] {
  return HOST_VARIABLES.flatMap((key) => {
    const found = vars.get(key);
    return found !== undefined && isExpression(found.value) ? [{ at: found.at, key, why: EXPRESSION }] : [];
  });
}

function remarkOf(host: AnsibleHost, name: string, address: string, inCluster: string | undefined): { remark?: string } {
  const called = name === host.name ? [] : [`is called ${name} here`];
  const reached = inCluster === undefined ? [] : [`is logged in to at ${address}, and reached by the other members at ${inCluster}`];
  return called.length + reached.length === 0 ? {} : { remark: `${host.name} ${[...called, ...reached].join(', ')}` };
}
