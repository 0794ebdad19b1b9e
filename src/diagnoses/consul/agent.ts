import { CONSUL_AGENT, CONSUL_MEMBER, defineDiagnosis, pgprov, serviceHandle } from '../../index.js';

/** An agent that is no server does not work, or reaches no server, while the servers have a leader. */
export default defineDiagnosis({
  name: 'consul-agent',
  looksAt: 'the agents of Consul on members',
  role: 'consul-agent',
  find: ({ view }) => {
    const led = view.hosts('consul').find(({ name }) => view.read(name, CONSUL_MEMBER)?.leader !== undefined);
    if (led === undefined) return [];
    return view.hosts('consul-agent').flatMap(({ name: host }) => {
      const seen = view.read(host, CONSUL_AGENT);
      if (seen === undefined || seen.leader !== undefined) return [];
      const runs = view.read(host, serviceHandle(view.platform(host)?.consul.unit ?? ''))?.active === 'active';
      return [
        {
          level: 'broken' as const,
          host,
          what: runs ? 'its agent of Consul runs, and reaches no server that knows the leader' : 'its agent of Consul does not run',
          evidence: [
            { host, source: 'consul', line: runs ? 'it tells of no leader' : 'it does not answer' },
            { host: led.name, source: 'consul', line: 'the servers have a leader' },
          ],
          follows:
            'Patroni on this host has no store: as a standby it does not follow a new leader, and as the leader it gives the lead up',
          mend: runs
            ? `let it reach the servers on the ports 8300 and 8301: ${pgprov`logs ${view.inventory} --unit consul`} shows what it says of them`
            : `start it: \`systemctl start consul\`, as root on ${host}`,
          explains: ['member-down', 'unit-stopped/consul', 'unit-failed/consul', 'unit-restarts/consul'],
        },
      ];
    });
  },
});
