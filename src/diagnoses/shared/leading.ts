import { DATA_DIRECTORY, dataDirectoryOf, streamsTo, type Evidence, type Examination } from '../../index.js';
import { memberOf, membersOf, storeOf } from './members.js';

/** The member that says that it leads and whose PostgreSQL runs; where several say so, the one that holds the leader's key. */
export function leaderOf(examination: Examination): string | undefined {
  const leading = membersOf(examination).filter((host) => {
    const member = memberOf(examination, host);
    return member?.role === 'leader' && member.state === 'running';
  });
  const [first] = leading;
  return leading.length > 1 ? (leading.find((host) => host === storeOf(examination)?.leader) ?? first) : first;
}

/** Whether the leader's server has a connection from this standby that streams. */
export function streams(examination: Examination, host: string): boolean {
  const leader = leaderOf(examination);
  const member = leader === undefined ? undefined : memberOf(examination, leader);
  return member !== undefined && streamsTo(member, host);
}

/** The members that do not lead and do not stream, where somebody leads. */
export function cutOff(examination: Examination): string[] {
  const leader = leaderOf(examination);
  return leader === undefined ? [] : membersOf(examination).filter((host) => host !== leader && !streams(examination, host));
}

/** Whether a server has the host's data directory open. */
export function serves({ view }: Examination, host: string): boolean {
  const data = view.read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' && data.running;
}

/** Where a host's data is; for messages. */
export function dataPath({ view }: Examination, name: string): string {
  const host = view.inventory.hosts.find((each) => each.name === name);
  const platform = view.platform(name);
  return host === undefined || platform === undefined ? 'the data directory' : dataDirectoryOf(host, platform);
}

/** PostgreSQL's user on a host; for messages. */
export function databaseUser({ view }: Examination, name: string): string {
  return view.platform(name)?.patroni.user ?? 'postgres';
}

/** What Patroni says of a member, as evidence. */
export function stateEvidence(examination: Examination, host: string): Evidence {
  const member = memberOf(examination, host);
  return {
    host,
    source: 'Patroni’s REST API',
    line: member === undefined ? 'it does not answer' : `${member.role}, ${member.state}, timeline ${member.timeline ?? '?'}`,
  };
}
