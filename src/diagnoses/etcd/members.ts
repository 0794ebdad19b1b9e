import {
  defineDiagnosis,
  ETCD_CLUSTER,
  ETCD_MEMBER,
  etcdCluster,
  notWanted,
  pgprov,
  removal,
  type EtcdListed,
  type Finding,
  type View,
} from '../../index.js';
import { etcdClient } from '../../../roles/shared/etcd/client.js';
import { etcdDataDirectory } from '../../../roles/shared/etcd/data-directory.js';
import { etcdctlOn } from '../../../roles/shared/etcd/etcdctl.js';
import { peerUrl } from '../../../roles/shared/etcd/peer-url.js';
import { hostsWith, tlsFiles } from '../../../roles/shared/layout.js';
import { memberIdOf } from '../../../roles/shared/etcd/member-id.js';

/** etcd’s list has members that should not be there, or lacks some. */
export default defineDiagnosis({
  name: 'store-members',
  looksAt: 'etcd’s list of members',
  role: 'etcd',
  asks: (context) => [etcdCluster(etcdClient(context, tlsFiles(context.platform.etcd)), etcdDataDirectory(context))],
  find: ({ view }) => {
    const teller = view.hosts('etcd').find(({ name }) => (view.read(name, ETCD_CLUSTER)?.members ?? []).length > 0);
    const listed = teller === undefined ? undefined : view.read(teller.name, ETCD_CLUSTER)?.members;
    if (teller === undefined || listed === undefined) return [];
    const etcdctl = etcdctlOn(view, teller);
    const evidence = listed.map((member) => ({ host: teller.name, source: 'etcdctl member list', line: wordsOf(member) }));
    const of = (what: string, follows: string, mend: string, host?: string): Finding => ({
      level: 'danger',
      ...(host === undefined ? {} : { host }),
      what,
      evidence,
      follows,
      mend,
    });
    return [
      ...listed.flatMap((member) => {
        const host = hostsWith(view.inventory, 'etcd').find((one) => member.peerUrls.includes(peerUrl(one)));
        const id = memberIdOf(member);
        if (host === undefined)
          return [
            of(
              `etcd counts on a member that ${notWanted(view.inventory, member.name)}: ${member.name || 'one without a name'} (${member.peerUrls.join(', ')})`,
              member.learner
                ? 'it has no vote, and etcd takes no other learner meanwhile: no member can be replaced'
                : 'it counts for the majority whether or not it is there: etcd can do without one member less',
              member.name === ''
                ? `if it is gone for good, take it out: \`${etcdctl} member remove ${id}\`, as root on ${teller.name}`
                : removal(view.inventory, member.name),
            ),
          ];
        if (member.learner)
          return [
            of(
              `the member ${member.name || host.name} is a learner, which has no vote`,
              'etcd can do without one member less than it seems',
              `${pgprov`apply ${view.inventory}`} gives it its vote once it has caught up`,
            ),
          ];
        if (member.name === '')
          return [
            of(
              `the member that was added for ${host.name} has never started`,
              'it counts for the majority, and does not vote',
              `${pgprov`apply ${view.inventory}`} has it join; if it is not to, take it out again: \`${etcdctl} member remove ${id}\`, as root on ${teller.name}`,
            ),
          ];
        return [];
      }),
      ...notListed(view, listed).map((host) =>
        of(
          'it is not in etcd’s list of members',
          'its member is no part of the quorum, and etcd can do without one member less than planned',
          view.read(host.name, ETCD_MEMBER)?.hasData === true
            ? `if nobody needs the data of its member, move it aside there; then ${pgprov`apply ${view.inventory}`} has it join`
            : `${pgprov`apply ${view.inventory}`} has it join`,
          host.name,
        ),
      ),
    ];
  },
});

function notListed(view: View, listed: readonly EtcdListed[]): ReturnType<typeof hostsWith> {
  return hostsWith(view.inventory, 'etcd').filter((host) => !listed.some(({ peerUrls }) => peerUrls.includes(peerUrl(host))));
}

function wordsOf(member: EtcdListed): string {
  const { name, peerUrls, clientUrls, learner } = member;
  return [
    memberIdOf(member),
    clientUrls.length === 0 ? 'unstarted' : 'started',
    name,
    peerUrls.join(','),
    clientUrls.join(','),
    String(learner),
  ].join(', ');
}
