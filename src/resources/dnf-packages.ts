import { Script, sh } from '../shell/quote.js';
import { defineDnf, KEPT_TOO } from './dnf.js';
import { keepOff } from './keep-off.js';
import {
  DEFAULT_LOCK_TIMEOUT,
  installChanges,
  wantedOf,
  packagesHandle,
  versionWords,
  type PackagesOptions,
  type PackagesState,
} from './packages-state.js';
import { answerLines, digestOf, UnknownAnswer, type Resource } from './resource.js';
import type { SharedQuestion } from './shared-question.js';

/** Asks rpm for the packages of these names, which are not paths: a line each, `=name version-release`, of those that are there. */
export function dnfQuestion(names: readonly string[]): SharedQuestion {
  return {
    variable: 'pgprov_packages',
    subjects: names,
    ask: (all) => sh`rpm -q --qf '=%{NAME} %{VERSION}-%{RELEASE}\n' ${all} 2>/dev/null || :`,
  };
}

/** Sets `$version` to that of the package `$name`, or of what else provides it, which has to be asked for each. */
const VERSION_OF_NAME = Script.build(`rest=\${all#*"$pgprov_nl=$name "}
if [ "$rest" != "$all" ]; then version=\${rest%%"$pgprov_nl"*}
else version=$(rpm -q --whatprovides --qf '%{VERSION}-%{RELEASE}\\n' "$name" 2>/dev/null) || version=missing
fi`);

/**
 * Packages installed with dnf, without what they merely recommend. A name may also be the path of a file,
 * for which any package that brings it will do.
 */
export function dnfPackages(options: PackagesOptions): Resource<PackagesState> {
  const { packages } = options;
  const { id } = packagesHandle(options.name);
  const names = packages.filter((name) => !name.startsWith('/'));
  const off = keepOff(options.disable ?? []);
  return {
    id,
    sharedQuestions: names.length === 0 ? [] : [dnfQuestion(names)],
    // What would be installed is asked only where the indexes are there already, because dnf is slow to fetch them.
    probe: () => sh`missing=
all=$pgprov_nl$pgprov_packages$pgprov_nl
for name in ${packages}; do
case "$name" in
/*) if [ -e "$name" ]; then version=present; else version=missing; fi ;;
*)
${VERSION_OF_NAME}
;;
esac
set -- $version
printf '%s %s\n' "$name" "$1"
[ "$1" != missing ] || missing="$missing $name"
done
if [ -n "$missing" ] && ls -d /var/cache/dnf/pgprov-* >/dev/null 2>&1; then
${KEPT_TOO}
dnf -q -y -C $kept_too repoquery --latest-limit 1 --qf '%{name} %{version}-%{release} candidate' $missing </dev/null 2>/dev/null || :
fi`,
    parse: (answer) => {
      const lines = answerLines(answer).map((line) => line.split(' ') as [string, string, string | undefined]);
      const found = new Map(lines.filter(([, , what]) => what === undefined).map(([name, version]) => [name, version]));
      const candidates = new Map(
        lines.filter(([, , what]) => what === 'candidate').map(([name, version]) => [name, { candidate: version }]),
      );
      if (packages.some((name) => !found.has(name))) throw new UnknownAnswer(id, answer);
      return Object.fromEntries(packages.map((name) => [name, found.get(name) === 'missing' ? candidates.get(name) : found.get(name)]));
    },
    diff: (state) => installChanges(packages, state),
    apply: (_changes, state) => sh`${defineDnf(options.lockTimeout ?? DEFAULT_LOCK_TIMEOUT)}
trap 'rm -f "$dnf_log"' EXIT
${off.before}
set -- --setopt=install_weak_deps=False install ${wantedOf(options, state, '-')}
if ! run_dnf "$@" && grep -qE 'Unable to find a match|Status code: 404|All mirrors were' "$dnf_log"; then
note 'refreshing the package lists'
run_dnf --refresh "$@" || :
fi
if [ "$dnf_status" != 0 ]; then
explain_dnf
if grep -q 'nothing provides' "$dnf_log"; then
echo 'a package that it needs is in none of the enabled repositories; pgdg.epel: true enables EPEL, pgdg.crb: true CRB'
fi
if grep -qE 'exclude filtering|filtered out' "$dnf_log"; then
echo 'the configuration of dnf excludes it: dnf versionlock list and excludepkgs in /etc/dnf/dnf.conf show where; dnf versionlock delete NAME removes a lock'
fi
${off.failed}
exit 1
fi
${off.done}`,
    digest: () => digestOf(id, ...packages, ...versionWords(options)),
  };
}
