import { WORK_DIRECTORY } from '../shell/lock.js';
import { sh, type Script } from '../shell/quote.js';
import { DNF_PROGRESS, WITH_PROGRESS } from './package-progress.js';

/**
 * Sets `$kept_too`, empty or an option with which dnf also takes packages that pgprov's own repositories keep from upgrades of the whole system; no
 * name of a repository has a space in it.
 */
export const KEPT_TOO: Script = sh`kept_too=
if grep -qs '^excludepkgs=' /etc/yum.repos.d/*-pgprov.repo; then
kept_too=--disableexcludes=$(sed -n 's/^\[\(.*\)\]$/\1/p' /etc/yum.repos.d/*-pgprov.repo | paste -sd , -)
fi`;

/**
 * Defines `run_dnf`: runs dnf until nobody else holds its locks, saying so; by itself dnf would wait for
 * ever and silently. Leaves the output in `$dnf_log`. Always with -y and without input, because dnf asks
 * about keys of a signed index even for a mere query.
 */
export function defineDnf(lockTimeout: number): Script {
  return sh`dnf_log=$(mktemp ${WORK_DIRECTORY}/dnf.XXXXXX)
${WITH_PROGRESS}
${DNF_PROGRESS}
run_dnf() {
${KEPT_TOO}
waited=0
while :; do
dnf_status=0
with_progress dnf_progress dnf -y --setopt=exit_on_lock=True $kept_too "$@" </dev/null >"$dnf_log" 2>&1 || dnf_status=$?
[ "$dnf_status" != 0 ] || return 0
[ "$dnf_status" = 200 ] || grep -q "can't create transaction lock" "$dnf_log" || return "$dnf_status"
if [ "$waited" -ge ${lockTimeout} ]; then
grep -E 'lock' "$dnf_log" >"$dnf_log.lock" || :
mv -f "$dnf_log.lock" "$dnf_log"
echo "the package manager's lock is held by another process, still after $waited s" >>"$dnf_log"
return "$dnf_status"
fi
note "waiting for the package manager's lock ($waited s)"
sleep 2
waited=$((waited + 2))
done
}
explain_dnf() {
grep -E '^(Error|error|RPM|Public key|Failing package|The GPG keys)|^ +- |^ Problem|lock is held|already locked by|GPG|No space left|Status code|Curl error|Unable to find a match|filtered out' "$dnf_log" || tail -n 15 "$dnf_log"
}`;
}
