import {
  digestOf,
  file,
  service,
  tlsResources,
  topologyOf,
  type Gate,
  type Resource,
  type RoleContext,
  type Stage,
  type StageProof,
  type UnitGuard,
} from '../../../src/index.js';
import { tlsCopies, tlsFiles } from '../layout.js';
import { variables } from '../variables.js';
import { CONSUL_PORTS, consulServers, DATACENTER } from './servers.js';
import { consulSecrets } from './tokens.js';

/** What is known of the server's start. */
export interface AgentStages {
  server: boolean;
  gates: readonly Gate[];
  unitGuard?: UnitGuard;
  proofs?: readonly StageProof[];
}

/** The package that brings Consul, which the inventory names. */
export function consulPackage(context: Pick<RoleContext, 'inventory'>): string {
  return shared(context).package;
}

/** What the inventory says of all agents. */
export function shared({ inventory }: Pick<RoleContext, 'inventory'>): ReturnType<typeof variables<'consul'>> {
  const [server] = consulServers(inventory);
  if (server === undefined) throw new RangeError('no host has the role consul');
  return variables(server, 'consul');
}

/** Configures an agent of Consul and starts it. */
export function agentStages(context: RoleContext, { server, gates, unitGuard, proofs }: AgentStages): Stage[] {
  const { host, platform } = context;
  const { consul } = platform;
  const { user: owner, group, unit } = consul;
  const secrets = consulSecrets(context);
  const tls = tlsResources(context, tlsCopies(consul));
  const configuration = file({
    path: consul.configFile,
    owner,
    group,
    mode: '0600',
    content: `${JSON.stringify(settings(context, server), undefined, 2)}\n`,
  });
  const token = (path: string, value: string): Resource => file({ path, mode: '0600', content: `${value}\n` }) as Resource;
  return [
    {
      name: 'configure',
      title: server ? 'configure Consul' : 'configure Consul’s agent',
      crossing: 'independent',
      resources: [
        tls.directory,
        configuration,
        ...(server ? [token(consul.managementTokenFile, secrets.management.reveal())] : []),
        ...(topologyOf(host) === 'patroni' ? [token(consul.patroniTokenFile, secrets.patroni.reveal())] : []),
      ],
    },
    {
      name: 'start',
      title: server ? 'start Consul' : 'start Consul’s agent',
      crossing: 'rolling',
      resources: [
        tls.authority,
        ...tls.pair,
        service({
          unit,
          cluster: context.inventory.cluster,
          restartOn: [tls.authority, ...tls.pair, { digest: () => digestOf(JSON.stringify(lasting(settings(context, server)))) }],
          broughtBy: { name: consulPackage(context), manager: platform.packageManager },
        }),
      ],
      gates,
      ...(proofs === undefined ? {} : { proofs }),
      ...(unitGuard === undefined ? {} : { unitGuard }),
    },
  ];
}

/** Under this key an agent says which cluster of pgprov's it is of. */
export const CLUSTER_META = 'pgprov_cluster';

/** What counts for an agent that runs: a server that has its data knows the others, and an agent that runs has joined them. */
function lasting({ bootstrap_expect: _servers, retry_join: _addresses, ...others }: Readonly<Record<string, unknown>>): object {
  return others;
}

/** Consul's configuration; names as in its documentation. */
function settings(context: RoleContext, server: boolean): Readonly<Record<string, unknown>> {
  const { host, inventory, platform } = context;
  const secrets = consulSecrets(context);
  const { ca, certificate, key } = tlsFiles(platform.consul);
  const servers = consulServers(inventory).map(({ clusterAddress }) => clusterAddress);
  return {
    node_name: host.name,
    node_meta: { [CLUSTER_META]: inventory.cluster },
    datacenter: DATACENTER,
    data_dir: platform.consul.dataDirectory,
    server,
    ...(server ? { bootstrap_expect: servers.length, performance: { raft_multiplier: variables(host, 'consul').raft_multiplier } } : {}),
    bind_addr: host.clusterAddress,
    // Only programs of the host talk to the agent, which hands on what it is asked.
    client_addr: '127.0.0.1',
    ports: {
      http: -1,
      https: CONSUL_PORTS.https,
      dns: -1,
      grpc: -1,
      serf_lan: CONSUL_PORTS.gossip,
      serf_wan: -1,
      ...(server ? { server: CONSUL_PORTS.rpc } : {}),
    },
    retry_join: servers,
    encrypt: secrets.gossip.reveal(),
    ca_file: ca,
    cert_file: certificate,
    key_file: key,
    verify_incoming: true,
    verify_outgoing: true,
    // Only who has a server's certificate is talked to as a server.
    verify_server_hostname: true,
    tls_min_version: 'tls12',
    acl: {
      enabled: true,
      default_policy: 'deny',
      down_policy: 'extend-cache',
      // Without it a token that may not list a prefix is told that there is nothing.
      enable_key_list_policy: true,
      tokens: { ...(server ? { master: secrets.management.reveal() } : {}), agent: secrets.agent.reveal() },
    },
    // An agent that left would take its sessions with it, and so the leader's lock, whenever it is restarted.
    leave_on_terminate: false,
    skip_leave_on_interrupt: true,
    disable_update_check: true,
    disable_remote_exec: true,
  };
}
