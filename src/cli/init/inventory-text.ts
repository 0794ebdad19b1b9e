import { stringify } from 'yaml';
import { DEFAULT_ROLES } from '../../model/index.js';
import type { Draft, DraftHost } from './draft.js';

/** A first inventory, with a comment for each key. */
export function inventoryText(draft: Draft, madeFrom: string): string {
  return `${[
    `# Made by \`pgprov init\`${madeFrom}. \`pgprov validate\` checks it, and \`pgprov show\` prints every value that it leads to.`,
    block('Name of the cluster, and Patroni’s scope. Two clusters need two names.', { cluster: draft.cluster }),
    ...(draft.leader === undefined ? [] : [block('The host that leads first when the cluster is made.', { leader: draft.leader })]),
    roles(draft),
    ssh(draft),
    hosts(draft.hosts),
    groups(draft),
    postgresql(draft),
    clients(draft),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

/** Keys and values as YAML below a comment. */
function block(comment: string, value: object): string {
  return `# ${comment}\n${yaml(value)}`;
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, flowCollectionPadding: false }).trimEnd();
}

/** A value on one line. */
function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trimEnd();
}

function roles({ roles: chosen }: Draft): string {
  if (chosen === undefined)
    return `# The roles of every host that has no list of its own; this is the default. \`pgprov roles\` says what each does.\n# roles: ${flow(DEFAULT_ROLES)}`;
  return `# The roles of every host that has no list of its own. \`pgprov roles\` says what each does.\nroles: ${flow(chosen)}`;
}

const SSH_COMMENTS: readonly (readonly [key: string, example: string, comment: string])[] = [
  ['user', 'admin', 'login user, root or one that may use sudo; default: ~/.ssh/config, then your own name'],
  ['port', '22', 'port of sshd'],
  ['identity_file', '~/.ssh/id_ed25519', 'private key; default: the agent and the usual files'],
  ['jump', 'admin@bastion.example.com', 'host to go through, or a list of them'],
  ['become', 'sudo', 'how to become root: sudo, doas or none'],
  ['host_key_policy', 'ask', 'accept-new takes the key of a host that is seen for the first time; ask asks at a terminal'],
];

/** What is set stands there, what is often wanted is shown as a comment. */
function ssh({ ssh: settings }: Draft): string {
  const known = SSH_COMMENTS.map(([key, example, comment]) => {
    const line = settings[key] === undefined ? `  # ${key}: ${example}` : `  ${key}: ${flow(settings[key])}`;
    return `${line.padEnd(44)} # ${comment}`;
  });
  const more = Object.entries(settings)
    .filter(([key]) => !SSH_COMMENTS.some(([name]) => name === key))
    .map(([key, value]) => `  ${key}: ${flow(value)}`);
  const isEmpty = Object.keys(settings).length === 0;
  return `# How pgprov logs in. It may stand in groups and hosts too. Passwords: {env: NAME}, {file: path} and others, see docs/secrets.md.\n${isEmpty ? '# ssh:' : 'ssh:'}\n${[...known, ...more].join('\n')}`;
}

function hosts(list: readonly DraftHost[]): string {
  const lines = list.map(({ name, address, clusterAddress, roles: own, ssh: way }) => {
    const more = {
      ...(clusterAddress === undefined ? {} : { cluster_address: clusterAddress }),
      ...(own === undefined ? {} : { roles: own }),
      ...(way === undefined ? {} : { ssh: way }),
    };
    return `  ${flow(name)}: ${Object.keys(more).length === 0 ? flow(address) : flow({ address, ...more })}`;
  });
  return `# The machines. A name becomes the host name and the member’s; \`{address: …, cluster_address: …}\` where the members\n# reach each other by another address than you reach them.\nhosts:\n${lines.join('\n')}`;
}

function groups({ groups: named }: Draft): string {
  const entries = Object.entries(named);
  if (entries.length === 0) return '';
  return `# Some of the hosts, to select (\`--group\`) and to give settings.\ngroups:\n${entries.map(([name, members]) => `  ${flow(name)}:\n    hosts: ${flow(members)}`).join('\n')}`;
}

function postgresql({ postgresql: settings, clients: networks }: Draft): string {
  const lines = Object.entries(settings).map(([key, value]) => `  ${key}: ${flow(value)}`);
  const hba = networks.map((network) => `    - host all all ${network} scram-sha-256`);
  return [
    '# The server.',
    'postgresql:',
    ...lines,
    '  # Parameters as in postgresql.conf; under Patroni they go to its dynamic configuration.',
    '  # parameters:',
    '  #   shared_buffers: 1GB',
    '  #   max_connections: 200',
    ...(hba.length === 0
      ? ['  # Lines of pg_hba.conf for your clients.', '  # hba:', '  #   - host app app 10.0.1.0/24 scram-sha-256']
      : ['  # Lines of pg_hba.conf for your clients: database, role, network, method.', '  hba:', ...hba]),
  ].join('\n');
}

function clients({ clients: networks }: Draft): string {
  if (networks.length > 0)
    return block('Who may reach PostgreSQL through the hosts’ firewalls, besides the members.', {
      firewall: { client_networks: networks },
    });
  return '# Who may reach PostgreSQL through the hosts’ firewalls, besides the members.\n# firewall:\n#   client_networks: [10.0.1.0/24]';
}
