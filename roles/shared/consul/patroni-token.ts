import { consulToken, type Resource, type RoleContext } from '../../../src/index.js';
import { hostsWith, scopeOf, scopePrefix } from '../layout.js';
import { shared } from './agent.js';
import { consulClient } from './servers.js';
import { consulSecrets } from './tokens.js';

/** The prefix of Patroni's keys as Consul names them: without a slash before it. */
export function consulPrefix({ inventory, host }: Pick<RoleContext, 'inventory' | 'host'>): string {
  const [member = host] = hostsWith(inventory, 'patroni');
  return scopePrefix(inventory, member).slice(1);
}

/** The name of a service that Patroni registers (`service_name_from_scope_name` in its patroni/dcs/consul.py). */
export function consulServiceName(scope: string): string {
  const name = scope
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/gu, (char) => ('. _'.includes(char) ? '-' : `u${String(char.codePointAt(0)).padStart(4, '0')}`));
  return name.slice(0, 230);
}

/** What Consul's agents need to keep their own node registered. */
export function agentToken(context: RoleContext): Resource {
  return consulToken({
    client: consulClient(context.platform, 'management'),
    dataDirectory: context.platform.consul.dataDirectory,
    policy: 'pgprov-agent',
    rules: ['node_prefix "" { policy = "write" }', 'service_prefix "" { policy = "read" }', 'agent_prefix "" { policy = "read" }', ''].join(
      '\n',
    ),
    description: 'agents',
    token: consulSecrets(context).agent,
  }) as Resource;
}

/** What Patroni needs: its scope's keys, sessions on the nodes of the members, and its service where it is to register one. */
export function patroniToken(context: RoleContext): Resource[] {
  const members = hostsWith(context.inventory, 'patroni');
  const [member] = members;
  if (member === undefined) return [];
  const scope = scopeOf(context.inventory, member);
  const rules = [
    `key_prefix "${consulPrefix(context)}" { policy = "write" }`,
    ...members.flatMap(({ name }) => [
      `session "${name}" { policy = "write" }`,
      `agent "${name}" { policy = "read" }`,
      `node "${name}" { policy = "read" }`,
    ]),
    ...(shared(context).register_service ? [`service "${consulServiceName(scope)}" { policy = "write" }`] : []),
    '',
  ];
  return [
    consulToken({
      client: consulClient(context.platform, 'management'),
      dataDirectory: context.platform.consul.dataDirectory,
      policy: 'pgprov-patroni',
      rules: rules.join('\n'),
      description: `Patroni of ${scope}`,
      token: consulSecrets(context).patroni,
    }) as Resource,
  ];
}
