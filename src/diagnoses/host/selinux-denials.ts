import { topologyOf, defineDiagnosis, SELINUX_DENIALS, selinuxDenials } from '../../index.js';
import { asEvidence, workedLast } from '../shared/lines.js';
import { runs, watchedUnits } from '../shared/units.js';

/** Seconds after a service’s last good word in which a denial is counted among what stopped it. */
const AROUND = 60_000;

/** SELinux keeps a service of the cluster from something, and a service is down. */
export default defineDiagnosis({
  name: 'selinux-denials',
  looksAt: 'what SELinux forbids',
  asks: ({ platform }) => (platform.family === 'el' ? [selinuxDenials()] : []),
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) => {
      const down = watchedUnits(examination, host).filter((watched) => !runs(watched));
      const after = (workedLast(examination, host.name) ?? examination.now - 86_400_000) - AROUND;
      const words = down.map(({ unit }) => unit).concat(['postgres', 'patroni', 'postmaster']);
      const denied = (examination.view.read(host.name, SELINUX_DENIALS) ?? [])
        .filter(({ at, text }) => at > after && words.some((word) => text.includes(`comm="${word}`) || text.includes(`${word}_`)))
        .map((line) => ({ ...line, host: host.name }));
      const [first] = denied;
      // What SELinux forbids to services that work they can do without.
      if (first === undefined || down.length === 0) return [];
      return [
        {
          level: 'broken' as const,
          host: host.name,
          what: `SELinux forbids ${/comm="([^"]*)"/u.exec(first.text)?.[1] ?? 'a service'} what it needs`,
          since: first.at,
          evidence: denied.slice(-3).map(asEvidence),
          follows: 'the service does not start, or ends, with “Permission denied” where the permissions of files are right',
          mend: `label its files as the policy has them: \`restorecon -Rv /var/lib/pgsql /var/lib/${topologyOf(host) === 'patroni' ? 'pgprov /etc/patroni' : 'pgprov'}\`, as root on ${host.name}; \`ausearch -m avc -ts recent\` shows what is left`,
          explains: ['unit-failed', 'unit-restarts', 'member-down', 'store-member-down'],
        },
      ];
    }),
});
