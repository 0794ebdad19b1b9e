import {
  allHealthyCheck,
  answerText,
  ETCD_DAMAGE,
  etcdctl,
  gate,
  healthQuestion,
  printAnswer,
  saysHealthy,
  sh,
  type Gate,
  type RoleContext,
  type Script,
} from '../../../src/index.js';
import { tlsFiles } from '../layout.js';
import { etcdClient } from './client.js';

/** Journal lines of etcd that more waiting will not fix. */
const HOPELESS = [
  'x509: ',
  'tls: bad certificate',
  'certificate signed by unknown authority',
  'address already in use',
  'permission denied',
  'cluster ID mismatch',
  'has already been bootstrapped',
  'unmatched member while checking PeerURLs',
  'no space left on device',
  'conflicting environment variable',
  'error verifying flags',
  ETCD_DAMAGE,
];

/** Open when the member on the host is healthy, which takes a quorum. */
export function quorumGate(context: RoleContext): Gate {
  const { host, platform } = context;
  const client = etcdClient(context, tlsFiles(platform.etcd));
  const health = healthQuestion(client);
  return gate({
    name: 'etcd-quorum',
    title: `etcd on ${host.name} is healthy in its quorum`,
    check: saysWhyUnhealthy(etcdctl({ ...client, endpoints: client.endpoints.slice(0, 1) }, ['endpoint', 'health'])),
    look: {
      sharedQuestions: [health],
      probe: () => printAnswer(health),
      parse: (answer) => ({ open: saysHealthy(answerText(answer), client), seen: '' }),
    },
    unit: platform.etcd.unit,
    fatalLogPatterns: HOPELESS,
    timeout: 60,
  });
}

/** Open when every member is healthy, by each one's own word. */
export function allHealthyGate(context: RoleContext): Gate {
  const { platform } = context;
  return gate({
    name: 'etcd-all-healthy',
    title: 'every member of etcd is healthy',
    check: allHealthyCheck(etcdClient(context, tlsFiles(platform.etcd))),
    unit: platform.etcd.unit,
    fatalLogPatterns: HOPELESS,
    timeout: 120,
  });
}

/** `etcdctl endpoint health` with the reason that it gives among other lines on stderr, and nothing else, where the member is not healthy. */
function saysWhyUnhealthy(health: Script): Script {
  return sh`said=$(${health} 2>&1) || { printf '%s\n' "$said" | sed -n 's/^.* is unhealthy: /not healthy: /p'; false; }`;
}
