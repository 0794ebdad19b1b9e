import { defineRole, keyFingerprints, type Objection } from '../src/index.js';
import { pinnedKeys, repositoryResources } from './shared/repository.js';
import { variables } from './shared/variables.js';
import { PGDG_VARIABLES } from './shared/sections/pgdg.js';

export default defineRole({
  name: 'pgdg',
  description: 'The PostgreSQL Global Development Group’s package repository, from its public address or a mirror, with its key pinned.',
  variables: PGDG_VARIABLES,
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
