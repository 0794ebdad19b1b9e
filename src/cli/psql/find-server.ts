import type { Visited, Visits } from '../../engine/visits.js';
import { probeSections, takeStates } from '../../engine/survey.js';
import { asPgprovError, ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { topologyOf, type Host, type Inventory } from '../../model/index.js';
import { holdsLeaderLock, PATRONI_MEMBER, type ClusterMember } from '../../resources/patroni/member.js';
import { STREAMING_SERVER } from '../../resources/streaming/server.js';
import { hostNamed } from '../ssh/ssh.js';

/** Which server is meant. */
export type WantedServer = { host: string } | { role: 'leader' | 'replica' };

/** A host that answered, and what it says of itself and of others. */
interface Asked extends Said {
  visited: Visited;
}

/** What a host says of who leads and who follows. */
interface Said {
  leads: boolean;
  /** Standbys that stream, the nearest first; none where it knows of none. */
  standbys: readonly string[];
}

/** How the hosts of a topology are asked: by which observation, and what its answer says of a host. */
interface Knowledge {
  id: string;
  read(session: Visited['session']): Said;
}

const PATRONI: Knowledge = {
  id: PATRONI_MEMBER.id,
  read: (session) => {
    const member = session.seen(PATRONI_MEMBER);
    const standbys = member.answers ? member.cluster.filter(streams) : [];
    const nearest = [...standbys].sort((one, other) => (one.lag ?? Infinity) - (other.lag ?? Infinity));
    return { leads: holdsLeaderLock(member, session.host.name), standbys: nearest.map(({ name }) => name) };
  },
};

const STREAMING: Knowledge = {
  id: STREAMING_SERVER.id,
  read: (session) => {
    const { says } = session.seen(STREAMING_SERVER);
    return { leads: says?.standby === false, standbys: says?.receives === true ? [session.host.name] : [] };
  },
};

/**
 * Finds a server by asking the members, whoever the inventory names. The first that knows decides, so that hosts which are off are not waited
 * for; all others are let go.
 * @throws PgprovError where none is as it is wanted
 */
export async function findServer(inventory: Inventory, visits: Visits, wanted: WantedServer): Promise<Visited> {
  const servers = inventory.hosts.filter(({ roles }) => roles.includes('postgresql'));
  if ('host' in wanted) return visits.visit(serverNamed(inventory, wanted.host), new AbortController().signal);
  const [single] = servers;
  if (single !== undefined && servers.every((host) => topologyOf(host) === 'single')) {
    if (wanted.role === 'replica') throw nobody(inventory, 'has no standbys: it has one server', []);
    return visits.visit(single, new AbortController().signal);
  }
  const known = servers.every((host) => topologyOf(host) === 'streaming') ? STREAMING : PATRONI;
  return new Search(inventory, visits, servers, known).find(wanted.role);
}

function serverNamed(inventory: Inventory, name: string): Host {
  const host = hostNamed(inventory, name);
  if (host.roles.includes('postgresql')) return host;
  throw new InputError({ kind: 'psql/no-server', message: `${name} has no PostgreSQL`, hint: 'name a host with the role postgresql' });
}

/** Asks all members at once. */
class Search {
  readonly #inventory: Inventory;
  readonly #abort = new AbortController();
  /** What became of each host, by name; undefined for one that does not answer. */
  readonly #asked: ReadonlyMap<string, Promise<Asked | undefined>>;
  readonly #errors: PgprovError[] = [];

  constructor(inventory: Inventory, visits: Visits, hosts: readonly Host[], known: Knowledge) {
    this.#inventory = inventory;
    this.#asked = new Map(hosts.map((host) => [host.name, this.#ask(visits, host, known)]));
  }

  async find(role: 'leader' | 'replica'): Promise<Visited> {
    const found = await (role === 'leader' ? this.#leader() : this.#replica());
    this.#abort.abort();
    for (const asked of this.#asked.values())
      void asked.then((other) => (other === undefined || other.visited === found ? undefined : other.visited.session.close()));
    if (found !== undefined) return found;
    throw nobody(this.#inventory, role === 'leader' ? 'has no leader now' : 'has no standby that streams', this.#errors);
  }

  async #ask(visits: Visits, host: Host, known: Knowledge): Promise<Asked | undefined> {
    try {
      const visited = await visits.visit(host, this.#abort.signal);
      const observation = visited.work.observations.find(({ id }) => id === known.id);
      if (observation === undefined) return { visited, leads: false, standbys: [] };
      const { byId } = await visited.session.run(probeSections([observation]));
      takeStates(visited.session, [observation], byId);
      return { visited, ...known.read(visited.session) };
    } catch (error) {
      this.#errors.push(asPgprovError(error, host.name));
      return undefined;
    }
  }

  async #leader(): Promise<Visited | undefined> {
    return this.#first(({ visited, leads }) => (leads ? visited : undefined));
  }

  /** The standby that is least behind, as the first member lists them that lists any. */
  async #replica(): Promise<Visited | undefined> {
    const listed = await this.#first(({ standbys }) => (standbys.length === 0 ? undefined : standbys));
    for (const name of listed ?? []) {
      const asked = await this.#asked.get(name);
      if (asked !== undefined) return asked.visited;
    }
    return undefined;
  }

  /** The first answer that will do, in the order in which they come. */
  async #first<Result>(read: (asked: Asked) => Result | undefined): Promise<Result | undefined> {
    return new Promise((resolve) => {
      const all = [...this.#asked.values()].map(async (one) => {
        const asked = await one;
        const result = asked === undefined ? undefined : read(asked);
        if (result !== undefined) resolve(result);
      });
      void Promise.all(all).then(() => resolve(undefined));
    });
  }
}

/** Patroni before 3.1 says `running` of a standby that streams. */
function streams({ role, state }: ClusterMember): boolean {
  return !/leader|master|primary/u.test(role) && (state === 'streaming' || state === 'running');
}

function nobody(inventory: Inventory, what: string, errors: readonly PgprovError[]): PgprovError {
  const silent = inventory.hosts.map(({ name }) => name).filter((name) => errors.some(({ host }) => host === name));
  if (silent.length > 0 && silent.length === inventory.hosts.filter(({ roles }) => roles.includes('postgresql')).length) {
    const [first] = errors;
    return new PgprovError({
      kind: 'psql/unseen',
      message: `no host of ${inventory.cluster} could be asked where its leader and its standbys are: ${first?.message ?? ''}`,
      hint: `${pgprov`ping ${inventory}`} says of each host what is wrong`,
      exitCode: ExitCode.unreachable,
    });
  }
  return new PgprovError({
    kind: 'psql/no-server',
    message: `${inventory.cluster} ${what}${silent.length === 0 ? '' : `, as far as can be seen without ${silent.join(', ')}: ${errors[0]?.message ?? ''}`}`,
    hint: `${pgprov`status ${inventory}`} shows its members; \`--host NAME\` takes one of them, whatever it is`,
    exitCode: silent.length === 0 ? ExitCode.hostFailed : ExitCode.unreachable,
  });
}
