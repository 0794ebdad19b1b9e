import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { consulServersSeen, serversTold } from '../../../roles/shared/consul/servers-seen.js';
import { consulServers } from '../../../roles/shared/consul/servers.js';
import { consulOn } from '../../../roles/shared/consul/program.js';

/** Consul's list of servers has some that should not be there, or lacks some. */
export default defineDiagnosis({
  name: 'consul-peers',
  looksAt: 'Consul’s list of servers',
  role: 'consul',
  find: (examination) => {
    const { view } = examination;
    const told = serversTold(examination);
    if (told === undefined) return [];
    const wanted = consulServers(view.inventory);
    const evidence = told.servers.map(({ name, address, healthy, voter }) => ({
      host: told.by,
      source: 'consul operator autopilot health',
      line: `${name || 'without a name'} ${address}${healthy ? '' : ', not healthy'}${voter ? '' : ', without a vote'}`,
    }));
    const of = (found: Pick<Finding, 'what' | 'follows' | 'mend'> & { host?: string }): Finding => ({
      level: 'danger',
      evidence,
      ...found,
    });
    const strange = told.servers.filter((server) => !wanted.some(({ name }) => name === server.name));
    const moved = told.servers.flatMap((server) => {
      const host = wanted.find(({ name, clusterAddress }) => name === server.name && clusterAddress !== server.address);
      return host === undefined ? [] : [{ server, host }];
    });
    const absent = consulServersSeen(examination).filter(({ host, runs }) => runs && !told.servers.some(({ name }) => name === host.name));
    return [
      ...strange.map(({ name, address }) =>
        of({
          what: `Consul counts on a server that is not in the inventory: ${name || 'one without a name'} (${address})`,
          follows: 'it counts for the majority whether or not it is there: Consul can do without one server less',
          mend: `if it is gone for good, take it out: \`${consulOn(view, told.by)} ${name === '' ? `operator raft remove-peer -address=${address}:8300` : `force-leave ${name}`}\`, as root on ${told.by}; otherwise add it to the inventory`,
        }),
      ),
      ...moved.map(({ server, host }) =>
        of({
          host: host.name,
          what: `Consul knows its server by the address ${server.address}, and the inventory has ${host.clusterAddress}`,
          follows: 'the others look for it where it may not be',
          mend: `correct the inventory, or have it tell its new address: ${pgprov`apply ${view.inventory}`}`,
        }),
      ),
      ...absent.map(({ host }) =>
        of({
          host: host.name,
          what: 'its server of Consul runs, and is not in the list of servers',
          follows: 'it does not vote, and Consul can do without one server less than planned',
          mend: `see what keeps it from joining: ${pgprov`logs ${view.inventory} --unit consul`}`,
        }),
      ),
    ];
  },
});
