import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** What is out of order with the packages of a host. */
export interface PackageTrouble {
  /** Packages that are not wholly installed, in the package manager's own words. */
  unfinished: readonly { name: string; line: string }[];
  /** A run of the package manager was cut off, and it takes no further one before that is mended. */
  interrupted: boolean;
  /** Packages of those asked for that the package manager is told to leave as they are. */
  held: readonly string[];
}

/** The observation's id; undefined while somebody installs packages. */
export const PACKAGE_TROUBLE = handle<PackageTrouble | undefined>('package-trouble');

/** Programs in whose presence a package may be half installed for a moment. */
const AT_WORK = 'dpkg|apt|apt-get|aptitude|dnf|yum|rpm|dnf-automatic';

/** A line of each package for dpkg-query: what is wanted, what is, and whether it must be installed anew. */
const STATES = 'unfinished\\t${Package}\\t${db:Status-Abbrev}\\n';

const BUSY = sh`busy=
for at in /proc/[0-9]*/comm; do
read -r comm 2>/dev/null <"$at" || continue
case "|"${AT_WORK}"|" in *"|$comm|"*) busy=yes ;; esac
done
[ -z "$busy" ] || { echo busy; exit 0; }`;

/** What dpkg or rpm has left unfinished, of all packages, and which of the given ones are on hold. */
export function packageTrouble(manager: 'apt' | 'dnf', packages: readonly string[]): Observation<PackageTrouble | undefined> {
  return {
    ...PACKAGE_TROUBLE,
    when: 'start',
    probe: () =>
      manager === 'apt'
        ? sh`(
${BUSY}
for update in /var/lib/dpkg/updates/[0-9]*; do
[ ! -e "$update" ] || { echo interrupted; break; }
done
dpkg-query -W -f ${STATES} 2>/dev/null | grep -v '	.[nic] $' || :
apt-mark showhold ${packages} 2>/dev/null | sed 's/^/held\t/'
)`
        : sh`(
${BUSY}
rpm -q --qf 'installed\t%{NAME}\t%{VERSION}-%{RELEASE}\n' ${packages} 2>/dev/null | grep '^installed' || :
for name in ${packages}; do
grep -v '^ *#' /etc/dnf/plugins/versionlock.list 2>/dev/null | grep -F -e "$name" | grep -v '^!' | sed "s/.*/held\t$name/"
done
:
)`,
    parse: (answer) => {
      const lines = answerLines(answer).map((line) => line.split('\t'));
      if (lines.some(([kind]) => kind === 'busy')) return undefined;
      const of = (kind: string): string[][] => lines.filter(([first]) => first === kind).map(([, ...rest]) => rest);
      const installed = of('installed');
      const twice = packages.filter((name) => installed.filter(([other]) => other === name).length > 1);
      return {
        interrupted: lines.some(([kind]) => kind === 'interrupted'),
        unfinished: [
          ...of('unfinished').map(([name = '', state = '']) => ({ name, line: `${state.trim()} ${name}` })),
          ...twice.map((name) => ({
            name,
            line: installed.flatMap(([other = '', version = '']) => (other === name ? [`${name}-${version}`] : [])).join(' '),
          })),
        ],
        held: [...new Set(of('held').map(([name = '']) => name))],
      };
    },
  };
}
