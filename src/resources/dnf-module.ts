import { sh } from '../shell/quote.js';
import { defineDnf } from './dnf.js';
import { DEFAULT_LOCK_TIMEOUT } from './packages-state.js';
import { answerLines, digestOf, type Change, type Resource } from './resource.js';

/** What dnf has recorded of a module. */
export interface DnfModuleState {
  /** `enabled`, `disabled` or '' where nobody decided. */
  state: string;
  /** The stream that is enabled, '' for none. */
  stream: string;
  /** dnf said once that there is no such module on this system. */
  unknown: boolean;
}

/** Where a host notes modules that it does not have, because dnf itself keeps no record of that. */
const UNKNOWN_MODULES = '/var/lib/pgprov/unknown-modules';

/** A module of the distribution that is disabled, or that the system does not have at all. */
export function dnfModuleDisabled(
  name: string,
  { lockTimeout = DEFAULT_LOCK_TIMEOUT }: { lockTimeout?: number } = {},
): Resource<DnfModuleState> {
  const id = `dnf-module:${name}`;
  const unknown = `${UNKNOWN_MODULES}/${name}`;
  return {
    id,
    probe: () => sh`sed -n -e 's/^state *= */state=/p' -e 's/^stream *= */stream=/p' ${`/etc/dnf/modules.d/${name}.module`} 2>/dev/null
if [ -e ${unknown} ]; then echo unknown=yes; fi`,
    parse: (answer) => {
      const values = new Map(answerLines(answer).map((line) => line.split('=', 2) as [string, string]));
      return { state: values.get('state') ?? '', stream: values.get('stream') ?? '', unknown: values.get('unknown') === 'yes' };
    },
    diff: ({ state, stream, unknown: isUnknown }): Change[] => {
      if (state === 'disabled' || (state === '' && isUnknown)) return [];
      const why = state === 'enabled' ? `, of which somebody enabled ${stream === '' ? 'a stream' : `the stream ${stream}`}` : '';
      return [{ action: 'update', summary: `disable the distribution’s module ${name}${why}` }];
    },
    apply: () => sh`mkdir -p ${UNKNOWN_MODULES}
rm -f ${unknown}
${defineDnf(lockTimeout)}
trap 'rm -f "$dnf_log"' EXIT
if ! run_dnf module disable ${name}; then
if grep -qE 'Unable to resolve argument|No matching Modules|missing groups or modules' "$dnf_log"; then
: >${unknown}
else
explain_dnf
exit 1
fi
fi`,
    digest: () => digestOf(id),
  };
}
