import { defineDiagnosis, unitHealth } from '../../index.js';
import { asEvidence } from '../shared/lines.js';
import { unitsWithPorts, watchedUnits, type WatchedUnit } from '../shared/units.js';

/** So often systemd must have started it again; once or twice happens to a service whose peers come up a little later. */
const OFTEN = 3;

/** Seconds of running after which the last of its restarts is over. */
const STEADY = 30;

/** systemd starts a service again and again. */
export default defineDiagnosis({
  name: 'unit-restarts',
  looksAt: 'units that are started again and again',
  asks: ({ host }) => [unitHealth(unitsWithPorts(host))],
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) =>
      watchedUnits(examination, host)
        .filter(({ health }) => isLooping(health))
        .map(({ unit, health }) => ({
          level: 'broken' as const,
          host: host.name,
          what: `the unit ${unit} ends and is started again, over and over`,
          evidence: [
            {
              host: host.name,
              source: 'systemctl',
              line: `${unit}.service: ${health?.restarts ?? 0} restarts, now ${health?.active ?? ''} (${health?.sub ?? ''})`,
            },
            ...examination
              .log(host.name, unit)
              .filter(({ text }) => !/Scheduled restart job|^(?:Starting|Started|Stopped) /u.test(text))
              .slice(-3)
              .map(asEvidence),
          ],
          follows: 'its service is not there on this host, however often it is begun',
          mend: `see why it ends: \`journalctl -u ${unit} -n 100\`, as root on ${host.name}`,
          explains: ['unit-failed', 'member-down', 'store-member-down'],
        })),
    ),
});

function isLooping(health: WatchedUnit['health']): boolean {
  if (health === undefined || health.restarts < OFTEN) return false;
  return health.sub === 'auto-restart' || (health.active !== 'failed' && health.seconds !== undefined && health.seconds < STEADY);
}
