import { sh } from '../shell/quote.js';
import { etcdctl, type EtcdClient } from './etcd-client.js';
import { answerText, type Observation } from './resource.js';

/** One etcd member as its host sees it. */
export interface EtcdMemberState {
  healthy: boolean;
  /** Names and peer URLs of all members; empty when the member does not answer. */
  members: { name: string; peerUrls: string[] }[];
  /** Whether a client without a certificate was turned away; undefined when nobody answers. */
  refusesStrangers: boolean | undefined;
  /** A data directory with a member in it: the initial flags no longer count. */
  hasData: boolean;
}

/** The observation's id, for guards, checks and status. */
export const ETCD_MEMBER = 'etcd-member';

/** Health, member list and TLS of the host's own etcd member. */
export function etcdMember(client: EtcdClient, dataDirectory: string): Observation<EtcdMemberState> {
  const own = client.endpoints[0] ?? '';
  return {
    id: ETCD_MEMBER,
    probe: () => sh`if [ -d ${`${dataDirectory}/member`} ]; then echo data; else echo nodata; fi
if ! command -v etcdctl >/dev/null 2>&1 || [ ! -r ${client.certFile} ] || ! systemctl -q is-active etcd; then echo down; exit 0; fi
if ${etcdctl({ ...client, endpoints: [own] }, ['endpoint', 'health'])} >/dev/null 2>&1; then echo healthy; else echo unhealthy; fi
if curl -sk -m 2 -o /dev/null ${`${own}/health`} 2>/dev/null; then echo open; else echo closed; fi
${etcdctl({ ...client, endpoints: [own] }, ['member', 'list', '-w', 'json'])} 2>/dev/null || :`,
    parse: (answer) => {
      const [data, health, door, ...rest] = answerText(answer).split('\n');
      const json = rest.join('').trim();
      const list = json === '' ? {} : (JSON.parse(json) as { members?: { name?: string; peerURLs?: string[] }[] });
      return {
        hasData: data === 'data',
        healthy: health === 'healthy',
        refusesStrangers: health === 'healthy' ? door === 'closed' : undefined,
        members: (list.members ?? []).map(({ name, peerURLs }) => ({ name: name ?? '', peerUrls: peerURLs ?? [] })),
      };
    },
  };
}
