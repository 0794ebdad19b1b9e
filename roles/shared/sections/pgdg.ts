import type { VariablesSchema } from '../../../src/index.js';

/**
 * Only what needs no quoting in a source of apt, a repository of dnf (which takes a comma for the end) and for curl (which expands
 * brackets).
 */
const ADDRESS = {
  type: 'string',
  pattern: '^https?://([A-Za-z0-9._~!$&*+;=:%-]+@)?([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&*+;=:@%/?-]*)?$',
  maxLength: 2000,
  expects: 'an http or https address, with %xx for what is no letter, digit or one of . _ ~ ! $ & * + ; = : @ / ? -',
} as const;

/** The variables of the role pgdg. */
export const PGDG_VARIABLES = {
  type: 'object',
  description: 'Where packages of PostgreSQL come from. A mirror is one variable: `base_url`.',
  properties: {
    base_url: {
      change: 'free',
      ...ADDRESS,
      examples: ['https://mirror.example.com/pgdg'],
      description:
        'Base address of the repository or of a mirror of it. Default: PGDG’s own, https://apt.postgresql.org/pub/repos/apt for Debian and https://download.postgresql.org/pub/repos/yum for Rocky. A cluster of both families sets it in a group for each.',
    },
    key_url: {
      change: 'free',
      ...ADDRESS,
      description: 'Where each host fetches the repository’s key, by default from PGDG. It is installed only if it is the pinned one.',
    },
    key: {
      change: 'free',
      type: 'string',
      pattern: '^-----BEGIN PGP PUBLIC KEY BLOCK-----\\r?\\n',
      expects: 'an armored OpenPGP public key',
      description: 'The armored key itself, for hosts that cannot fetch it.',
    },
    key_fingerprint: {
      change: 'free',
      type: 'string',
      pattern: '^[0-9A-F]{40}$',
      expects: 'a fingerprint: 40 hex digits in upper case',
      description:
        'Fingerprint of the only key that is trusted. Default: that of PGDG’s own key for the host’s system. Change it for a mirror that signs with a key of its own.',
    },
    crb: {
      change: 'free',
      type: 'boolean',
      default: false,
      description:
        'Rocky: also enable the distribution’s repository CRB (PowerTools on Rocky 8). No package that pgprov installs needs it by default.',
    },
    epel: {
      change: 'free',
      type: 'boolean',
      default: false,
      description:
        'Rocky: also install epel-release, which enables EPEL. pgBackRest needs it: EPEL has libssh2. No other package that pgprov installs does by default.',
    },
  },
} as const satisfies VariablesSchema;
