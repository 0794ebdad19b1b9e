import { WORK_DIRECTORY } from '../shell/lock.js';
import { sh, type Script } from '../shell/quote.js';
import { keepOff } from './keep-off.js';
import { APT_PROGRESS, WITH_PROGRESS } from './package-progress.js';
import {
  DEFAULT_LOCK_TIMEOUT,
  heldPackages,
  installChanges,
  wantedOf,
  packagesHandle,
  versionWords,
  type PackagesOptions,
  type PackagesState,
} from './packages-state.js';
import { answerLines, digestOf, UnknownAnswer, type Resource } from './resource.js';
import { type SharedQuestion, printAnswer } from './shared-question.js';

const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_MARK = '# pgprov: no service starts by itself while packages are installed';

/**
 * Keeps packages from starting services: Debian's etcd would form a cluster of one at once. A policy of
 * somebody else is put aside and back; a leftover of an interrupted run is recognised by its mark.
 */
export const HOLD_BACK_SERVICES: Script = sh`policy=${POLICY}
restore() {
rm -f "$policy"
[ ! -e "$policy.pgprov-saved" ] || mv -f "$policy.pgprov-saved" "$policy"
}
trap restore EXIT
if [ -e "$policy" ] && ! grep -qF ${POLICY_MARK} "$policy"; then mv -f "$policy" "$policy.pgprov-saved"; fi
printf '#!/bin/sh\n%s\nexit 101\n' ${POLICY_MARK} >"$policy"
chmod 0755 "$policy"`;

/** Succeeds where a run that was cut off has left the policy. */
export const isHeldBackByPolicy: Script = sh`grep -qsF ${POLICY_MARK} ${POLICY}`;

/**
 * Defines `apt_get`: runs apt-get until nobody else holds its locks, saying who does; apt's own time-out
 * covers only one of the three locks and says nothing while it waits. Leaves the output in `$apt_log`.
 */
export function defineAptGet(lockTimeout: number): Script {
  return sh`DEBIAN_FRONTEND=noninteractive
NEEDRESTART_SUSPEND=1
APT_LISTCHANGES_FRONTEND=none
UCF_FORCE_CONFFOLD=1
export DEBIAN_FRONTEND NEEDRESTART_SUSPEND APT_LISTCHANGES_FRONTEND UCF_FORCE_CONFFOLD
apt_log=$(mktemp ${WORK_DIRECTORY}/apt.XXXXXX)
${WITH_PROGRESS}
${APT_PROGRESS}
apt_get() {
waited=0
while :; do
apt_status=0
with_progress apt_progress apt-get -q -y "$@" >"$apt_log" 2>&1 || apt_status=$?
[ "$apt_status" != 0 ] || return 0
grep -qE 'Could not get lock|Unable to (acquire|lock)' "$apt_log" || return "$apt_status"
held=$(grep -m1 -oE 'held by process [0-9]+ \([^)]*\)' "$apt_log" || echo 'held by another process')
if [ "$waited" -ge ${lockTimeout} ]; then
echo "the package manager's lock is $held, still after $waited s" >"$apt_log"
return "$apt_status"
fi
note "waiting for the package manager's lock, $held ($waited s)"
sleep 2
waited=$((waited + 2))
done
}
apt_explain() {
grep -E '^(E|W|dpkg): |^Err:|lock is held|No space left|  [45][0-9][0-9] ' "$apt_log" || tail -n 15 "$apt_log"
}`;
}

/**
 * Asks which of the packages are known to dpkg, which reads its whole database to answer: a line each of name, status, version (which may
 * be empty) and what is wanted of it.
 */
export function aptQuestion(packages: readonly string[]): SharedQuestion {
  return {
    variable: 'pgprov_packages',
    subjects: packages,
    ask: (all) => sh`dpkg-query -W -f ${'${Package} ${db:Status-Status} ${Version} ${db:Status-Want}\n'} ${all} 2>/dev/null || :`,
  };
}

/** Packages installed with apt, without what they merely recommend, and without starting their services. */
export function aptPackages(options: PackagesOptions): Resource<PackagesState> {
  const { packages } = options;
  const { id } = packagesHandle(options.name);
  const off = keepOff(options.disable ?? []);
  const question = aptQuestion(packages);
  return {
    id,
    sharedQuestions: [question],
    // What would be installed is asked only where something is missing, because apt-cache is slow.
    probe: () => sh`${printAnswer(question)}
for name in ${packages}; do
case "$pgprov_nl$pgprov_packages" in
*"$pgprov_nl$name installed "*) ;;
*)
apt-cache policy ${packages} 2>/dev/null | awk '/^[^ ]/ { sub(/:$/, ""); name = $0 } $1 == "Candidate:" && $2 != "(none)" { print name, "candidate", $2 }'
break
;;
esac
done`,
    parse: (answer) => {
      const state: PackagesState = Object.fromEntries(packages.map((name) => [name, undefined]));
      for (const line of answerLines(answer)) {
        const [name, status, version, want] = line.split(' ');
        if (name === undefined || version === undefined) throw new UnknownAnswer(id, answer);
        if (!packages.includes(name)) continue;
        if (status === 'installed') state[name] = version;
        else if (typeof state[name] !== 'string') {
          state[name] = {
            ...state[name],
            ...(status === 'candidate' ? { candidate: version } : {}),
            ...(want === 'hold' ? { held: true as const } : {}),
          };
        }
      }
      return state;
    },
    diff: (state) => installChanges(packages, state),
    obstacle: (state) => heldPackages(packages, state, 'apt-mark unhold'),
    apply: (_changes, state) => sh`${HOLD_BACK_SERVICES}
${defineAptGet(options.lockTimeout ?? DEFAULT_LOCK_TIMEOUT)}
trap 'restore; rm -f "$apt_log"' EXIT
if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
note 'finishing an interrupted package installation'
dpkg --force-confold --configure -a
fi
${off.before}
set -- -o Dpkg::Options::=--force-confold --no-install-recommends install ${wantedOf(options, state, '=')}
if ! apt_get "$@" && grep -qE 'Unable to locate package|Version .* was not found|no installation candidate|unmet dependencies|404 +Not Found' "$apt_log"; then
note 'refreshing the package lists'
if apt_get -o APT::Update::Error-Mode=any update; then apt_get "$@" || :; fi
fi
if [ "$apt_status" != 0 ]; then
apt_explain
set -- $(apt-mark showhold 2>/dev/null)
if [ "$#" != 0 ] && grep -qi 'held .*packages' "$apt_log"; then
echo "apt leaves what is on hold as it is; apt-mark unhold $* lets it change that"
fi
${off.failed}
exit 1
fi
${off.done}`,
    digest: () => digestOf(id, ...packages, ...versionWords(options)),
  };
}
