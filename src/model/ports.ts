import type { Host } from './inventory.js';
import type { Report } from './report.js';
import type { Entrance, RolePort, RoleProtocol } from './role-port.js';
import type { RoleSchema } from './role-schema.js';
import { allOf } from './words.js';

/** The TCP ports that the roles of a host listen on, in the order of the catalog. */
export function portsOf(host: Host, catalog: readonly RoleSchema[]): readonly RolePort[] {
  return Object.freeze(rolesOn(host, catalog).flatMap((role) => role.ports?.(host) ?? []));
}

/** The IP protocols without ports that the roles of a host speak. */
export function protocolsOf(host: Host, catalog: readonly RoleSchema[]): readonly RoleProtocol[] {
  return Object.freeze(rolesOn(host, catalog).flatMap((role) => role.protocols?.(host) ?? []));
}

/** The addresses besides its own by which clients get in through a host. */
export function entrancesOf(host: Host, catalog: readonly RoleSchema[]): readonly Entrance[] {
  return Object.freeze(rolesOn(host, catalog).flatMap((role) => role.entrances?.(host) ?? []));
}

/** Reports ports that two services of one host are to listen on; once for each such pair. */
export function checkPorts(hosts: readonly Host[], catalog: readonly RoleSchema[], report: Report): void {
  const pairs = new Map<string, string[]>();
  for (const host of hosts) {
    const claims = [
      ...loginPort(host),
      ...rolesOn(host, catalog).flatMap(({ name, ports }) =>
        (ports?.(host) ?? []).map(({ port, what }) => ({ port, who: `${what} (role ${name})` })),
      ),
    ];
    for (const [index, { port, who }] of claims.entries()) {
      const before = claims.slice(0, index).find((claim) => claim.port === port);
      if (before === undefined) continue;
      const message = `port ${port} is given to two services: ${before.who} and ${who}`;
      pairs.set(message, [...(pairs.get(message) ?? []), host.name]);
    }
  }
  for (const [message, names] of pairs) {
    const everywhere = names.length === hosts.length;
    report.add(everywhere ? ['hosts'] : ['hosts', names[0] ?? ''], `${message}${everywhere ? '' : ` on ${allOf(names)}`}`, {
      at: 'key',
      hint: 'give one of them another port',
    });
  }
}

/** Where sshd listens as far as is known: behind another address than the members use, a forwarded port may lead to any of the host's. */
function loginPort({ clusterAddress, ssh: { address, port } }: Host): { port: number; who: string }[] {
  return port === 22 || address === clusterAddress ? [{ port, who: 'sshd (ssh.port)' }] : [];
}

function rolesOn(host: Host, catalog: readonly RoleSchema[]): RoleSchema[] {
  return catalog.filter(({ name }) => host.roles.includes(name));
}
