import { handle } from '../handle.js';
import { KEPT_TOO } from '../dnf.js';
import { answerLines, type Observation } from '../resource.js';
import { sh, type Script } from '../../shell/quote.js';
import type { PackageManager } from './installed.js';

/** What a host's repositories have of a package. */
export interface PackageOffer {
  installed?: string;
  /** What the package manager would install now; absent where the host knows none. */
  candidate?: string;
  /** All versions that the host knows, the installed one among them, the newest first. */
  versions: readonly string[];
  /** Somebody put it on hold. */
  held?: true;
}

/** What a host's repositories offer. */
export interface PackageOffers {
  packages: Readonly<Record<string, PackageOffer>>;
  /** Why the lists could not be refreshed, in the package manager's own words; undefined: they were. */
  stale?: string;
}

/** The observation's id. */
export const PACKAGE_OFFERS = handle<PackageOffers>('package-offers');

/** Attempts to refresh the lists while somebody else's package manager is at work, five seconds apart. */
const ATTEMPTS = 24;

/** What the repositories of a host offer of these packages, from lists that are refreshed first; asked once in a run. */
export function packageOffers(manager: PackageManager, packages: readonly string[]): Observation<PackageOffers> {
  return {
    ...PACKAGE_OFFERS,
    when: 'start',
    probe: (last) => (last === undefined ? (manager === 'apt' ? aptOffers(packages) : dnfOffers(packages)) : sh`:`),
    parse: (answer, last) => {
      if (last !== undefined) return last;
      const lines = answerLines(answer).map((line) => line.split('\t'));
      const of = (kind: string, name: string): string[] =>
        lines.flatMap(([first, second, third = '']) => (first === kind && second === name ? [third] : []));
      const stale = lines.find(([kind]) => kind === 'stale')?.[1];
      const offers = packages.map((name): [string, PackageOffer] => {
        const [installed] = of('installed', name);
        const [candidate] = of('candidate', name);
        return [
          name,
          {
            ...(installed === undefined ? {} : { installed }),
            ...(candidate === undefined ? {} : { candidate }),
            versions: [...new Set(of('version', name))],
            ...(of('held', name).length === 0 ? {} : { held: true }),
          },
        ];
      });
      return { packages: Object.fromEntries(offers), ...(stale === undefined ? {} : { stale }) };
    },
  };
}

/** Refreshes the lists; `refresh` leaves its output in `$said`. */
function refreshed(refresh: Script, busy: string): Script {
  return sh`tries=0
until said=$(${refresh} 2>&1); do
tries=$((tries + 1))
if [ "$tries" -lt ${ATTEMPTS} ] && printf '%s\n' "$said" | grep -qE ${busy}; then sleep 5; continue; fi
printf 'stale\t%s\n' "$(printf '%s\n' "$said" | grep -E '^(E|W|Err|Error)' | head -n 1 | tr '\t' ' ')"
break
done`;
}

/** `apt-cache policy` has versions newest first, each on a line with five spaces, or ` *** ` before the installed one. */
function aptOffers(packages: readonly string[]): Script {
  return sh`${refreshed(sh`DEBIAN_FRONTEND=noninteractive apt-get -q -o APT::Update::Error-Mode=any update </dev/null`, 'Could not get lock|Unable to (acquire|lock)')}
LC_ALL=C apt-cache policy ${packages} 2>/dev/null | awk -v OFS='\t' '
/^[^ ]/ { sub(/:$/, ""); name = $0 }
$1 == "Installed:" && $2 != "(none)" { print "installed", name, $2 }
$1 == "Candidate:" && $2 != "(none)" { print "candidate", name, $2 }
/^ \*\*\* / { print "version", name, $2 }
/^     [^ ]/ { print "version", name, $1 }'
apt-mark showhold ${packages} 2>/dev/null | sed 's/:.*//; s/^/held\t/'`;
}

/** dnf lists what its configuration does not exclude. */
function dnfOffers(packages: readonly string[]): Script {
  return sh`${refreshed(sh`dnf -q -y --refresh --setopt=exit_on_lock=True makecache </dev/null`, 'lock')}
${KEPT_TOO}
offered=$(dnf -q -y -C $kept_too repoquery --showduplicates --qf '%{name} %{version}-%{release}' ${packages} </dev/null 2>/dev/null) || offered=
there=$(rpm -q --qf '%{NAME} %{VERSION}-%{RELEASE}\n' ${packages} 2>/dev/null | grep -v 'not installed') || :
for name in ${packages}; do
printf '%s\n' "$there" | awk -v OFS='\t' -v name="$name" '$1 == name { print "installed", $1, $2 }'
printf '%s\n' "$offered" | awk -v name="$name" '$1 == name { print $2 }' | sort -uVr | head -n 1 | sed "s/^/candidate	$name	/"
printf '%s\n%s\n' "$offered" "$there" | awk -v name="$name" '$1 == name { print $2 }' | sort -uVr | sed "s/^/version	$name	/"
done`;
}
