import { isIP, isIPv4, isIPv6 } from 'node:net';
import { didYouMean } from '../lib/nearest.js';
import { own } from './mapping.js';
import type { Host } from './inventory.js';
import type { Outline } from './outline.js';
import type { Report } from './report.js';
import { HOST_NAME } from './schema.js';
import { describeActual } from './words.js';

/** Reports names of hosts and groups that cannot be, clash, or mean nothing. */
export function checkNames(outline: Outline, report: Report): void {
  const hosts = outline.hosts.map((host) => host.name);
  const seen = new Map<string, string>();
  for (const { name, path } of outline.hosts) {
    checkName(name, path, report);
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) report.add(path, `differs from host "${twin}" only in case, which host names do not tell apart`, { at: 'key' });
    seen.set(name.toLowerCase(), name);
  }
  for (const { name, path, members } of outline.groups) {
    checkName(name, path, report);
    if (hosts.includes(name)) {
      report.add(path, `there is a host of this name too (${report.line(['hosts', name])})`, { at: 'key', hint: 'rename the group' });
    }
    for (const [index, member] of members.entries()) {
      if (hosts.includes(member)) continue;
      const hint = didYouMean(member, hosts) ?? (hosts.length > 0 ? `hosts: ${hosts.join(', ')}` : undefined);
      report.add([...path, 'hosts', index], `no such host: ${describeActual(member)}`, { hint });
    }
  }
}

function checkName(name: string, path: readonly (string | number)[], report: Report): void {
  if (isLocalName(name)) {
    const message = 'cannot be the name of one host: every machine calls itself that';
    report.add(path, message, { at: 'key', hint: 'give it a name that the others can call it by, such as pg1' });
    return;
  }
  if (new RegExp(HOST_NAME, 'u').test(name)) return;
  const message = 'must be a name of letters, digits, ".", "-" and "_", 63 at most, with a letter or digit at both ends';
  report.add(path, message, { at: 'key' });
}

/** Reports addresses that only look like one. */
export function checkAddresses(outline: Outline, report: Report): void {
  for (const { settings, path } of outline.hosts) {
    const shared = typeof own(settings, 'cluster_address') === 'string' ? 'cluster_address' : 'address';
    const reached = own(settings, shared);
    if (typeof reached === 'string' && reached.includes('%')) {
      report.add([...path, shared], 'holds a zone (what follows the %), which the other members do not know', {
        hint: 'give a cluster_address without one',
      });
    }
    for (const key of ['address', 'cluster_address']) {
      const address = own(settings, key);
      if (typeof address !== 'string') continue;
      if (UNSPECIFIED.includes(canonical(address))) {
        report.add([...path, key], `means all addresses of a machine, and nobody can connect there: "${address}"`, {
          hint: 'give one address that the host has',
        });
      } else if (/^[\d.]+$/u.test(address) && isIP(address) === 0) {
        report.add([...path, key], `is not an IPv4 address: "${address}"`);
      } else if (/^[\w.%:-]+$/u.test(address) && address.includes(':') && !isIPv6(address)) {
        report.add([...path, key], `is not an IPv6 address: "${address}"`, {
          hint: /^[^:]+:\d+$/u.test(address) ? 'a port goes to ssh.port' : undefined,
        });
      }
    }
  }
}

/** Reports hosts that SSH, or the cluster, could not tell apart or reach. */
export function checkReached(hosts: readonly Host[], report: Report): void {
  const nowhere = hosts.length > 1 ? hosts.filter(({ clusterAddress }) => isLoopback(clusterAddress)) : [];
  for (const { name, clusterAddress } of nowhere) {
    const message = `the others cannot reach the host at ${clusterAddress}, which on every machine means that machine itself`;
    report.add(['hosts', name, 'cluster_address'], message, { hint: 'give the cluster_address where the others reach it' });
  }
  const bySsh = new Map<string, Host>();
  const byCluster = new Map<string, Host>();
  for (const host of hosts) {
    const { address, ssh } = host;
    const way = ssh.jump.map((hop) => `${canonical(hop.address)}:${hop.port}`).join(' ');
    // JSON, because a port that was found wrong before may be anything.
    const spot = JSON.stringify([way, canonical(address), ssh.port]);
    const ssher = bySsh.get(spot);
    if (ssher !== undefined) {
      report.add(
        ['hosts', host.name, 'address'],
        `same address and SSH port as ${place(ssher, 'address', report)}: ${address} port ${JSON.stringify(ssh.port)}`,
      );
    } else {
      bySsh.set(spot, host);
    }
    const member = byCluster.get(canonical(host.clusterAddress));
    if (member !== undefined && member !== ssher && !nowhere.includes(host)) {
      const hint = 'give each host the cluster_address where the others reach it';
      report.add(
        ['hosts', host.name, 'cluster_address'],
        `same cluster address as ${place(member, 'cluster_address', report)}: ${host.clusterAddress}`,
        { hint },
      );
    }
    byCluster.set(canonical(host.clusterAddress), member ?? host);
  }
}

function place(host: Host, key: string, report: Report): string {
  return `host ${host.name} (${report.line(['hosts', host.name, key])})`;
}

/** What services listen on, and no address of anybody. */
const UNSPECIFIED: readonly string[] = ['0.0.0.0', '[::]'];

/** An address or name under which every machine reaches itself. */
function isLoopback(address: string): boolean {
  return (isIPv4(address) && address.startsWith('127.')) || canonical(address) === '[::1]' || isLocalName(address);
}

function isLocalName(name: string): boolean {
  return /^(?:(?:.+\.)?localhost|localhost\.localdomain|localhost[46](?:\.localdomain[46])?|ip6-(?:localhost|loopback))$/iu.test(name);
}

/** One spelling for each address. */
function canonical(address: string): string {
  return isIPv6(address) && !address.includes('%') ? new URL(`http://[${address}]/`).hostname : address.toLowerCase();
}
