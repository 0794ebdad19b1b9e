import type { VariablesSchema } from './role-schema.js';
import { PATH } from './closed-schema.js';

/** Settings of the SSH connection; allowed at the top level, in groups and in hosts. */
export const SSH_SCHEMA: VariablesSchema = {
  type: 'object',
  description: 'How pgprov gets into the hosts and becomes root there.',
  properties: {
    user: {
      type: 'string',
      description: 'Login user. Default: the user that runs pgprov.',
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@$\\\\-]*$',
      expects: 'a user name',
      examples: ['admin'],
    },
    port: { type: 'integer', description: 'Port of sshd.', minimum: 1, maximum: 65535, default: 22 },
    identity_file: {
      type: 'string',
      description: 'Private key; `~` and paths relative to the inventory file work. Without it the agent and the usual key files are tried.',
      ...PATH,
      examples: ['~/.ssh/id_ed25519'],
    },
    password: { type: 'string', description: 'Login password; keys are better.', secret: true, minLength: 1 },
    jump: {
      anyOf: [
        { type: 'string' },
        { type: 'array', items: { type: 'string', expects: 'a hop such as admin@bastion:22' } },
      ],
      description: 'Hosts to go through, nearest first, each as `user@host:port`; user and port may be left out. Hops use `identity_file` and the agent, never `password`.',
      expects: 'a hop such as admin@bastion:22, or a list of hops',
      examples: [['admin@bastion.example.com:22']],
    },
    become: {
      type: 'string',
      enum: ['sudo', 'none'],
      description: 'How scripts become root. Default: `none` when the user is root, else `sudo`.',
    },
    become_password: {
      type: 'string',
      description: 'Password for sudo. Without it sudo must not ask for one.',
      secret: true,
      minLength: 1,
    },
    host_key_policy: {
      type: 'string',
      enum: ['strict', 'accept-new'],
      description: '`strict`: the host key must be known already. `accept-new`: the key of an unknown host is recorded. A changed key is refused either way.',
      default: 'strict',
    },
    known_hosts: {
      anyOf: [
        { type: 'string', ...PATH },
        { type: 'array', items: { type: 'string', ...PATH }, minItems: 1 },
      ],
      description: 'Files of known host keys; `accept-new` writes to the first.',
      expects: 'a path or a list of paths',
      default: ['~/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'],
    },
    connect_timeout: {
      type: 'integer',
      description: 'Seconds for TCP, handshake and authentication together.',
      minimum: 1,
      maximum: 3600,
      default: 15,
    },
  },
};
