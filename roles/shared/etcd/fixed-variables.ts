import { ETCD_MEMBER, ETCD_RUNNING, type EtcdRunning, type EtcdSettings } from '../../../src/index.js';
import { addressSight, BACK, portOf, readdressing, type FixedVariable, type Scene } from '../fixed-variable.js';
import { variables } from '../variables.js';

/** What of etcd was fixed when the cluster was made, with how its running value is read. */
export const ETCD_FIXED_VARIABLES: readonly FixedVariable[] = [
  {
    variable: 'cluster_address',
    role: 'etcd',
    perHost: true,
    look: (scene) => {
      const { view, host } = scene;
      if (host.formerly?.address !== undefined) return undefined;
      const listed = view
        .hosts('etcd')
        .flatMap(({ name }) => view.read(name, ETCD_MEMBER)?.members ?? [])
        .find(({ name }) => name === host.name)?.peerUrls[0];
      if (listed !== undefined) return addressSight(scene, withoutScheme(listed), 'etcd’s list of members');
      return addressSight(
        scene,
        withoutScheme(settingsOf(scene)?.['ETCD_INITIAL_ADVERTISE_PEER_URLS']),
        scene.platform.etcd.environmentFile,
      );
    },
    hint: readdressing,
  },
  etcdPort('etcd.client_port', 'ETCD_ADVERTISE_CLIENT_URLS', ({ host }) => variables(host, 'etcd').client_port),
  etcdPort('etcd.peer_port', 'ETCD_INITIAL_ADVERTISE_PEER_URLS', ({ host }) => variables(host, 'etcd').peer_port),
  {
    variable: 'etcd.data_dir',
    role: 'etcd',
    perHost: true,
    look: (scene) => {
      const { host, platform, view } = scene;
      const wanted = trimmed(variables(host, 'etcd').data_dir ?? `${platform.etcd.dataRoot}/${view.inventory.cluster}`);
      // Without the variable the cluster's name is in the path, and what is said of that name says it all.
      const isOthers = settingsOf(scene)?.['ETCD_INITIAL_CLUSTER_TOKEN'] !== view.inventory.cluster;
      const seen = isOthers ? undefined : settingsOf(scene)?.['ETCD_DATA_DIR'];
      if (seen === undefined) return undefined;
      return {
        wanted,
        seen: trimmed(seen),
        found: runningOf(scene)?.process === undefined ? `the member’s data is in ${seen}` : `etcd runs in ${seen}`,
      };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}; in another directory the member would start empty and forget its votes`,
  },
];

function etcdPort(variable: string, setting: string, wantedOf: (scene: Scene) => number): FixedVariable {
  return {
    variable,
    role: 'etcd',
    look: (scene) => {
      const seen = portOf(withoutScheme(settingsOf(scene)?.[setting]));
      if (seen === undefined) return undefined;
      const found =
        runningOf(scene)?.process === undefined ? `${scene.platform.etcd.environmentFile} says ${seen}` : `etcd runs with ${seen}`;
      return { wanted: String(wantedOf(scene)), seen, found };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  };
}

/** What etcd runs with, or ran with last; undefined where it has no data yet. */
function settingsOf(scene: Scene): EtcdSettings | undefined {
  const { process, file, hasData = false } = runningOf(scene) ?? {};
  if (file === undefined) return undefined;
  return process ?? (hasData ? file : undefined);
}

function runningOf({ view, host }: Scene): EtcdRunning | undefined {
  return view.read(host.name, ETCD_RUNNING);
}

function withoutScheme(url: string | undefined): string | undefined {
  return url?.split(',')[0]?.replace(/^https?:\/\//u, '');
}

function trimmed(path: string): string {
  return path.replace(/(?<=[^/])\/+$/u, '');
}
