import { REACHABILITY, type Examination, type Host, type Reach } from '../../index.js';

/** What a host saw when it tried the ports of another one. */
export function reachesOf({ view }: Examination, from: string, to: Host): readonly Reach[] {
  return (view.read(from, REACHABILITY) ?? []).filter(({ address }) => address === to.clusterAddress);
}

/** Whether packets got there and back: a port that nobody listens on proves that as well. */
export function getsThrough({ result }: Reach): boolean {
  return result === 'open' || result === 'refused';
}
