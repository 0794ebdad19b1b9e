import {
  ETCD_MEMBER,
  ETCD_RUNNING,
  etcdFormerConfigs,
  etcdKeys,
  etcdWrites,
  STORE_LEFT,
  type EtcdMemberState,
  type View,
} from '../../../src/index.js';
import type { Dcs } from '../dcs.js';
import { scopePrefix, tlsFiles } from '../layout.js';
import { variables } from '../variables.js';
import { etcdAgreement } from './agreement.js';
import { etcdBeginsAnew } from './begins-anew.js';
import { etcdClient, etcdEndpoints } from './client.js';
import { etcdDataAside } from './data-aside.js';
import { ETCD_FIXED_VARIABLES } from './fixed-variables.js';
import { onWorkingMember } from './etcdctl.js';
import { letInByMembers } from './handshakes.js';
import { etcdDataLeft } from './left.js';
import { ETCD_LEAVING } from './leaving.js';
import { ETCD_MOVING } from './moving.js';
import { quorumGate } from './health.js';
import { ETCD_REFUSING } from './refusing.js';
import { ETCD_RESTART } from './restart.js';

const member = (view: View, host: string): EtcdMemberState | undefined => view.read(host, ETCD_MEMBER);

/** etcd as Patroni's store, by the API of its version 3. */
export const etcdDcs: Dcs = {
  name: 'etcd',
  role: 'etcd',
  sectionName: 'etcd3',
  unit: 'etcd',
  editing: (view, key) => `${onWorkingMember(view)}; \`etcdctl get ${key}\` shows it, and \`etcdctl put ${key} < FILE\` writes it`,
  putting: (view, key, value) => `${onWorkingMember(view)}; \`etcdctl put ${key} ${value}\``,
  fatalLogPatterns: ['EtcdKeyNotFound|EtcdException.*404'],
  inExtras: true,
  fixedVariables: ETCD_FIXED_VARIABLES,
  packages: ({ etcd }) => etcd.patroniPackages,
  serverPackages: ({ platform }) => platform.etcd.packages,
  wantedVersion: (host) => variables(host, 'etcd').version,
  section: ({ host, inventory, platform, template }) => {
    const { ca, certificate, key } = tlsFiles(platform.patroni);
    const hosts = etcdEndpoints(inventory, host).map((url) => url.replace(/^https:\/\//u, ''));
    return template('patroni/etcd3.yml', { hosts, ca, certificate, key });
  },
  keys: (context) => etcdKeys(etcdClient(context, tlsFiles(context.platform.patroni)), scopePrefix(context.inventory, context.host)),
  gates: etcdAgreement,
  proofs: (context) => letInByMembers(context, context.platform.patroni),
  clientPort: (host) => variables(host, 'etcd').client_port,
  dataRoot: (host, platform) => variables(host, 'etcd').data_dir ?? platform.etcd.dataRoot,
  hasData: (view, host) => member(view, host)?.hasData,
  spoilt: (view, host) => {
    if (member(view, host)?.walGone === true) return 'its WAL (member/wal) is gone, without which etcd answers and takes no writes';
    return view.read(host, STORE_LEFT)?.damaged === true ? 'its data is damaged' : undefined;
  },
  isHealthy: (view, host) => member(view, host)?.healthy,
  runs: (view, host) => {
    const running = view.read(host, ETCD_RUNNING);
    return running === undefined ? undefined : running.process !== undefined;
  },
  worksGate: quorumGate,
  anew: { dataAside: etcdDataAside, beginsAnew: etcdBeginsAnew },
  left: etcdDataLeft,
  writes: (context) => etcdWrites(etcdClient(context, tlsFiles(context.platform.etcd))),
  notWriting:
    'If it is nothing of that, the WAL of its members was lost, and it passes over all writes until the new one is as long: stop etcd on all of its hosts, move member/wal out of its data directory on each, and run this again, which makes a new etcd of what the databases have',
  formerConfigs: (context) =>
    etcdFormerConfigs(etcdClient(context, tlsFiles(context.platform.patroni)), scopePrefix(context.inventory, context.host)),
  restart: ETCD_RESTART,
  runsOn: ({ roles }) => roles.includes('etcd'),
  leaving: ETCD_LEAVING,
  refusing: ETCD_REFUSING,
  moving: ETCD_MOVING,
  memberNames: (view) => view.hosts('etcd').flatMap(({ name }) => (member(view, name)?.members ?? []).map((each) => each.name)),
};
