import {
  clientsCut,
  enumerate,
  etcdRefuses,
  file,
  fileHandle,
  serialsIn,
  type ClusterCredentials,
  type Host,
  type Objection,
  type PathState,
  type Resource,
  type RoleContext,
  type ServiceLayout,
  type View,
} from '../../../src/index.js';
import type { Dcs } from '../dcs.js';
import { hostPort, tlsFiles } from '../layout.js';
import { variables } from '../variables.js';

/** The file with the certificates that etcd accepts from clients no more. It reads it at every connection, and refuses all of them without it. */
export function revocationFile({ tlsDirectory }: Pick<ServiceLayout, 'tlsDirectory'>): string {
  return `${tlsDirectory}/revoked.crl`;
}

/** The host's copy of the list. */
export interface RevocationList {
  /** It is there, before any setting names it: etcd lets nobody in without it. */
  first: Resource<PathState>;
  /** It is the one that the cluster has; brought to one member after the other. */
  kept: Resource<PathState>;
}

/** The host's copy of the list; undefined where the cluster has none. */
export function revocationList({ platform, credentials }: RoleContext): RevocationList | undefined {
  const { revocationList: content, revoked } = credentials;
  if (content === undefined) return undefined;
  const { user: owner, group } = platform.etcd;
  const path = revocationFile(platform.etcd);
  const list = file({ path, owner, group, mode: '0644', content });
  return {
    first: { ...list, id: `first:${list.id}`, diff: (state) => (state.type === 'absent' ? list.diff(state) : []) },
    kept: {
      ...list,
      diff: (state) =>
        state.type === 'absent' ? [] : list.diff(state).map((change) => ({ ...change, ...accepting(path, state, revoked) })),
    },
  };
}

/** What a list that lacks some of the certificates means, where there is one. */
function accepting(path: string, state: PathState, revoked: ClusterCredentials['revoked']): { danger?: string } {
  if (state.type !== 'file') return {};
  const there = serialsIn(state.content) ?? [];
  const lacking = revoked.filter(({ serial }) => !there.includes(serial)).map(({ host }) => host);
  if (lacking.length === 0) return {};
  return {
    danger: `${path} does not have certificates of ${enumerate([...new Set(lacking)])}, which etcd there so accepts, though they were taken out`,
  };
}

function listedSerials(view: View, host: string, path: string): string[] | undefined {
  const state = view.read(host, fileHandle(path));
  if (state === undefined) return undefined;
  return state.type === 'file' ? (serialsIn(state.content) ?? []) : [];
}

/**
 * A list on a host with more on it than this machine knows of would be written over by an older one, and who was taken out could come back.
 * @param path of the list that etcd there goes by
 */
export function guardRevoked(view: View, host: Host, credentials: ClusterCredentials, path: string): Objection[] {
  const { revocationList: list, revoked } = credentials;
  const there = listedSerials(view, host.name, path) ?? [];
  const known = revoked.map(({ serial }) => serial);
  const unknown = there.filter((serial) => !known.includes(serial));
  if (list !== undefined && unknown.length === 0) return [];
  const what = list === undefined ? 'a list of them' : `one with the serial ${enumerate(unknown)}`;
  return [
    {
      kind: 'refuse',
      host: host.name,
      message: `etcd on ${host.name} refuses revoked certificates, and the directory beside this inventory does not know of ${what}: it is older than the removal of a host`,
      hint: `bring the directory .pgprov/${view.inventory.cluster}/ from where the host was taken out; with this one that host could come back`,
      decisive: true,
    },
  ];
}

/** How etcd refuses the certificates of hosts that were taken out. */
export const ETCD_REFUSING: NonNullable<Dcs['refusing']> = {
  listed: (view, host) => {
    const platform = view.platform(host);
    return platform === undefined ? undefined : listedSerials(view, host, revocationFile(platform.etcd));
  },
  refuses: (context, { name, pairs }) => {
    const { host, platform } = context;
    return etcdRefuses({
      name,
      listener: hostPort(host.clusterAddress, variables(host, 'etcd').client_port),
      own: tlsFiles(platform.etcd),
      pairs,
      unit: platform.etcd.unit,
    });
  },
  cut: ({ host }, { name, addresses }) => clientsCut({ of: name, port: variables(host, 'etcd').client_port, addresses }) as Resource,
};
