import { directory, file, type Resource, type RoleContext } from '../../src/index.js';
import type { TlsFiles } from './layout.js';

/** A service's own copy of the authority's certificate and of the host's key pair, readable by nobody else. */
export function tlsResources(
  { host, material }: Pick<RoleContext, 'host' | 'material'>,
  files: TlsFiles,
  { owner, group }: { owner: string; group: string },
): Resource[] {
  const { certificate, key } = material.node(host.name);
  return [
    directory({ path: files.directory, owner, group, mode: '0750' }),
    file({ path: files.ca, owner, group, mode: '0644', content: material.caCertificate }),
    file({ path: files.certificate, owner, group, mode: '0644', content: certificate }),
    file({ path: files.key, owner, group, mode: '0600', content: key }),
  ];
}
