import { defineDiagnosis } from '../../index.js';
import { runs, watchedUnits } from '../shared/units.js';

/** Somebody forbade a service every start. */
export default defineDiagnosis({
  name: 'unit-masked',
  looksAt: 'masked units',
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) =>
      watchedUnits(examination, host).flatMap((watched) => {
        const { unit, service, boot } = watched;
        const masked = service?.masked ?? boot?.masked;
        if (masked === undefined) return [];
        const runtime = masked === 'for good' ? '' : '--runtime ';
        const running = runs(watched);
        return [
          {
            level: running ? ('danger' as const) : ('broken' as const),
            host: host.name,
            unit,
            what: `the unit ${unit} is masked`,
            evidence: [{ host: host.name, source: 'systemctl', line: `${unit}.service is masked ${masked}` }],
            follows: running ? 'it runs on, and once it ends nothing can start it again' : 'systemd does not start it, whoever asks for it',
            mend: `let it start again: \`systemctl unmask ${runtime}${unit} && systemctl start ${unit}\`, as root on ${host.name}`,
            explains: ['unit-failed', 'unit-stopped', 'unit-not-at-boot', 'member-down', 'store-member-down', 'consul-server-down'],
          },
        ];
      }),
    ),
});
