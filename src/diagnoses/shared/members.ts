import { DATA_DIRECTORY, DCS, PATRONI_MEMBER, type ClusterData, type Examination } from '../../index.js';

/** What Patroni's REST API on a host says; undefined: it does not answer, or the host was not seen. */
export function memberOf({ view }: Examination, host: string) {
  const member = view.read(host, PATRONI_MEMBER);
  return member?.answers === true ? member : undefined;
}

/** The data of a host that has some. */
export function dataOf({ view }: Examination, host: string): ClusterData | undefined {
  const data = view.read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' ? data : undefined;
}

/** What Patroni keeps in its store, by the first host that could read it. */
export function storeOf({ view }: Examination) {
  const states = view.inventory.hosts.map(({ name }) => view.read(name, DCS));
  return states.find((state) => state?.reachable === true);
}

/** Whether a member leads or streams, by Patroni's own word. */
export function works(examination: Examination, host: string): boolean {
  const member = memberOf(examination, host);
  if (member === undefined || member.state !== 'running') return false;
  const listed = member.cluster.find(({ name }) => name === host);
  return member.role === 'leader' || listed?.state === 'streaming';
}

/** The members of Patroni that were seen. */
export function membersOf({ view }: Examination): string[] {
  return view.hosts('patroni').map(({ name }) => name);
}
