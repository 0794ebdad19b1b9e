import { enumerate, STREAMING_SERVER, topologyOf, type Evidence, type Examination } from '../../index.js';
import { isPrimary, seenServers, type SeenServer } from '../../../roles/shared/streaming/seen.js';

/** The primary that runs of servers which stream without Patroni, where there is exactly one. */
export function primaryOf({ view }: Examination): string | undefined {
  const [first, second] = seenServers(view).filter((server) => server.says !== undefined && isPrimary(server));
  return second === undefined ? first?.name : undefined;
}

/** The names of servers that stream without Patroni, as far as they were seen. */
export function streamingServersOf({ view }: Examination): string[] {
  return view.inventory.hosts.filter((host) => topologyOf(host) === 'streaming' && view.surveyed(host.name)).map(({ name }) => name);
}

/** The standbys without Patroni that run and do not stream, where one server is the primary. */
export function standbysCutOff(examination: Examination): string[] {
  if (primaryOf(examination) === undefined) return [];
  const servers = seenServers(examination.view);
  const sends = servers.flatMap(({ says }) => says?.sends ?? []);
  return servers
    .filter(
      ({ name, says }) =>
        says?.standby === true && !(says.receives && sends.some((each) => each.name === name && each.state === 'streaming')),
    )
    .map(({ name }) => name);
}

/** What a server says of its part, as evidence. */
export function serverEvidence({ view }: Examination, host: string): Evidence {
  const server = view.read(host, STREAMING_SERVER);
  const says = server?.says;
  const signal = server?.signal === true ? 'with standby.signal' : 'without standby.signal';
  if (says === undefined) return { host, source: 'PostgreSQL', line: `it does not answer; ${signal}` };
  const sends = says.sends.map(({ name, state }) => `${name} (${state})`);
  const does = says.standby
    ? says.receives
      ? 'receives WAL'
      : `receives no WAL${says.paused === true ? ', its replay is paused' : ''}`
    : sends.length === 0
      ? 'sends WAL to nobody'
      : `sends WAL to ${enumerate(sends)}`;
  return {
    host,
    source: 'PostgreSQL',
    line: `${says.standby ? 'standby' : 'primary'}, timeline ${says.timeline}, at ${says.location}, ${signal}, ${does}`,
  };
}

/** What a server is, and on which timeline: `pg1 (timeline 1)`. */
export function withTimeline({ name, says, data }: SeenServer): string {
  return `${name} (timeline ${says?.timeline ?? data.position?.timeline ?? 'unknown'})`;
}
