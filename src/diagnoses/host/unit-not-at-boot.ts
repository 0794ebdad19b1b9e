import { defineDiagnosis, pgprov } from '../../index.js';
import { runs, watchedUnits } from '../shared/units.js';

/** A service that runs would not start with its host. */
export default defineDiagnosis({
  name: 'unit-not-at-boot',
  looksAt: 'units that start at boot',
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) =>
      watchedUnits(examination, host).flatMap((watched) => {
        const { unit, service, boot } = watched;
        // Patroni's service is enabled apart from its being started, once it has proved itself.
        const enabled = boot ?? service;
        if (!runs(watched) || enabled?.enabled !== false || enabled.masked !== undefined || boot?.putOff === true) return [];
        return [
          {
            level: 'danger' as const,
            host: host.name,
            what: `the unit ${unit} runs, and would not start at the next boot`,
            evidence: [{ host: host.name, source: 'systemctl', line: `${unit}.service is not enabled` }],
            follows: 'after a reboot the host is not part of the cluster until somebody starts it',
            mend: `${pgprov`apply ${examination.view.inventory}`} enables it, or \`systemctl enable ${unit}\`, as root on ${host.name}`,
          },
        ];
      }),
    ),
});
