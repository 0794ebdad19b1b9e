import { defineDiagnosis, enumerate, PACKAGE_TROUBLE } from '../../index.js';
import { packagesAsked } from '../shared/packages.js';

/** A package is half installed or not configured, or the package manager was cut off. */
export default defineDiagnosis({
  name: 'packages-unfinished',
  looksAt: 'packages that are half installed',
  asks: (context) => [packagesAsked(context)],
  find: ({ view }) =>
    view.inventory.hosts.flatMap(({ name: host }) => {
      const state = view.read(host, PACKAGE_TROUBLE);
      const manager = view.platform(host)?.packageManager;
      if (state === undefined || (!state.interrupted && state.unfinished.length === 0)) return [];
      const names = state.unfinished.map(({ name }) => name);
      return [
        {
          level: 'danger' as const,
          host,
          what:
            names.length === 0
              ? 'a run of the package manager was cut off'
              : `${names.length === 1 ? 'the package' : 'the packages'} ${enumerate(names)} ${names.length === 1 ? 'is' : 'are'} not wholly installed`,
          evidence: [
            ...state.unfinished.map(({ line }) => ({ host, source: manager === 'dnf' ? 'rpm -q' : 'dpkg', line })),
            ...(state.interrupted ? [{ host, source: '/var/lib/dpkg/updates', line: 'dpkg was interrupted' }] : []),
          ],
          follows: 'no run can install anything there, and the programs of it may be missing or of two versions',
          mend:
            manager === 'dnf'
              ? `have it finish: \`dnf -y remove --duplicates\`, as root on ${host}`
              : `have it finish: \`dpkg --configure -a && apt-get -f -y install\`, as root on ${host}`,
        },
      ];
    }),
});
