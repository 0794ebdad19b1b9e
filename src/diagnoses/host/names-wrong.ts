import { isIP } from 'node:net';
import { defineDiagnosis, enumerate, NAMES, names, pgprov, type Host } from '../../index.js';
import { variablesIfAny } from '../../../roles/shared/variables.js';

/** The name that other members know a host by: that of the inventory, or the one that is its address there. */
function nameOf({ name, clusterAddress }: Host): string {
  return isIP(clusterAddress) === 0 ? clusterAddress : name;
}

/** A member's name leads to another machine, or nowhere. */
export default defineDiagnosis({
  name: 'names-wrong',
  looksAt: 'what the names of members resolve to',
  asks: ({ inventory }) => [names(inventory.hosts.map(nameOf))],
  find: ({ view }) =>
    view.inventory.hosts.flatMap((host) => {
      const state = view.read(host.name, NAMES);
      if (state === undefined) return [];
      return view.inventory.hosts.flatMap((other) => {
        const name = nameOf(other);
        const found = state.addresses[name];
        // A host's own name leads to a loopback address on Debian, and may.
        if (found === undefined || other.name === host.name) return [];
        const named = name === other.clusterAddress;
        const managed = variablesIfAny(host, 'base')?.manage_hosts_file === true;
        if (found.length === 0) {
          if (!named && !managed) return [];
        } else if (named || found.some((address) => address === other.clusterAddress || address === other.address)) return [];
        else if (isIP(other.address) === 0 && !managed) return [];
        const lines = state.lines.filter((line) => line.split(/\s+/u).includes(name));
        return [
          {
            level: named ? ('broken' as const) : ('danger' as const),
            host: host.name,
            what:
              found.length === 0
                ? `the name ${name} does not resolve`
                : `the name ${name} resolves to ${enumerate(found)}, and the inventory has ${other.clusterAddress}`,
            evidence: [
              { host: host.name, source: 'getent ahosts', line: `${name}: ${found.length === 0 ? 'nothing' : found.join(' ')}` },
              ...lines.map((line) => ({ host: host.name, source: '/etc/hosts', line })),
            ],
            follows: `what knows ${other.name} by that name reaches another machine or none`,
            mend:
              lines.length > 0
                ? `correct /etc/hosts on ${host.name}, line \`${lines[0] ?? ''}\`; ${pgprov`apply ${view.inventory}`} writes the lines of the cluster again`
                : `${managed ? `${pgprov`apply ${view.inventory}`} writes it into /etc/hosts` : 'correct DNS, or /etc/hosts there'}; \`getent ahosts ${name}\` on ${host.name} shows what came of it`,
          },
        ];
      });
    }),
});
