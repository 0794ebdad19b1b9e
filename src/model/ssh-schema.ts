import type { VariablesSchema } from './role-schema.js';
import { PATH } from './closed-schema.js';

/** Settings of the SSH connection; allowed at the top level, in groups and in hosts. */
export const SSH_SCHEMA: VariablesSchema = {
  type: 'object',
  description:
    'How pgprov logs in to the hosts and becomes root there. What is not given here is taken from OpenSSH’s configuration (`config`), and only then from the defaults; see [ssh.md](ssh.md).',
  properties: {
    config: {
      change: 'free',
      anyOf: [{ type: 'string', ...PATH }, { type: 'array', items: { type: 'string', ...PATH }, minItems: 1 }, { enum: [false] }],
      description:
        'Configuration files of OpenSSH’s client, in which the host is looked up by its `address`; the first value found counts. `false` reads none. The default ones may be missing.',
      expects: 'a path, a list of paths, or false',
      default: ['~/.ssh/config', '/etc/ssh/ssh_config'],
    },
    user: {
      change: 'free',
      type: 'string',
      description: 'Login user. Default: the user that runs pgprov.',
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@$\\\\-]*$',
      expects: 'a user name',
      examples: ['admin'],
    },
    port: { change: 'free', type: 'integer', description: 'Port of sshd.', minimum: 1, maximum: 65535, default: 22 },
    identity_file: {
      change: 'free',
      type: 'string',
      description:
        'Private key; `~` and paths relative to the inventory file work. Without it the agent and the usual key files are tried. Of an encrypted key the agent is asked first, then `key_passphrase` is used, then the terminal is asked, once.',
      ...PATH,
      examples: ['~/.ssh/id_ed25519'],
    },
    key_passphrase: {
      change: 'free',
      type: 'string',
      description: 'Passphrase of an encrypted `identity_file`, also of one from OpenSSH’s configuration.',
      secret: true,
      minLength: 1,
    },
    password: {
      change: 'free',
      type: 'string',
      description: 'Login password; keys are better. `--ask-pass` asks for it.',
      secret: true,
      minLength: 1,
    },
    jump: {
      change: 'free',
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string', expects: 'a hop such as admin@bastion:22' } }],
      description:
        'Hosts to go through, nearest first, each as `user@host:port`; user and port may be left out. Hops use `identity_file` and the agent, never `password`.',
      expects: 'a hop such as admin@bastion:22, or a list of hops',
      examples: [['admin@bastion.example.com:22']],
    },
    become: {
      change: 'free',
      type: 'string',
      enum: ['sudo', 'doas', 'none'],
      description: 'How scripts become root. `doas` needs a rule with `nopass`. Default: `none` when the user is root, else `sudo`.',
    },
    become_password: {
      change: 'free',
      type: 'string',
      description: 'Password for sudo. Without it sudo must not ask for one; `--ask-become-pass` asks for it.',
      secret: true,
      // sudo reads a line, of which versions before 1.9 keep no more.
      pattern: '^[^\\u0000\\r\\n]{1,255}$',
      expects: 'one line of 255 characters at most',
    },
    host_key_policy: {
      change: 'free',
      type: 'string',
      enum: ['ask', 'strict', 'accept-new'],
      description:
        '`ask`: keys of unknown hosts are shown and asked about at a terminal, and refused elsewhere. `strict`: they are refused. `accept-new`: they are recorded. A changed key is always refused.',
      default: 'ask',
    },
    known_hosts: {
      change: 'free',
      anyOf: [
        { type: 'string', ...PATH },
        { type: 'array', items: { type: 'string', ...PATH }, minItems: 1 },
      ],
      description: 'Files of known host keys; new ones are written to the first.',
      expects: 'a path or a list of paths',
      default: ['~/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'],
    },
    connect_timeout: {
      change: 'free',
      type: 'integer',
      description: 'Seconds for TCP, handshake and authentication together.',
      minimum: 1,
      maximum: 3600,
      default: 15,
    },
    keepalive_interval: {
      change: 'free',
      type: 'integer',
      description: 'Seconds between signs of life on a quiet connection; 0 sends none.',
      minimum: 0,
      maximum: 3600,
      default: 5,
    },
    keepalive_count: {
      change: 'free',
      type: 'integer',
      description: 'Signs of life without an answer after which the connection counts as lost.',
      minimum: 1,
      maximum: 1000,
      default: 3,
    },
    command_timeout: {
      change: 'free',
      type: 'integer',
      description:
        'Seconds of silence from a host after which pgprov gives up the script that runs there; 0 waits for ever. A script that waits reports so every few seconds, so only a host that hangs is silent.',
      minimum: 0,
      maximum: 604800,
      default: 1800,
    },
  },
};
