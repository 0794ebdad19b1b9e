import { hbaAdmits, type Host, type Inventory, type VariableProblem } from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import { clientLines } from '../access.js';
import { variables } from '../variables.js';

/** The members that HAProxy leads to. */
export function proxiedMembers(inventory: Pick<Inventory, 'hosts'>): Host[] {
  return hostsWith(inventory, 'patroni');
}

/** HAProxy asks Patroni who leads, so there has to be one. */
export function proxyProblems(proxies: readonly Host[], inventory: Pick<Inventory, 'hosts'>): VariableProblem[] {
  if (proxiedMembers(inventory).length > 0) return [];
  return proxies.map((host) => ({
    host,
    path: 'roles',
    message: 'the role haproxy asks Patroni who leads, and no host of the inventory has the role patroni',
    hint: 'give the servers the role patroni, or connect to them directly',
  }));
}

/** PostgreSQL sees the proxy's address in place of the clients', and turns it away where no line of pg_hba.conf has it. */
export function unadmittedProxies(proxies: readonly Host[], inventory: Pick<Inventory, 'hosts'>): VariableProblem[] {
  return proxies.flatMap((proxy): VariableProblem[] => {
    const closed = proxiedMembers(inventory).filter((member) => {
      const { version } = variables(member, 'postgresql');
      return !clientLines(member, inventory.hosts).some(({ line }) => hbaAdmits(line, proxy.clusterAddress, version));
    });
    const [first] = closed;
    if (first === undefined) return [];
    return [
      {
        host: first,
        path: 'postgresql.hba',
        message: `no line lets clients in that come through ${proxy.name}: PostgreSQL sees its address, ${proxy.clusterAddress}`,
        hint: `add a line such as "host all all ${proxy.clusterAddress}${proxy.clusterAddress.includes(':') ? '/128' : '/32'} scram-sha-256"`,
      },
    ];
  });
}
