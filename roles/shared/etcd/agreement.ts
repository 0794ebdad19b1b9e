import {
  agreementCheck,
  agreesOnVersion,
  answerText,
  gate,
  printAnswer,
  versionQuestion,
  type Gate,
  type RoleContext,
} from '../../../src/index.js';
import { hostsWith, tlsFiles } from '../layout.js';
import { etcdClient } from './client.js';

/**
 * Shut while the etcd member on the host knows no version of its cluster but the lowest, because one of the members was never
 * heard of: Patroni would be refused. Only for hosts that have a member.
 */
export function etcdAgreement(context: RoleContext): Gate[] {
  const { host, platform } = context;
  if (!host.roles.includes('etcd')) return [];
  const client = etcdClient(context, tlsFiles(platform.etcd));
  const version = versionQuestion(client);
  return [
    gate({
      name: 'etcd-version',
      title: 'every member of etcd was up once, and they agree on a version',
      check: agreementCheck(client),
      look: {
        sharedQuestions: [version],
        probe: () => printAnswer(version),
        parse: (answer) => ({ open: agreesOnVersion(answerText(answer), client), seen: '' }),
      },
      waitOnlyOnce: true,
      dependsOnHosts: hostsWith(context.inventory, 'etcd').map(({ name }) => name),
      unit: platform.etcd.unit,
      fatalLogPatterns: [],
      timeout: 60,
      includeJournal: false,
    }),
  ];
}
