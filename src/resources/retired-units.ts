import { handle, type Handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { enumerate } from '../lib/enumerate.js';
import { answerLines, digestOf, type Resource } from './resource.js';

/** What is seen of units that are to be stopped for good, by a name for them. */
export function retiredHandle(name: string): Handle<readonly string[]> {
  return handle(`retired:${name}`);
}

/**
 * Units that do not run, and do not start at a boot; one that the host does not have is well.
 * @param name tells them from others of the host
 * @param units with their suffixes: `etcd.service`
 */
export function retiredUnits(name: string, units: readonly string[]): Resource<readonly string[]> {
  const { id } = retiredHandle(name);
  return {
    id,
    probe: () => sh`for unit in ${units}; do
active=$(systemctl is-active "$unit" 2>/dev/null) || :
enabled=$(systemctl is-enabled "$unit" 2>/dev/null) || :
case "$active:$enabled" in
active:* | activating:* | reloading:* | deactivating:* | *:enabled*) printf '%s\n' "$unit" ;;
esac
done`,
    parse: (answer) => answerLines(answer),
    diff: (left) => (left.length === 0 ? [] : [{ action: 'run', summary: `stop and disable ${enumerate(left)}` }]),
    apply: (_changes, left) => sh`for unit in ${left}; do
systemctl disable "$unit" 2>&1 || exit 1
systemctl stop "$unit" 2>&1 || exit 1
done`,
    digest: () => digestOf(id, ...units),
  };
}
