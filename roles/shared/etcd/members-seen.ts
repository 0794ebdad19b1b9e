import { ETCD_MEMBER, serviceHandle, type Examination, type Host } from '../../../src/index.js';
import { hostsWith } from '../layout.js';

/** What is seen of one host's member of etcd. */
export interface SeenMember {
  host: Host;
  /** It could be asked; of one that could not nothing else is known. */
  seen: boolean;
  /** It answers, and is part of a quorum. */
  healthy: boolean;
  /** systemd says that it runs. */
  runs: boolean;
}

/** The members that the inventory has. */
export function etcdMembersSeen({ view }: Examination): SeenMember[] {
  return hostsWith(view.inventory, 'etcd').map((host) => {
    const state = view.read(host.name, ETCD_MEMBER);
    const unit = view.platform(host.name)?.etcd.unit ?? '';
    return {
      host,
      seen: state !== undefined,
      healthy: state?.healthy === true,
      runs: view.read(host.name, serviceHandle(unit))?.active === 'active',
    };
  });
}

/** Whether etcd has a quorum, as far as its members say. */
export function hasQuorum(members: readonly SeenMember[]): boolean {
  return members.some(({ healthy }) => healthy);
}
