import {
  consulKeys,
  consulSettings,
  CONSUL_MEMBER,
  FORMER_CONFIGS,
  gate,
  pgprov,
  serviceHandle,
  sh,
  STORE_LEFT,
  STORE_WRITES,
  tlsHandshake,
  keysCheck,
  type Gate,
  type RoleContext,
  type StageProof,
  type View,
} from '../../../src/index.js';
import type { Dcs } from '../dcs.js';
import { tlsFiles } from '../layout.js';
import { consulPackage, shared } from './agent.js';
import { CONSUL_FIXED_VARIABLES } from './fixed-variables.js';
import { leaderGate } from './health.js';
import { CONSUL_LEAVING } from './leaving.js';
import { consulPrefix } from './patroni-token.js';
import { CONSUL_RESTART } from './restart.js';
import { consulClient, CONSUL_PORTS, consulServers, isConsulAgent } from './servers.js';
import { consulSecrets } from './tokens.js';

const AGENT = `127.0.0.1:${CONSUL_PORTS.https}`;

/** Consul as Patroni's store: each member asks the agent on its own host. */
export const consulDcs: Dcs = {
  name: 'Consul',
  role: 'consul',
  sectionName: 'consul',
  unit: 'consul',
  editing: (view, key) => `${asRoot(view)}; \`consul kv get ${named(key)}\` shows it, and \`consul kv put ${named(key)} @FILE\` writes it`,
  putting: (view, key, value) => `${asRoot(view)}; \`consul kv put ${named(key)} ${value}\``,
  fatalLogPatterns: ['ACL not found', 'ACLPermissionDenied'],
  inExtras: true,
  fixedVariables: CONSUL_FIXED_VARIABLES,
  packages: ({ consul }) => consul.patroniPackages,
  serverPackages: (context) => [consulPackage(context)],
  wantedVersion: () => undefined,
  section: (context) => {
    const { ca, certificate, key } = tlsFiles(context.platform.patroni);
    const token = consulSecrets(context).patroni.reveal();
    return context.template('patroni/consul.yml', {
      host: AGENT,
      ca,
      certificate,
      key,
      token,
      registerService: shared(context).register_service,
    });
  },
  keys: (context) => consulKeys(consulClient(context.platform, 'patroni'), consulPrefix(context)),
  gates: (context) => [letsPatroniIn(context)],
  proofs: (context) => acceptsPatroni(context),
  clientPort: () => CONSUL_PORTS.rpc,
  dataRoot: (_, { consul }) => consul.dataDirectory,
  hasData: (view, host) => view.read(host, CONSUL_MEMBER)?.hasData,
  spoilt: () => undefined,
  isHealthy: (view, host) => {
    const member = view.read(host, CONSUL_MEMBER);
    if (member === undefined) return undefined;
    return member.leader !== undefined && member.servers?.some(({ name, healthy }) => name === host && healthy) === true;
  },
  runs: (view, host) => {
    const unit = view.read(host, serviceHandle('consul'));
    return unit === undefined ? undefined : unit.active !== 'inactive' && unit.active !== 'failed';
  },
  worksGate: leaderGate,
  letIn: ({ inventory }) => `run ${pgprov`apply ${inventory}`}, which gives Patroni its token of Consul`,
  // What Consul has on its disks is read by Consul alone.
  left: () => ({ ...STORE_LEFT, probe: () => sh`:`, parse: () => ({ copies: [], unread: [] }) }),
  writes: () => ({ ...STORE_WRITES, probe: () => sh`:`, parse: () => ({ asked: false }) }),
  notWriting: 'The journal of consul on its servers says why',
  formerConfigs: () => ({ ...FORMER_CONFIGS, probe: () => sh`:`, parse: () => [] }),
  restart: CONSUL_RESTART,
  runsOn: isConsulAgent,
  leaving: CONSUL_LEAVING,
  memberNames: (view) =>
    view.hosts('consul').flatMap(({ name }) => (view.read(name, CONSUL_MEMBER)?.servers ?? []).map((each) => each.name)),
};

/** A key as Consul names it: Patroni begins with a slash, as etcd has it. */
function named(key: string): string {
  return key.replace(/^\//u, '');
}

/** Where several commands of consul are given, and what goes before them. */
function asRoot(view: View): string {
  const [host] = consulServers(view.inventory).filter(({ name }) => view.platform(name) !== undefined);
  const platform = host === undefined ? undefined : view.platform(host.name);
  if (host === undefined || platform === undefined) return 'on a server of Consul';
  return `as root on ${host.name}: \`export ${consulSettings(consulClient(platform, 'management'))}\``;
}

/** Open when Consul lets Patroni read its keys with its token, which takes a leader. */
function letsPatroniIn(context: RoleContext): Gate {
  const { host, platform } = context;
  const keys = consulKeys(consulClient(platform, 'patroni'), consulPrefix(context));
  return gate({
    name: 'consul-token',
    title: `Consul lets Patroni on ${host.name} in with its token`,
    check: keysCheck(consulClient(platform, 'patroni'), consulPrefix(context)),
    look: {
      sharedQuestions: [keys.question],
      probe: () => keys.question.tell ?? sh`:`,
      parse: (answer) => {
        const found = keys.find(answer.out.toString('utf8'));
        return { open: typeof found !== 'string', seen: typeof found === 'string' ? found : '' };
      },
    },
    unit: platform.consul.unit,
    fatalLogPatterns: [],
    timeout: 60,
    includeJournal: false,
  });
}

/** The host's agent takes the certificate that Patroni has. */
function acceptsPatroni({ host, platform }: RoleContext): StageProof[] {
  return [
    {
      on: host.name,
      gate: gate({
        name: `tls-${AGENT}`,
        title: `Consul accepts the certificate of ${platform.patroni.unit} on ${host.name}`,
        check: tlsHandshake(tlsFiles(platform.patroni), [AGENT]),
        unit: platform.patroni.unit,
        fatalLogPatterns: [],
        timeout: 30,
      }),
    },
  ];
}
