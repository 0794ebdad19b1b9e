import { enumerate, HAPROXY, type Host, type ProxyServer, type ProxyState, type StatusLine, type View } from '../../../src/index.js';

/** What HAProxy says of whom it leads to, in a line. */
export function proxyLine(seen: ProxyState): StatusLine {
  if (!seen.answers) return { level: 'problem', text: 'HAProxy does not answer' };
  const leaders = upIn(seen, 'leader');
  const replicas = upIn(seen, 'replicas');
  if (leaders.length > 1) return { level: 'problem', text: `sees several leaders, ${enumerate(leaders)}` };
  if (leaders.length === 0) return { level: 'problem', text: `sees no leader: ${downWords(seen.backends.get('leader') ?? [])}` };
  const rest = replicas.length === 0 ? 'no replica is fit for reads' : `reads go to ${enumerate(replicas)}`;
  const silent = (seen.backends.get('leader') ?? []).filter(givesNoAnswer);
  const unasked = silent.length === 0 ? '' : `; gets no answer of Patroni from ${downWords(silent)}, and would not lead there`;
  return { level: replicas.length === 0 || silent.length > 0 ? 'warning' : 'ok', text: `leads to ${leaders.join()}; ${rest}${unasked}` };
}

/** Whether a check ended before Patroni said anything: a member that does not lead answers, with 503. */
export function givesNoAnswer({ up, check }: Pick<ProxyServer, 'up' | 'check'>): boolean {
  return !up && /^(?:L[46]|L7TOUT|SOCKERR)/u.test(check);
}

/** The same for a host of a view; nothing where its HAProxy was not asked. */
export function proxyLines(view: View, { name }: Host): StatusLine[] {
  const seen = view.read(name, HAPROXY);
  return seen === undefined ? [] : [proxyLine(seen)];
}

function upIn({ backends }: ProxyState, backend: string): string[] {
  return (backends.get(backend) ?? []).filter(({ up }) => up).map(({ name }) => name);
}

/** `pg1 says L7STS/503, pg2 L4CON` */
function downWords(servers: readonly ProxyServer[]): string {
  return servers.map(({ name, check, status }) => `${name} ${check === '' ? status : check}`).join(', ');
}
