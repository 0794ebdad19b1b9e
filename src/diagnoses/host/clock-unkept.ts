import { CLOCK_SERVICE, clockService, defineDiagnosis, type Platform } from '../../index.js';

/** What a system has of its own to keep a clock: it is installed only where nothing else is, which it would replace. */
const KEEPS_IT: Readonly<Record<Platform['family'], string>> = {
  debian: 'apt-get install -y systemd-timesyncd',
  el: '{ dnf install -y chrony && systemctl enable --now chronyd; }',
};

/** Nothing keeps the clock of a host right. */
export default defineDiagnosis({
  name: 'clock-unkept',
  looksAt: 'what keeps the clocks right',
  asks: () => [clockService()],
  find: ({ view }) =>
    view.inventory.hosts.flatMap(({ name: host }) => {
      const clock = view.read(host, CLOCK_SERVICE);
      const family = view.platform(host)?.family;
      // A container has the clock of its machine; and a service that was just started needs minutes until the kernel calls it synchronised.
      if (clock === undefined || clock.container || clock.synchronised !== false || clock.programs.length > 0) return [];
      return [
        {
          level: 'notice' as const,
          host,
          what: 'nothing keeps the clock right: no program for it runs, and the kernel calls it unsynchronised',
          evidence: [{ host, source: 'timedatectl', line: 'NTPSynchronized=no' }],
          follows: 'it drifts from those of the other hosts by seconds in a week',
          mend: `have it kept: \`timedatectl set-ntp true${family === undefined ? '' : ` || ${KEEPS_IT[family]}`}\`, as root on ${host}`,
        },
      ];
    }),
});
