import { aptQuestion } from '../apt-packages.js';
import { DEFAULT_LOCK_TIMEOUT } from '../packages-state.js';
import { digestOf, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { sh, type Script } from '../../shell/quote.js';
import { readHeld } from './installed.js';

/** Packages that apt leaves in the version that they have, or does not. */
export interface OnHoldOptions {
  /** Names this resource among others of the host: a role. */
  name: string;
  packages: readonly string[];
  /** They are to be on hold; otherwise none of them is. */
  hold: boolean;
  /** Seconds to wait for somebody else's package manager; default 300. */
  lockTimeout?: number;
}

/** The packages that are on hold. */
export interface OnHoldState {
  held: readonly string[];
}

/** What dpkg has on hold of these packages: nothing but who says so brings them to another version (apt-mark(8)). */
export function packagesOnHold({ name, packages, hold, lockTimeout = DEFAULT_LOCK_TIMEOUT }: OnHoldOptions): Resource<OnHoldState> {
  const question = aptQuestion(packages);
  const differing = ({ held }: OnHoldState): string[] => packages.filter((each) => held.includes(each) !== hold);
  return {
    id: `packages-on-hold:${name}`,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => ({ held: readHeld(answer, packages) }),
    diff: (state) => {
      const names = differing(state);
      if (names.length === 0) return [];
      if (!hold) return [{ action: 'run', summary: `take ${names.join(' ')} off hold` }];
      const danger = 'an upgrade of the whole system would restart what its packages bring, at its own moment';
      return [{ action: 'run', summary: `put ${names.join(' ')} on hold`, danger }];
    },
    apply: (_changes, state) => markedBy(hold ? 'hold' : 'unhold', differing(state), lockTimeout),
    digest: () => digestOf('packages-on-hold', String(hold), ...packages),
  };
}

/** It takes the lock of dpkg's database, and does not wait for it. */
export function markedBy(mark: 'hold' | 'unhold', names: readonly string[], lockTimeout: number): Script {
  return sh`waited=0
until said=$(apt-mark ${mark} ${names} 2>&1); do
case "$said" in *lock*) ;; *) printf '%s\n' "$said"; exit 1 ;; esac
if [ "$waited" -ge ${lockTimeout} ]; then
printf '%s\n' "$said"
exit 1
fi
note "waiting for the package manager's lock ($waited s)"
sleep 2
waited=$((waited + 2))
done`;
}
