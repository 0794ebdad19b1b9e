import { hostname, userInfo } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { UnreachableError } from '../lib/errors.js';
import { redact } from '../lib/secret.js';
import { version } from '../lib/version.js';
import { patienceFor, type Host } from '../model/index.js';
import type { Role, RoleContext } from '../plan/role.js';
import type { View } from '../plan/view.js';
import { HOST_FACTS } from '../resources/host-facts.js';
import type { NotSaved, SavedPart, SavedState, SnapshotForm } from '../resources/saved.js';
import { MANIFEST, writeSnapshot, type SnapshotPlace } from '../store/snapshot-file.js';
import type { Cluster } from './cluster.js';
import type { Session } from './session.js';
import { answerTo, probeSections } from './survey.js';

/** Seconds that a snapshot may take which an operation waits for, on hosts of the usual patience, and one that was asked for. */
const WITHIN: Readonly<Record<SnapshotForm, number>> = { light: 10, full: 180 };

/** What a snapshot is made from. */
export interface SnapshotParts {
  cluster: Cluster;
  catalog: readonly Role[];
  /** @throws RangeError for a host whose system is not known */
  contextOf(host: string): RoleContext;
  form: SnapshotForm;
  place: SnapshotPlace;
  /** The operation that it is taken in. */
  operation: string;
}

/** What was not saved: of a host, or of the cluster. */
interface Missing {
  host?: string;
  name?: string;
  /** A clause. */
  why: string;
}

/** A snapshot that was written. */
export interface Snapshot {
  file: string;
  bytes: number;
  /** Older ones that were removed, because only so many that nobody asked for are kept. */
  removed: readonly string[];
  /** Files in it, the manifest aside. */
  files: number;
  /** Hosts that something was saved of. */
  hosts: readonly string[];
  /** A clause for each host, or thing of the cluster, that is not there or not complete. */
  missing: readonly string[];
}

/** What a host answered, or why it did not. */
type Answered = { states: readonly { part: SavedPart; state: SavedState }[] } | { why: string };

/**
 * Saves what all roles keep of their hosts into one file.
 * @throws UnreachableError where no host answered, InputError where the file cannot be written
 */
export async function takeSnapshot(parts: SnapshotParts): Promise<Snapshot> {
  const { cluster, catalog, form, place, operation } = parts;
  const { inventory } = cluster;
  const view = cluster.view();
  const at = new Date();
  const savers = catalog.filter(({ saves }) => saves !== undefined);
  const hosts = inventory.hosts.filter(({ roles }) => savers.some(({ name }) => roles.includes(name)));
  const answers = await Promise.all(hosts.map(async (host): Promise<[Host, Answered]> => [host, await ask(host, savers, view, parts)]));
  const { files, missing, saved } = sorted(answers);
  if (saved.length === 0) {
    throw new UnreachableError({
      kind: 'snapshot/nothing',
      message: `no host answered, so there is nothing to save: ${missing.map(words).join('; ')}`,
      hint: 'nothing was written',
    });
  }
  const manifest = {
    schema: 1,
    cluster: inventory.cluster,
    at: at.toISOString(),
    by: `${userInfo().username}@${hostname()}`,
    pgprov: version(),
    operation,
    form,
    systems: Object.fromEntries(saved.map((host) => [host, systemOf(view, host)])),
    files: Object.fromEntries([...files].map(([name, content]) => [name, content.length])),
    missing,
  };
  const all = new Map([[MANIFEST, Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`)], ...files]);
  return { ...(await writeSnapshot(place, at, all)), files: files.size, hosts: saved, missing: grouped(missing) };
}

function systemOf(view: View, host: string): string {
  const facts = view.read(host, HOST_FACTS);
  return facts === undefined ? 'unknown' : `${facts.os} ${facts.version}`;
}

async function ask(host: Host, savers: readonly Role[], view: View, { cluster, contextOf, form }: SnapshotParts): Promise<Answered> {
  const session = cluster.connections.sessions.get(host.name);
  if (session === undefined)
    return { why: cluster.hosts.includes(host) ? 'it could not be reached' : 'the operation does not connect to it' };
  const limit = WITHIN[form] * patienceFor([host]);
  const over = new AbortController();
  try {
    const context = contextOf(host.name);
    const wanted = savers.filter(({ name }) => host.roles.includes(name)).flatMap((role) => role.saves?.(context, { form, view }) ?? []);
    const late = setTimeout(limit * 1000, undefined, { signal: over.signal }).then(
      (): Answered => ({ why: `it did not answer within ${limit} s` }),
    );
    // It loses the race to an answer, and is then called off.
    late.catch(() => undefined);
    return await Promise.race([answered(session, wanted), late]);
  } catch (error) {
    return { why: redact((error as Error).message) };
  } finally {
    over.abort();
  }
}

async function answered(session: Session, wanted: readonly SavedPart[]): Promise<Answered> {
  const { byId } = await session.run(probeSections(wanted));
  return {
    states: wanted.flatMap((part) => {
      const answer = answerTo(part, byId);
      return answer === undefined ? [] : [{ part, state: part.parse(answer) }];
    }),
  };
}

/** The files by their places in the snapshot; what the cluster has once is missing only where no host has it. */
function sorted(answers: readonly [Host, Answered][]): { files: Map<string, Buffer>; missing: Missing[]; saved: string[] } {
  const files = new Map<string, Buffer>();
  const missing: Missing[] = [];
  const ofCluster = new Map<string, string>();
  const saved: string[] = [];
  for (const [{ name: host }, answer] of answers) {
    if ('why' in answer) {
      missing.push({ host, why: answer.why });
      continue;
    }
    saved.push(host);
    for (const { part, state } of answer.states) {
      for (const { name, content } of state.files) {
        const path = part.ofCluster === true ? name : `hosts/${host}/${name}`;
        if (!files.has(path)) files.set(path, content);
      }
      for (const lack of state.missing) {
        if (part.ofCluster === true) ofCluster.set(lack.name, ofCluster.get(lack.name) ?? told(lack));
        else missing.push({ host, name: lack.name, why: told(lack) });
      }
    }
  }
  for (const [name, why] of ofCluster) if (!files.has(name)) missing.push({ name, why });
  return { files, missing, saved };
}

function told({ why }: NotSaved): string {
  return redact(why);
}

function words({ host, name, why }: Missing): string {
  return name === undefined ? `${host}: ${why}` : `${host === undefined ? '' : `${host}: `}${name}: ${why}`;
}

/** What is missing of a host in one line. */
function grouped(missing: readonly Missing[]): string[] {
  const hosts = [...new Set(missing.map(({ host }) => host))];
  return hosts.flatMap((host) => {
    const own = missing.filter((each) => each.host === host);
    return host === undefined
      ? own.map(words)
      : [`${host}: ${own.map(({ name, why }) => (name === undefined ? why : `${name} (${why})`)).join(', ')}`];
  });
}
