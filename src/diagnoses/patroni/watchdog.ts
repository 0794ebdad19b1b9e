import { defineDiagnosis, WATCHDOG, type Finding } from '../../index.js';
import { variables } from '../../../roles/shared/variables.js';
import { asEvidence, linesSince, sinceFirst } from '../shared/lines.js';

/** Where there is no device Patroni has a `NullWatchdog`, which refuses a new ttl and does nothing else either. */
const FAILED =
  /Configuration requires (a )?watchdog, but|Watchdog device is not usable|Error while sending keepalive(?!.* on NullWatchdog)|System will reboot after|loop_wait of \d+ seconds is too long for/u;
const ACTIVATED = /(activated|updated) with \d+ second timeout, timing slack/u;

/** A watchdog that is required and not there, or that is about to reset its host. */
export default defineDiagnosis({
  name: 'watchdog',
  looksAt: 'watchdogs',
  role: 'patroni',
  find: (examination) => {
    const { view } = examination;
    return view.hosts('patroni').flatMap((host): Finding[] => {
      const { watchdog, watchdog_device: device } = variables(host, 'patroni');
      if (watchdog === 'off') return [];
      const { name } = host;
      const state = view.read(name, WATCHDOG);
      const missing = watchdog === 'required' && state !== undefined && state !== 'usable';
      const lines = linesSince(examination, name, { units: ['patroni'], pattern: FAILED, over: ACTIVATED, within: 10 * 60_000 });
      if (!missing && lines.length === 0) return [];
      const user = view.platform(name)?.patroni.user ?? 'postgres';
      const seen = state === 'absent' ? `there is no ${device}` : `${user} may not write to ${device}`;
      return [
        {
          level: watchdog === 'required' ? 'broken' : 'danger',
          host: name,
          what: missing ? `its watchdog is required, and ${seen}` : 'its watchdog does not work as it should',
          ...sinceFirst(lines),
          evidence: [...(missing ? [{ host: name, source: 'the device', line: seen }] : []), ...lines.slice(-2).map(asEvidence)],
          follows:
            watchdog === 'required' ? 'this member never leads, and one that leads gives up its place' : 'a leader that hangs is not reset',
          mend: `\`modprobe softdog && chown ${user} ${device}\`, as root on ${name}, gives Patroni a device until the next boot; a udev rule keeps it`,
          explains: ['no-leader'],
        },
      ];
    });
  },
});
