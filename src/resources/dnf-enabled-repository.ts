import { sh } from '../shell/quote.js';
import { defineDnf } from './dnf.js';
import { DEFAULT_LOCK_TIMEOUT } from './packages-state.js';
import { answerText, digestOf, type Resource } from './resource.js';

/** A repository that the system knows and that is to be enabled, such as CRB. */
export function dnfEnabledRepository(repository: string): Resource<{ enabled: boolean }> {
  const id = `dnf-repository:${repository}`;
  return {
    id,
    // As for dnf, the first file that has the repository counts, and in it the last of several sections.
    probe: () => sh`awk -v want=${`[${repository}]`} '
FNR == 1 { inside = 0 }
/^\[/ { inside = ($1 == want && (found == "" || found == FILENAME)); if (inside) found = FILENAME }
inside && /^enabled *=/ { sub(/^[^=]*= */, ""); enabled = $0 }
END { if (found != "") print (enabled == "" ? 1 : enabled); else print "absent" }' /etc/yum.repos.d/*.repo 2>/dev/null`,
    parse: (answer) => ({ enabled: /^(?:1|true|yes|on)$/iu.test(answerText(answer).trim()) }),
    diff: ({ enabled }) => (enabled ? [] : [{ action: 'enable', summary: `enable the repository ${repository}` }]),
    apply: () => sh`${defineDnf(DEFAULT_LOCK_TIMEOUT)}
trap 'rm -f "$dnf_log"' EXIT
if ! run_dnf install dnf-plugins-core || ! run_dnf config-manager --set-enabled ${repository}; then
explain_dnf
exit 1
fi`,
    digest: () => digestOf(id),
  };
}
