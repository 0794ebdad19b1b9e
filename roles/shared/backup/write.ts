import {
  backupCheck,
  backupStanza,
  directory,
  holdsLeaderLock,
  PATRONI_MEMBER,
  stateOf,
  STREAMING_SERVER,
  topologyOf,
  type RoleContext,
  type Stage,
} from '../../../src/index.js';
import { configFile } from './config-file.js';
import { mayArchive } from './may-archive.js';
import { pgbackrestUser } from './pgbackrest.js';
import { writtenBy } from './repositories.js';
import { scheduled, unscheduled } from './schedule.js';
import { stanzaOf } from './stanza.js';

/** What a host does that writes backups: its directories, the stanza, the proof that WAL arrives, and the timers. */
export function writes(context: RoleContext): Stage[] {
  const { host, inventory, platform } = context;
  const written = writtenBy(inventory, host);
  if (written.length === 0) return [unscheduled()];
  const { repositoryDirectory, user: owner, group } = platform.pgbackrest;
  const stanza = stanzaOf(inventory);
  const server = pgbackrestUser(context);
  const config = configFile(context);
  const own = written.filter((repository) => repository.host !== undefined);
  // Of members only the one that takes writes can make the stanza.
  const one =
    own.length > 0 || topologyOf(host) === 'single' ? {} : { byOne: (states: ReadonlyMap<string, unknown>) => leads(states, host.name) };
  return [
    ...(own.length === 0
      ? []
      : [
          {
            name: 'repository',
            title: 'make the directories of repositories',
            crossing: 'independent' as const,
            resources: own.map(({ settings: { directory: path = repositoryDirectory } }) =>
              directory({ path, owner, group, mode: '0750', ifThere: path === repositoryDirectory }),
            ),
          },
        ]),
    {
      name: 'stanza',
      title: 'make the stanza',
      crossing: 'independent',
      ...one,
      resources: [backupStanza({ stanza, server, repositories: written.map(({ number }) => number) })],
    },
    {
      name: 'prove',
      title: 'prove that WAL arrives in the repositories',
      // A member that does not lead would look for a stanza that the leader has not made yet.
      crossing: 'rolling',
      resources: [backupCheck({ stanza, server, mayArchive: mayArchive(context), proves: [config] })],
    },
    scheduled(context),
  ];
}

function leads(states: ReadonlyMap<string, unknown>, name: string): boolean {
  if (stateOf(states, STREAMING_SERVER)?.says?.standby === false) return true;
  const member = stateOf(states, PATRONI_MEMBER);
  return member !== undefined && holdsLeaderLock(member, name);
}
