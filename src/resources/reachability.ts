import { handle } from './handle.js';
import { seconds } from '../shell/patience.js';
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

/** Seconds of silence after which the host asks itself whether it is only too busy to hear anything. */
const PATIENCE = 2;

/** So often in a row it must be silent, and the host not too busy, before ports that were tried count as filtered. */
const SILENCES = 2;

/** Seconds after which a host that is so busy that answers still come, or that cannot even ask itself, is asked no further. */
const MOST_SECONDS = 60;

/** The last line where what was tried and is silent is filtered. Without it the host was too busy to tell. */
const QUIET = 'quiet';

/**
 * For bash, with addresses and ports as its words from the zeroth on. Why a port is not open is asked again, which costs a process. Time
 * counts from the last line of any attempt, because a busy host may take longer to begin them all than a packet does to get there and back.
 * When nothing is heard the host tries a port of its own that nobody has, which is refused at once where it has time to try it; then it
 * listens on, since an answer may have come meanwhile, and the kernel repeats what was lost after one second and after three.
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
silences=0
while [ "$lines" -gt 0 ]; do
if read -r -t "$patience" line <&3; then
printf '%s\n' "$line"
lines=$((lines - 1))
silences=0
elif [ "$?" -le 128 ]; then break
else
asked=$SECONDS
(: <"/dev/tcp/127.0.0.1/1") 2>/dev/null
silences=$((silences + 1))
[ "$((SECONDS - asked))" -le 1 ] || silences=0
[ "$silences" -lt ${SILENCES} ] || { echo ${QUIET}; break; }
fi
done
[ "$lines" = 0 ] || kill 0`;

/**
 * Tries TCP connections to peers, all at once, with bash's /dev/tcp, which every supported system has;
 * without bash, and on a host that is too busy to tell, the result is `unknown` and nobody objects.
 */
export function reachability(peers: readonly { address: string; port: number }[]): Observation<Reach[]> {
  const question = sideBySide(sh`command -v bash >/dev/null 2>&1 || exit 0
patience=${seconds(PATIENCE)} timeout ${seconds(MOST_SECONDS)} bash -c ${TRY.text} ${peers.flatMap(({ address, port }) => [address, port])}
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
        const silent = lines.at(-1) === QUIET ? 'filtered' : 'unknown';
        return { address, port, result: result === 'begun' ? silent : (result as Reach['result']) };
      });
    },
  };
}
