import { handle } from '../handle.js';
import { sh } from '../../shell/quote.js';
import { type EtcdClient, findMembers, acceptsWithoutCertificate, memberQuestion, saysHealthy } from './client.js';
import { answerText, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** One etcd member as its host sees it. */
export interface EtcdMemberState {
  healthy: boolean;
  /** Names and peer URLs of all members; empty when the member does not answer. */
  members: { name: string; peerUrls: string[] }[];
  /** Whether a client without a certificate was turned away; undefined when nobody answers. */
  requiresClientCertificate: boolean | undefined;
  /** A data directory with a member in it: the initial flags no longer count. */
  hasData: boolean;
  /**
   * Its write-ahead log is not there, though its database is. etcd starts all the same and says that it is healthy; where a quorum of members does so, none
   * of them takes a write, because the database knows of later ones than the new log.
   */
  walGone?: true;
}

/** The observation's id, for guards, checks and status. */
export const ETCD_MEMBER = handle<EtcdMemberState>('etcd-member');

/** Health, member list and TLS of the host's own etcd member. */
export function etcdMember(client: EtcdClient, dataDirectory: string): Observation<EtcdMemberState> {
  const question = memberQuestion(client);
  return {
    ...ETCD_MEMBER,
    sharedQuestions: [question],
    probe: () => sh`if [ -d ${`${dataDirectory}/member`} ]; then
echo data
ls ${dataDirectory}/member/wal/*.wal >/dev/null 2>&1 || echo nowal
else echo nodata
fi
${printAnswer(question)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const json = findMembers(text, client);
      const list = json === '' ? {} : (JSON.parse(json) as { members?: { name?: string; peerURLs?: string[] }[] });
      const healthy = saysHealthy(text, client);
      return {
        hasData: text.startsWith('data\n'),
        ...(text.startsWith('data\nnowal\n') ? { walGone: true as const } : {}),
        healthy,
        requiresClientCertificate: healthy ? !acceptsWithoutCertificate(text, client) : undefined,
        members: (list.members ?? []).map(({ name, peerURLs }) => ({ name: name ?? '', peerUrls: peerURLs ?? [] })),
      };
    },
  };
}
