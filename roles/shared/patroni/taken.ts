import {
  DCS,
  isMalformed,
  PATRONI_TAKEN,
  untakenSettings,
  valueAt,
  pgprov,
  type CheckResult,
  type Drift,
  type Host,
  type JsonObject,
  type View,
} from '../../../src/index.js';
import { dynamicConfiguration } from '../dynamic.js';

/** What a member's Patroni does not use of the dynamic configuration though the store has it, and what no Patroni can read. */
export function takenDrift(view: View, host: Host): Drift[] {
  const stored = storedConfiguration(view, host);
  if (stored === undefined) return [];
  const desired = dynamicConfiguration({ inventory: view.inventory, host });
  if (isMalformed(stored, desired)) {
    // It is one for the cluster, so it is reported once.
    if (view.hosts('patroni')[0] !== host) return [];
    const sections = Object.keys(desired).filter((name) => isMalformed(stored, { [name]: desired[name] ?? null }));
    return sections.map((name) => ({
      host: host.name,
      what: `the dynamic configuration has ${JSON.stringify(stored[name])} where the section ${name} belongs: Patroni cannot read it, and its loop has stopped`,
      mend: `${pgprov`apply ${view.inventory}`} corrects it`,
    }));
  }
  const waiting = new Set(untakenSettings(stored, desired).map((path) => path.join('.')));
  return untaken(view, host, desired)
    .filter(({ path }) => !waiting.has(path))
    .map(({ drift }) => drift);
}

/** What of it a run has not brought about, for its proof. */
export function takenCheck(view: View, host: Host): CheckResult[] {
  return untaken(view, host, dynamicConfiguration({ inventory: view.inventory, host })).map(({ drift: { what, mend } }) => ({
    title: 'Patroni uses the dynamic configuration',
    ok: false,
    detail: what,
    mend,
    host: host.name,
  }));
}

function untaken(view: View, host: Host, desired: JsonObject): { path: string; drift: Drift }[] {
  const taken = view.read(host.name, PATRONI_TAKEN);
  return untakenSettings(taken, desired).map((path) => {
    const [name, is] = [path.join('.'), valueAt(taken ?? {}, path)];
    const uses = is === undefined ? `no ${name}` : `${name} ${JSON.stringify(is)}`;
    return {
      path: name,
      drift: {
        host: host.name,
        what: `Patroni uses ${uses}, the inventory says ${JSON.stringify(valueAt(desired, path))}: it has not taken over the dynamic configuration`,
        mend: `the journal of Patroni on ${host.name} says why`,
      },
    };
  });
}

function storedConfiguration(view: View, host: Host): JsonObject | undefined {
  const store = view.read(host.name, DCS);
  return store?.reachable === true ? (store.config as JsonObject | undefined) : undefined;
}
