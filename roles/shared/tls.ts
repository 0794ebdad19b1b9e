import { directory, file, type Resource, type RoleContext } from '../../src/index.js';
import type { TlsFiles } from './layout.js';

/** A service's own copy of what it trusts and of the host's key pair. */
export interface TlsResources {
  directory: Resource;
  /** The authorities whose certificates are accepted. */
  authority: Resource;
  /** The host's certificate and key, the key readable by nobody else. */
  pair: readonly Resource[];
}

/** A service's TLS files. Those that take the place of others belong to a rolling stage, for the service may not like them. */
export function tlsResources(
  { host, material }: Pick<RoleContext, 'host' | 'material'>,
  files: TlsFiles,
  { owner, group }: { owner: string; group: string },
): TlsResources {
  const { certificate, key } = material.node(host.name);
  return {
    directory: directory({ path: files.directory, owner, group, mode: '0750' }),
    authority: file({ path: files.ca, owner, group, mode: '0644', content: material.caCertificate }),
    pair: [
      file({ path: files.certificate, owner, group, mode: '0644', content: certificate }),
      file({ path: files.key, owner, group, mode: '0600', content: key }),
    ],
  };
}
