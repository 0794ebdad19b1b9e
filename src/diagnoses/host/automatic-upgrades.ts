import { AUTOMATIC_UPGRADES, automaticUpgrades, defineDiagnosis, enumerate, type AutomaticUpgrades, type Finding } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { clusterPackages } from '../shared/packages.js';

/** What else restarts a service when it is upgraded, besides its own package. */
const LIBRARIES = /^(?:libpq5|libssl3\S*|openssl|libc6|python3(?:\.\d+)?(?:-minimal)?|postgresql-common|postgresql-\d+\S*|patroni)$/u;

/** Hosts upgrade themselves: that restarts services, on several hosts at once. */
export default defineDiagnosis({
  name: 'automatic-upgrades',
  looksAt: 'upgrades that hosts make by themselves',
  asks: () => [automaticUpgrades()],
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) => {
      const { view, now } = examination;
      const state = view.read(host.name, AUTOMATIC_UPGRADES);
      const platform = view.platform(host.name);
      if (state === undefined || platform === undefined) return [];
      const ours = new Set([...clusterPackages({ host, platform }), dcsOf(view.inventory).unit]);
      return [...upgraded(host.name, state, ours, now), ...armed(host.name, state)];
    }),
});

const DAY = 86_400_000;

function upgraded(host: string, { upgrades }: AutomaticUpgrades, ours: ReadonlySet<string>, now: number): Finding[] {
  const lately = upgrades
    .filter(({ at }) => now - at < DAY)
    .map(({ at, line }) => {
      const names = (line.split('Packages that will be upgraded:')[1] ?? '').trim().split(/\s+/u);
      return { at, line, names: names.filter((name) => ours.has(name) || LIBRARIES.test(name)) };
    })
    .filter(({ names }) => names.length > 0);
  const [first] = lately;
  if (first === undefined) return [];
  return [
    {
      level: 'notice',
      host,
      what: `unattended-upgrades upgraded ${enumerate([...new Set(lately.flatMap(({ names }) => names))])}`,
      since: first.at,
      evidence: lately.map(({ at, line }) => ({ host, at, source: 'unattended-upgrades.log', line })),
      follows: 'that restarts the services that use them: a restart or a change of leader at that time comes from it',
      mend: `keep them for your own upgrades: \`apt-mark hold ${lately.flatMap(({ names }) => names).join(' ')}\`, as root on every host`,
    },
  ];
}

/** Only what restarts services of the cluster: PGDG’s packages are not among what Debian and Ubuntu upgrade unless somebody says so. */
function armed(host: string, { timer, reboots, settings }: AutomaticUpgrades): Finding[] {
  if (timer === undefined) return [];
  const apt = timer.startsWith('apt');
  const wide = !apt || settings.some((line) => /(?:Origins-Pattern|Allowed-Origins).*(?:postgresql|pgdg|"\*|=\*)/iu.test(line));
  if (!reboots && !wide) return [];
  const evidence = [
    { host, source: 'systemctl', line: `${timer} is active` },
    ...settings
      .filter((line) => /reboot|apply_updates|postgresql|pgdg|\*/iu.test(line))
      .map((line) => ({ host, source: apt ? 'apt-config' : 'automatic.conf', line: line.trim() })),
  ];
  return [
    {
      level: reboots ? 'danger' : 'notice',
      host,
      what: reboots ? 'it upgrades itself, and restarts itself when an upgrade asks for that' : 'it upgrades PostgreSQL by itself',
      evidence,
      follows: reboots
        ? 'several members may go down in the same minute, and with them the leader and the quorum'
        : 'services are restarted when the timer fires, maybe on several members at once',
      mend: `upgrade one host after the other instead: \`systemctl disable --now ${timer}\`, as root on ${host}`,
    },
  ];
}
