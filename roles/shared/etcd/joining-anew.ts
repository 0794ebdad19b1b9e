import type { Host, Platform, View } from '../../../src/index.js';
import { etcdDataDirectory } from './data-directory.js';
import { onWorkingMember } from './etcdctl.js';
import { peerUrl } from './peer-url.js';
import { restartCommand } from '../restart-command.js';

/** How a member of etcd gives up what it has and joins the others anew, which takes their quorum. */
export function joiningAnew(view: View, host: Host): string {
  const platform = view.platform(host.name);
  if (platform === undefined) return `let it join anew: ${leavingAndComing(view, host)}; then start it on ${host.name} without data`;
  const data = etcdDataDirectory({ host, platform, inventory: view.inventory });
  return `let it join anew: ${leavingAndComing(view, host)}; then \`${startingAnew(platform.etcd, data)}\`, as root on ${host.name}`;
}

/** The member that was leaves the list, and a new one is put on it. */
function leavingAndComing(view: View, host: Host): string {
  const url = peerUrl(host);
  return `${onWorkingMember(view, host.name)}; \`for id in $(etcdctl member list | grep -F ${url}, | cut -d , -f 1); do etcdctl member remove $id; done; etcdctl member add ${host.name} --peer-urls=${url}\``;
}

/** Its data is kept beside, so that nothing is lost should it be needed. */
function startingAnew({ unit, user, group, environmentFile }: Platform['etcd'], data: string): string {
  return [
    `systemctl stop ${unit}`,
    `mv ${data} ${data}.$(date +%s)`,
    `install -d -o ${user} -g ${group} -m 700 ${data}`,
    `sed -i 's/^ETCD_INITIAL_CLUSTER_STATE=.*/ETCD_INITIAL_CLUSTER_STATE="existing"/' ${environmentFile}`,
    restartCommand(unit),
  ].join('; ');
}
