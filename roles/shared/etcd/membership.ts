import { ETCD_JOINED, ETCD_MEMBER, View, type EtcdMembershipOptions, type Host, type RoleContext, type Stage } from '../../../src/index.js';
import { tlsFiles } from '../layout.js';
import { etcdClient } from './client.js';
import { etcdDataDirectory } from './data-directory.js';
import { peerUrl } from './peer-url.js';

/** A member of etcd by its name, which is '' where it was added and has not started, and its peer URLs. */
export interface Listed {
  name: string;
  peerUrls: readonly string[];
}

/** The member of a host, and what makes it one of an etcd that exists. */
export function membershipOf(context: RoleContext): EtcdMembershipOptions {
  const { host, platform } = context;
  return {
    name: host.name,
    peerUrl: peerUrl(host),
    client: etcdClient(context, tlsFiles(platform.etcd)),
    dataDirectory: etcdDataDirectory(context),
    environmentFile: platform.etcd.environmentFile,
    unit: platform.etcd.unit,
  };
}

/** The members that etcd lists, by the first host that tells; undefined: none does. */
export function listedMembers(view: View): readonly Listed[] | undefined {
  return view
    .hosts('etcd')
    .map(({ name }) => view.read(name, ETCD_MEMBER)?.members ?? [])
    .find((members) => members.length > 0);
}

/** Whether a host is to join an etcd that exists: it has no data, and the others do not list it, or await it since it was added. */
export function joinsOthers(view: View, host: Host): boolean {
  const members = listedMembers(view);
  if (members === undefined || view.read(host.name, ETCD_MEMBER)?.hasData !== false) return false;
  const listed = members.find(({ peerUrls }) => peerUrls.includes(peerUrl(host)));
  // A member that etcd began with has its name from the first day.
  return listed === undefined || listed.name === '';
}

/** A stage of those that join, also where a run was interrupted after its member had started; the others have started by then. */
export function ofNewcomers({ host, inventory }: RoleContext, stage: Stage): Stage {
  return { ...stage, takesPart: (states) => isNewcomer(new View(inventory, states), host) };
}

/** A stage of all others. */
export function besidesNewcomers({ host, inventory }: RoleContext, stage: Stage): Stage {
  return { ...stage, takesPart: (states) => !isNewcomer(new View(inventory, states), host) };
}

function isNewcomer(view: View, host: Host): boolean {
  return joinsOthers(view, host) || view.read(host.name, ETCD_JOINED)?.learner === true;
}
