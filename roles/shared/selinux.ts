import { selinuxDirectory, selinuxPort, type Host, type Platform, type Resource } from '../../src/index.js';
import { dataDirectoryOf } from './layout.js';
import { variables } from './variables.js';

const DEFAULT_PORT = 5432;

/** SELinux lets PostgreSQL listen on its own port only, unless another is labelled as PostgreSQL's. */
export function portLabel(host: Host, { family }: Platform): Resource[] {
  const { port } = variables(host, 'postgresql');
  return family === 'el' && port !== DEFAULT_PORT ? [selinuxPort({ port, type: 'postgresql_port_t' })] : [];
}

/** The policy knows the packages' data directory; another one has to be labelled as PostgreSQL's. */
export function dataLabel(host: Host, platform: Platform): Resource[] {
  const { data_dir } = variables(host, 'postgresql');
  return platform.family === 'el' && data_dir !== undefined
    ? [selinuxDirectory({ path: dataDirectoryOf(host, platform), type: 'postgresql_db_t' })]
    : [];
}
