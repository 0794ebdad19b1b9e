import { HOST_FACTS, type View } from '../../index.js';

/** Whether members of one system are of one version, so that no upgrade was begun. */
export function comeWithSystems(view: View, members: readonly { host: string; version: string }[]): boolean {
  const versions = new Map<string, string>();
  for (const { host, version } of members) {
    const facts = view.read(host, HOST_FACTS);
    if (facts === undefined) return false;
    const system = `${facts.os} ${facts.version.split('.')[0] ?? ''}`;
    if ((versions.get(system) ?? version) !== version) return false;
    versions.set(system, version);
  }
  return versions.size > 1;
}
