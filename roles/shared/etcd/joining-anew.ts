import { pgprov, type Host, type Platform, type View } from '../../../src/index.js';
import { etcdDataDirectory } from './data-directory.js';
import { onWorkingMember } from './etcdctl.js';
import { peerUrl } from './peer-url.js';

/**
 * How a member of etcd gives up what it has and joins the others anew, which takes their quorum. It is `apply` that brings it in: as a learner, so that
 * it counts for the majority once it votes, and with a certificate that is not revoked.
 */
export function joiningAnew(view: View, host: Host): string {
  const platform = view.platform(host.name);
  const data = platform === undefined ? undefined : etcdDataDirectory({ host, platform, inventory: view.inventory });
  const put = platform === undefined || data === undefined ? 'move its data aside' : `\`${aside(platform.etcd, data)}\`, as root`;
  return `let it join anew: ${leaving(view, host)}; then ${put} on ${host.name}; then ${pgprov`apply ${view.inventory}`} has it join as a learner`;
}

/** The member that was leaves the list, where it is in it. */
function leaving(view: View, host: Host): string {
  const url = peerUrl(host);
  return `${onWorkingMember(view, host.name)}; \`for id in $(etcdctl member list | grep -F ${url}, | cut -d , -f 1); do etcdctl member remove $id; done\``;
}

/** Its data is kept beside, so that nothing is lost should it be needed; there may be none any more. */
function aside({ unit }: Platform['etcd'], data: string): string {
  return `systemctl stop ${unit}; [ ! -e ${data} ] || mv ${data} ${data}.$(date +%s)`;
}
