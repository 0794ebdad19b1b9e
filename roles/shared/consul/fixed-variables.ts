import { CONSUL_MEMBER, fileHandle, type Host, type View } from '../../../src/index.js';
import { BACK, type FixedVariable } from '../fixed-variable.js';

/** What pgprov’s file on a host says, where there is one. */
export function writtenConfiguration(view: View, host: Host): WrittenConfiguration | undefined {
  const path = view.platform(host.name)?.consul.configFile;
  const state = path === undefined ? undefined : view.read(host.name, fileHandle(path));
  if (state?.type !== 'file') return undefined;
  try {
    return JSON.parse(state.content.toString('utf8')) as WrittenConfiguration;
  } catch {
    return {};
  }
}

/** What is read of pgprov’s file. */
export interface WrittenConfiguration {
  bind_addr?: string;
  node_meta?: Readonly<Record<string, string>>;
}

/** What of Consul was fixed when the cluster was made, with how its running value is read. */
export const CONSUL_FIXED_VARIABLES: readonly FixedVariable[] = [
  {
    variable: 'cluster_address',
    role: 'consul',
    perHost: true,
    look: ({ view, host }) => {
      const listed = view
        .hosts('consul')
        .flatMap(({ name }) => view.read(name, CONSUL_MEMBER)?.servers ?? [])
        .find(({ name }) => name === host.name)?.address;
      if (listed !== undefined)
        return { wanted: host.clusterAddress, seen: listed, found: `Consul’s list of servers has the member at ${listed}` };
      const seen = view.read(host.name, CONSUL_MEMBER)?.hasData === true ? writtenConfiguration(view, host)?.bind_addr : undefined;
      return seen === undefined
        ? undefined
        : { wanted: host.clusterAddress, seen, found: `Consul’s configuration has the member at ${seen}` };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  },
];
