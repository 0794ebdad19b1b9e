import { sh } from '../shell/quote.js';
import type { ClusterData } from './data-directory.js';
import { neverServed, type BootstrapState } from './interrupted-bootstrap.js';
import { digestOf, type Change, type Observation, type Resource } from './resource.js';

/** The data directory that has to be sound, and how it is looked at. */
export interface SoundDataOptions {
  path: string;
  /** Major version. */
  version: number;
  /** PostgreSQL's user. */
  user: string;
  group: string;
  seen: Observation<BootstrapState>;
}

/**
 * A member's data that PostgreSQL can open, as far as that shows without it. Data that it cannot is named for what it is, and the
 * host fails there, before Patroni would wait for it; it is never touched.
 */
export function soundData(options: SoundDataOptions): Resource<BootstrapState> {
  const { path, seen } = options;
  const id = `sound-data:${path}`;
  return {
    ...seen,
    id,
    diff: (state): Change[] => {
      const trouble = troubleOf(state, options);
      return trouble === undefined ? [] : [{ action: 'run', summary: `use the data in ${path}, where ${trouble.what}` }];
    },
    apply: (_changes, state) => sh`printf '%s\n' ${troubleOf(state, options)?.advice ?? ''}
exit 1`,
    digest: () => digestOf(id),
  };
}

/** What is wrong with a control file, as a clause; undefined for one that can be read. */
export function controlTrouble({ control }: Pick<ClusterData, 'control'>): string | undefined {
  switch (control) {
    case 'valid':
      return undefined;
    case 'missing':
      return 'global/pg_control is missing or empty';
    case 'zero':
      return 'global/pg_control holds zeros only';
    case 'truncated':
      return 'global/pg_control is shorter than its 8192 bytes';
    case 'damaged':
      return 'the checksum of global/pg_control does not match';
  }
}

interface Trouble {
  /** A clause. */
  what: string;
  advice: string;
}

function troubleOf(state: BootstrapState, { path, version, user, group }: SoundDataOptions): Trouble | undefined {
  const { data, underWay } = state;
  if (data.kind !== 'cluster' || data.copy !== 'none' || data.running || underWay || neverServed(state)) return undefined;
  const rebuild = `a replica can be built anew from the leader: put the directory aside yourself (mv ${path} ${path}.damaged), which keeps it, and run again`;
  if (data.version !== String(version))
    return { what: `PostgreSQL ${data.version} left its data, and the cluster’s is ${version}`, advice: rebuild };
  const control = controlTrouble(data);
  if (control !== undefined) return { what: control, advice: rebuild };
  if (data.misowned === undefined) return undefined;
  return { what: `${data.misowned} does not belong to ${user}`, advice: `give it back: chown -R ${user}:${group} ${path}; then run again` };
}
