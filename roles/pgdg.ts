import { aptKey, aptRepository, defineRole, keyFingerprints, type Objection } from '../src/index.js';
import { variables } from './shared/variables.js';

/** Fingerprint of the key that PGDG signs its apt repository with; from PGDG's installation instructions. */
const PGDG_KEY = 'B97B0AFCAA1A47F044F244A07FCC7D46ACCC4CF8';

export default defineRole({
  name: 'pgdg',
  description: 'The PostgreSQL Global Development Group’s package repository, from its public address or a mirror, with its key pinned.',
  variables: {
    type: 'object',
    description: 'Where packages of PostgreSQL come from. A mirror is one variable: `base_url`.',
    properties: {
      base_url: {
        type: 'string',
        pattern: '^https?://[^\\s"\']+$',
        expects: 'an http or https address',
        default: 'https://apt.postgresql.org/pub/repos/apt',
        description: 'Base address of the repository or of a mirror of it.',
      },
      key_url: {
        type: 'string',
        pattern: '^https?://[^\\s"\']+$',
        expects: 'an http or https address',
        default: 'https://www.postgresql.org/media/keys/ACCC4CF8.asc',
        description: 'Where each host fetches the repository’s key. It is installed only if it is the pinned one.',
      },
      key: {
        type: 'string',
        pattern: '^-----BEGIN PGP PUBLIC KEY BLOCK-----\\r?\\n',
        expects: 'an armored OpenPGP public key',
        description: 'The armored key itself, for hosts that cannot fetch it.',
      },
      key_fingerprint: {
        type: 'string',
        pattern: '^[0-9A-F]{40}$',
        expects: 'a fingerprint: 40 hex digits in upper case',
        default: PGDG_KEY,
        description: 'Fingerprint of the only key that is trusted. Change it for a mirror that signs with a key of its own.',
      },
    },
  },
  preflight: (view) =>
    view.hosts('pgdg').flatMap((host): Objection[] => {
      const { key, key_fingerprint } = variables(host, 'pgdg');
      const held = key === undefined ? [key_fingerprint] : keyFingerprints(Buffer.from(key));
      if (held.length === 1 && held[0] === key_fingerprint) return [];
      return [
        {
          kind: 'preflight',
          host: host.name,
          message: `${host.name}: pgdg.key holds ${held.length === 0 ? 'no readable key' : held.join(', ')}, but the pinned key is ${key_fingerprint}`,
          hint: 'give the key that pgdg.key_fingerprint names, or correct the fingerprint after checking it with the mirror’s owner',
        },
      ];
    }),
  stages: ({ host, platform }) => {
    const { base_url, key_url, key, key_fingerprint } = variables(host, 'pgdg');
    const { keyPath } = platform.pgdg;
    return [
      {
        name: 'repository',
        title: 'add the PGDG repository',
        crossing: 'independent',
        resources: [
          aptKey({ path: keyPath, fingerprint: key_fingerprint, url: key_url, ...(key === undefined ? {} : { armored: key }) }),
          aptRepository({
            name: 'pgdg',
            uri: base_url,
            suite: `${platform.codename}-pgdg`,
            components: ['main'],
            signedBy: keyPath,
          }),
        ],
      },
    ];
  },
});
