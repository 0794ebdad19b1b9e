import { defineRole, keyFingerprints, type Objection } from '../src/index.js';
import { pinnedKeys, repositoryResources } from './shared/repository.js';
import { variables } from './shared/variables.js';

/** Only what needs no quoting in a source of apt, a repository of dnf (which takes a comma for the end) and for curl (which expands brackets). */
const ADDRESS = {
  type: 'string',
  pattern: '^https?://([A-Za-z0-9._~!$&*+;=:%-]+@)?([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&*+;=:@%/?-]*)?$',
  maxLength: 2000,
  expects: 'an http or https address, with %xx for what is no letter, digit or one of . _ ~ ! $ & * + ; = : @ / ? -',
} as const;

export default defineRole({
  name: 'pgdg',
  description: 'The PostgreSQL Global Development Group’s package repository, from its public address or a mirror, with its key pinned.',
  variables: {
    type: 'object',
    description: 'Where packages of PostgreSQL come from. A mirror is one variable: `base_url`.',
    properties: {
      base_url: {
        change: 'free',
        ...ADDRESS,
        examples: ['https://mirror.example.com/pgdg'],
        description: 'Base address of the repository or of a mirror of it. Default: PGDG’s own, https://apt.postgresql.org/pub/repos/apt for Debian and https://download.postgresql.org/pub/repos/yum for Rocky. A cluster of both families sets it in a group for each.',
      },
      key_url: { change: 'free', ...ADDRESS, description: 'Where each host fetches the repository’s key, by default from PGDG. It is installed only if it is the pinned one.' },
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
        description: 'Fingerprint of the only key that is trusted. Default: that of PGDG’s own key for the host’s system. Change it for a mirror that signs with a key of its own.',
      },
      crb: {
        change: 'free',
        type: 'boolean',
        default: false,
        description: 'Rocky: also enable the distribution’s repository CRB (PowerTools on Rocky 8). No package that pgprov installs needs it by default.',
      },
      epel: { change: 'free', type: 'boolean', default: false, description: 'Rocky: also install epel-release, which enables EPEL. No package that pgprov installs needs it by default.' },
    },
  },
  preflight: (view) =>
    view.hosts('pgdg').flatMap((host): Objection[] => {
      const { key } = variables(host, 'pgdg');
      const platform = view.platform(host.name);
      if (platform === undefined || key === undefined) return [];
      const held = keyFingerprints(Buffer.from(key));
      const pinned = pinnedKeys(host, platform).map(({ fingerprint }) => fingerprint);
      if (held.length === 1 && pinned.includes(held[0] ?? '')) return [];
      return [
        {
          kind: 'preflight',
          host: host.name,
          message: `${host.name}: pgdg.key holds ${held.length === 0 ? 'no readable key' : held.join(', ')}, but the pinned key is ${pinned.join(' or ')}`,
          hint: 'give the key that pgdg.key_fingerprint names, or correct the fingerprint after checking it with the mirror’s owner',
        },
      ];
    }),
  stages: (context) => [
    { name: 'repository', title: 'add the PGDG repository', crossing: 'independent', resources: repositoryResources(context) },
  ],
});
