import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';
import { sideBySide } from './side-by-side.js';

/** One attempt to reach a peer. */
export interface Reach {
  address: string;
  port: number;
  /** `refused` is good news before the service runs: packets get there and back. */
  result: 'open' | 'refused' | 'filtered' | 'unresolved' | 'unreachable' | 'unknown';
}

/** The observation's id. */
export const REACHABILITY = handle<Reach[]>('reachability');

/** Seconds without any answer after which ports that were tried and are silent count as filtered. */
const PATIENCE = 2;

/** Seconds after which a host that is so busy that answers still come is asked no further. */
const MOST_SECONDS = 30;

/**
 * For bash, with addresses and ports as its words from the zeroth on. Why a port is not open is asked again, which costs a process. Time
 * counts from the last line of any attempt, because a busy host may take longer to begin them all than a packet does to get there and back.
 */
const TRY = sh`try() {
printf '%s %s begun\n' "$1" "$2"
if { : <"/dev/tcp/$1/$2"; } 2>/dev/null; then printf '%s %s open\n' "$1" "$2"; return; fi
answer=$({ : <"/dev/tcp/$1/$2"; } 2>&1)
case "$?:$answer" in
0:*) result=open ;;
*refused*) result=refused ;;
*'not known'*|*'resolution'*|*'No address'*) result=unresolved ;;
*unreachable*|*'No route'*) result=unreachable ;;
*) result=unknown ;;
esac
printf '%s %s %s\n' "$1" "$2" "$result"
}
set -- "$0" "$@"
lines=$(($# / 2 * 2))
exec 3< <(
while [ "$#" -gt 1 ]; do
try "$1" "$2" &
shift 2
done
)
while [ "$lines" -gt 0 ] && read -r -t ${PATIENCE} line <&3; do
printf '%s\n' "$line"
lines=$((lines - 1))
done
[ "$lines" = 0 ] || kill 0`;

/**
 * Tries TCP connections to peers, all at once, with bash's /dev/tcp, which every supported system has;
 * without bash the result is `unknown` and nobody objects.
 */
export function reachability(peers: readonly { address: string; port: number }[]): Observation<Reach[]> {
  const question = sideBySide(sh`command -v bash >/dev/null 2>&1 || exit 0
timeout ${MOST_SECONDS} bash -c ${TRY.text} ${peers.flatMap(({ address, port }) => [address, port])}
exit 0`);
  return {
    ...REACHABILITY,
    when: 'startAndEnd',
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => {
      const lines = answerLines(answer);
      const results = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
      return peers.map(({ address, port }) => {
        const result = results.get(`${address} ${port}`) ?? 'unknown';
        return { address, port, result: (result === 'begun' ? 'filtered' : result) as Reach['result'] };
      });
    },
  };
}
