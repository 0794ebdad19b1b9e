import { defineDiagnosis, enumerate, PACKAGE_TROUBLE } from '../../index.js';
import { packagesAsked } from '../shared/packages.js';

/** Somebody put packages of the cluster on hold on some of its hosts, and not on others. */
export default defineDiagnosis({
  name: 'packages-held',
  looksAt: 'packages that are on hold on some hosts only',
  asks: (context) => [packagesAsked(context)],
  find: ({ view }) => {
    const hosts = view.inventory.hosts.flatMap(({ name }) => {
      const state = view.read(name, PACKAGE_TROUBLE);
      return state === undefined ? [] : [{ host: name, held: state.held, manager: view.platform(name)?.packageManager }];
    });
    const everywhere = (name: string): boolean => hosts.every(({ held }) => held.includes(name));
    return hosts.flatMap(({ host, held, manager }) => {
      const names = held.filter((name) => !everywhere(name));
      if (names.length === 0) return [];
      const release = manager === 'dnf' ? 'dnf versionlock delete' : 'apt-mark unhold';
      return [
        {
          level: 'notice' as const,
          host,
          what: `${enumerate(names)} ${names.length === 1 ? 'is' : 'are'} on hold here, and not on every host`,
          evidence: [{ host, source: manager === 'dnf' ? 'versionlock.list' : 'apt-mark showhold', line: names.join(' ') }],
          follows: 'an upgrade leaves this host at its version while the others move on',
          mend: `hold on all hosts or none: \`${release} ${names.join(' ')}\`, as root on ${host}, takes it off`,
        },
      ];
    });
  },
});
