import { defineDiagnosis, unitHealth } from '../../index.js';
import { asEvidence } from '../shared/lines.js';
import { stateSince, unitsWithPorts, watchedUnits } from '../shared/units.js';

/** Lines of a program that are told of a unit that failed. */
const LAST_WORDS = 2;

/** What systemd itself writes about a unit. */
const OF_SYSTEMD = /^(?:Start|Stopp|Failed to start |[\w@.-]+\.service: )/u;

const TOO_OFTEN = /Start request repeated too quickly/u;

/** systemd gave a service up. */
export default defineDiagnosis({
  name: 'unit-failed',
  looksAt: 'failed units',
  asks: ({ host }) => [unitHealth(unitsWithPorts(host))],
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) =>
      watchedUnits(examination, host)
        .filter(({ service, health }) => service?.active === 'failed' || health?.active === 'failed')
        .map((watched) => {
          const { unit, health } = watched;
          const since = stateSince(examination, watched);
          const lines = examination.log(host.name, unit);
          const said = lines.filter(({ text }) => !OF_SYSTEMD.test(text)).slice(-LAST_WORDS);
          const ended = lines.filter(({ text }) => OF_SYSTEMD.test(text));
          // systemd names the limit in its journal; as the result it leaves that of the last start.
          const limit = health?.result === 'start-limit-hit' || ended.slice(-3).some(({ text }) => TOO_OFTEN.test(text));
          return {
            level: 'broken' as const,
            host: host.name,
            unit,
            what: `the unit ${unit} has failed${limit ? ', too often in a row for systemd to start it again' : ''}`,
            ...(since === undefined ? {} : { since }),
            evidence: [
              { host: host.name, source: 'systemctl', line: `${unit}.service failed (Result: ${health?.result ?? 'unknown'})` },
              ...[...said, ...ended.slice(-1)].map(asEvidence),
            ],
            follows: 'its service is down on this host, and systemd leaves it so',
            mend: `see what it said, mend that, then start it: \`systemctl reset-failed ${unit}; systemctl start ${unit}\`, as root on ${host.name}`,
            explains: ['member-down', 'store-member-down', 'consul-server-down'],
          };
        }),
    ),
});
