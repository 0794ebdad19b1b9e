import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** One attempt to reach a peer. */
export interface Reach {
  address: string;
  port: number;
  /** `refused` is good news before the service runs: packets get there and back. */
  result: 'open' | 'refused' | 'filtered' | 'unresolved' | 'unreachable' | 'unknown';
}

/** The observation's id. */
export const REACHABILITY = handle<Reach[]>('reachability');

/** Seconds after which a silent port counts as filtered. */
const PATIENCE = 2;

/** For bash, with addresses and ports as its words from the zeroth on. Why a port is not open is asked again, which costs a process. */
const TRY = sh`try() {
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
while [ "$#" -gt 1 ]; do
try "$1" "$2" &
shift 2
done
wait`;

/**
 * Tries TCP connections to peers, all at once, with bash's /dev/tcp, which every supported system has;
 * without bash the result is `unknown` and nobody objects.
 */
export function reachability(peers: readonly { address: string; port: number }[]): Observation<Reach[]> {
  return {
    ...REACHABILITY,
    when: 'startAndEnd',
    probe: () => sh`command -v bash >/dev/null 2>&1 || exit 0
echo tried
timeout ${PATIENCE} bash -c ${TRY.text} ${peers.flatMap(({ address, port }) => [address, port])}
exit 0`,
    parse: (answer) => {
      const [tried, ...lines] = answerLines(answer);
      const results = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]));
      const silent = tried === 'tried' ? 'filtered' : 'unknown';
      return peers.map(({ address, port }) => ({
        address,
        port,
        result: (results.get(`${address} ${port}`) ?? silent) as Reach['result'],
      }));
    },
  };
}
