import { defineDiagnosis, enumerate, groupBy, PATRONI_MEMBER, PORTS, type Examination, type Host, type Reach } from '../../index.js';
import { variablesIfAny } from '../../../roles/shared/variables.js';
import { getsThrough, reachesOf } from '../shared/reach.js';

/** A member does not reach another one that it needs, in one direction or in both. */
export default defineDiagnosis({
  name: 'way-closed',
  looksAt: 'the ways between the members',
  find: (examination) => {
    const { hosts } = examination.view.inventory;
    return hosts.flatMap((from) =>
      hosts.flatMap((to) => {
        // What is wrong with a host that nobody reaches is told once, of that host.
        if (from.name === to.name || examination.unseen.has(to.name)) return [];
        const closed = reachesOf(examination, from.name, to).filter(
          ({ port, result }) => (result === 'filtered' && !hangs(examination, to, port)) || result === 'unreachable',
        );
        if (closed.length === 0) return [];
        const ports = enumerate(closed.map(({ port }) => String(port)));
        const others = hosts.filter(({ name }) => name !== from.name && name !== to.name && reachesAll(examination, name, to, closed));
        const back = reachesOf(examination, to.name, from);
        return [
          {
            level: 'broken' as const,
            host: from.name,
            what: `it does not reach ${to.name} on ${closed.length === 1 ? 'port' : 'ports'} ${ports}${direction(back, from, to)}${others.length === 0 ? '' : `; ${enumerate(others.map(({ name }) => name))} ${others.length === 1 ? 'gets' : 'get'} through to ${to.name}`}`,
            evidence: [
              ...words(from, to, reachesOf(examination, from.name, to)),
              ...words(to, from, back),
              ...others.flatMap((other) => words(other, to, reachesOf(examination, other.name, to))),
            ],
            follows: `what ${from.name} asks of ${to.name} there gets no answer: votes, replication, or Patroni’s questions, while other members see nothing wrong`,
            mend: `find the rule that keeps ${from.name} (${from.clusterAddress}) out, on ${to.name} or between the two: \`{ nft list ruleset; iptables-save; } 2>/dev/null | grep -nE 'drop|reject|DROP|REJECT'\`, as root on ${to.name}`,
            explains: ['store-member-down', 'consul-server-down'],
          },
        ];
      }),
    );
  },
});

/** Patroni has the port and answers its own host no more: once its queue is full, its kernel drops what comes, as a firewall does. */
function hangs({ view }: Examination, host: Host, port: number): boolean {
  if (variablesIfAny(host, 'patroni')?.restapi_port !== port || view.read(host.name, PATRONI_MEMBER)?.answers !== false) return false;
  return (view.read(host.name, PORTS) ?? []).some((listener) => listener.port === port);
}

function direction(back: readonly Reach[], from: Host, to: Host): string {
  const told = back.filter(({ result }) => result !== 'unknown');
  if (told.length === 0) return '';
  if (told.every(getsThrough)) return `, in this direction only: ${to.name} reaches ${from.name}`;
  return told.some(getsThrough) ? '' : `, nor does ${to.name} reach ${from.name}`;
}

function reachesAll(examination: Examination, name: string, to: Host, closed: readonly Reach[]): boolean {
  const reaches = reachesOf(examination, name, to);
  return closed.every(({ port }) => reaches.some((reach) => reach.port === port && getsThrough(reach)));
}

function words(from: Host, to: Host, reaches: readonly Reach[]): { host: string; source: string; line: string }[] {
  const byResult = groupBy(reaches, ({ result }) => result);
  return [...byResult].map(([result, group]) => ({
    host: from.name,
    source: `connections to ${to.name}`,
    line: `${result}: ${group.map(({ port }) => port).join(', ')}`,
  }));
}
