import { defineDiagnosis, PORTS, RUNNING, serviceHandle, type Examination, type Host, type Listener } from '../../index.js';
import { leaderOf } from '../shared/leading.js';
import { restartCommand } from '../../../roles/shared/restart-command.js';

/** Another process has a port that is meant for one of the cluster's services. */
export default defineDiagnosis({
  name: 'port-held',
  looksAt: 'who has the ports of the services',
  find: (examination) => {
    const { view } = examination;
    // Where nobody leads a member must not be started by hand.
    const mayStart = leaderOf(examination) !== undefined;
    return view.inventory.hosts.flatMap((host) =>
      host.ports.flatMap(({ port, what, units }) =>
        (view.read(host.name, PORTS) ?? [])
          .filter((listener) => listener.port === port && !units.includes(listener.unit) && !isOwnServer(examination, host, listener))
          .map(({ process, unit }) => {
            const down = units.every((own) => view.read(host.name, serviceHandle(own.replace(/\.service$/u, '')))?.active !== 'active');
            const holder = `${process || 'another process'} (${unit || 'of no unit: somebody started it by hand'})`;
            const end =
              unit === ''
                ? `kill $(ss -Hltnp 'sport = :${port}' | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p' | sort -u)`
                : `systemctl disable --now ${unit}`;
            return {
              level: down ? ('broken' as const) : ('danger' as const),
              host: host.name,
              what: `port ${port}, meant for ${what}, is held by ${holder}`,
              evidence: [{ host: host.name, source: 'ss', line: `:${port} ${process || '?'} ${unit || 'no unit'}` }],
              follows: `${what} cannot listen there, and who connects reaches something else`,
              mend: `if nobody needs it, end it: \`${end}${down && mayStart ? `; ${restartCommand(...units)}` : ''}\`, as root on ${host.name}`,
              explains: ['unit-failed', 'unit-restarts', 'member-down', 'store-member-down', 'consul-server-down'],
            };
          }),
      ),
    );
  },
});

/** Somebody started the cluster’s own data by hand, as in maintenance mode: whether Patroni sees to it is not for this diagnosis to say. */
function isOwnServer({ view }: Examination, { name }: Host, { port, unit }: Listener): boolean {
  const running = view.read(name, RUNNING);
  return (running?.postmasters ?? []).some(
    (server) => server.port === port && server.unit === unit && server.realDirectory === running?.wantedDirectory,
  );
}
