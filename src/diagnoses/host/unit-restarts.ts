import { defineDiagnosis, unitHealth, type LoggedLine } from '../../index.js';
import { asEvidence } from '../shared/lines.js';
import { unitsWithPorts, watchedUnits, type WatchedUnit } from '../shared/units.js';

/** So often systemd must have started it again; once or twice happens to a service whose peers come up a little later. */
const OFTEN = 3;

/** Seconds of running after which the last of its restarts is over. */
const STEADY = 30;

/** What systemd says when a service ends. */
const ENDED = 'Main process exited';

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
          unit,
          what: `the unit ${unit} ends and is started again, over and over`,
          evidence: [
            {
              host: host.name,
              source: 'systemctl',
              line: `${unit}.service: ${health?.restarts ?? 0} restarts, now ${health?.active ?? ''} (${health?.sub ?? ''})`,
            },
            ...lastEnd(examination.log(host.name, unit)).map(asEvidence),
          ],
          follows: 'its service is not there on this host, however often it is begun',
          mend: `see what it says before it ends: \`journalctl -u ${unit} | grep -B 9 '${ENDED}' | tail -n 40\`, as root on ${host.name}`,
          explains: ['unit-failed', 'member-down', 'store-member-down', 'consul-server-down'],
        })),
    ),
});

/** How it ended the last time, with its last words before: what it says on its way up tells nothing. */
function lastEnd(lines: readonly LoggedLine[]): readonly LoggedLine[] {
  const telling = lines.filter(({ text }) => !/Scheduled restart job|^(?:Starting|Started|Stopped) /u.test(text));
  const end = telling.findLastIndex(({ text }) => text.includes(ENDED));
  return end < 0 ? telling.slice(-3) : telling.slice(Math.max(0, end - 2), end + 1);
}

function isLooping(health: WatchedUnit['health']): boolean {
  if (health === undefined || health.restarts < OFTEN) return false;
  // One that was stopped is not started again.
  const ended = health.active === 'failed' || health.active === 'inactive';
  return health.sub === 'auto-restart' || (!ended && health.seconds !== undefined && health.seconds < STEADY);
}
