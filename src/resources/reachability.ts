import { sh, joinScripts } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** One attempt to reach a peer. */
export interface Reach {
  address: string;
  port: number;
  /** `refused` is good news before the service runs: packets get there and back. */
  result: 'open' | 'refused' | 'filtered' | 'unresolved' | 'unreachable' | 'unknown';
}

/** The observation's id. */
export const REACHABILITY = 'reachability';

/** Seconds after which a silent port counts as filtered. */
const PATIENCE = 2;

/**
 * Tries TCP connections to peers, all at once, with bash's /dev/tcp, which every supported system has;
 * without bash the result is `unknown` and nobody objects.
 */
export function reachability(peers: readonly { address: string; port: number }[]): Observation<Reach[]> {
  return {
    id: REACHABILITY,
    probe: () => joinScripts([
      sh`try() {
answer=$(timeout ${PATIENCE} bash -c ': </dev/tcp/$0/$1' "$1" "$2" 2>&1)
case "$?:$answer" in
0:*) result=open ;;
124:*) result=filtered ;;
*refused*) result=refused ;;
*'not known'*|*'resolution'*|*'No address'*) result=unresolved ;;
*unreachable*|*'No route'*) result=unreachable ;;
*) result=unknown ;;
esac
printf '%s %s %s\n' "$1" "$2" "$result"
}`,
      ...peers.map(({ address, port }) => sh`try ${address} ${port} &`),
      sh`wait`,
    ]),
    parse: (answer) =>
      answerLines(answer).map((line) => {
        const [address = '', port = '', result = 'unknown'] = line.split(' ');
        return { address, port: Number(port), result: result as Reach['result'] };
      }),
  };
}
