import { sh, type Script } from '../shell/quote.js';

/** Minutes after which what an earlier probe left is nobody's any more: none takes so long. */
const ABANDONED = 10;

/** Where all of these directories are made, which the next boot empties. */
const PARENT = '/run';

/**
 * Makes a directory of its own for a probe, in `$scratch`. It goes when the section ends, whatever ends it short of `kill -9` and power loss.
 * Probes run without the host's lock, so several may be under way.
 * @param purpose one word, for the directory's name
 */
export function scratchDirectory(purpose: string): Script {
  return sh`scratch=$(mktemp -d ${`${PARENT}/pgprov-${purpose}.XXXXXX`}) || exit 0
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM PIPE`;
}

/** Removes what probes that were killed left there for that purpose; costs nothing where there is none. */
export function clearScratch(purpose: string): Script {
  return sh`for left in ${`${PARENT}/pgprov-${purpose}`}.??????; do
[ ! -d "$left" ] || find "$left" -maxdepth 0 -mmin +${ABANDONED} -exec rm -rf {} +
done`;
}
