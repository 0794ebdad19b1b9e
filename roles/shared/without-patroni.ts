import {
  command,
  digestOf,
  directory,
  editedFile,
  file,
  noteReloadDue,
  replaceBlock,
  service,
  sh,
  type Resource,
  type RoleContext,
} from '../../src/index.js';
import { FIRST_DEFAULT_LINE, standaloneAccess } from './hba.js';
import { wantedSettings } from './in-force.js';
import { dataDirectoryOf } from './layout.js';
import { portLabel } from './selinux.js';
import { standaloneCluster } from './standalone.js';
import { variables } from './variables.js';

/** What a host without Patroni has of its server, in the order in which it comes. */
export interface WithoutPatroni {
  /** A database of its own. */
  database: Resource;
  /** That the platform's service runs what is in the data directory. */
  registration: readonly Resource[];
  /** Its files are edited as the cluster was made with them, so they must be there to be seen. */
  configuration: readonly Resource[];
  /** The same where the data is a copy of another server's: what is beside the data there came with it. */
  ofCopy: readonly Resource[];
  service: Resource;
}

/** The parts of a server without Patroni, on a host of any platform. */
export function withoutPatroni(context: RoleContext): WithoutPatroni {
  const { host, platform, template, inventory } = context;
  const { version, name } = variables(host, 'postgresql');
  const layout = platform.postgresql(version);
  const { user, group, unit } = layout;
  const { database, registration, configDirectory: configuration, restartOn, enable, isPackaged } = standaloneCluster(context);
  const broughtBy = { name: layout.unitPackage, installedWith: layout.serverPackages[0] ?? '', manager: platform.packageManager };
  const owned = { owner: user, group, mode: '0640' };
  const settingsFile = `${configuration}/conf.d/pgprov.conf`;
  const settings = file({
    ...owned,
    mode: '0644',
    path: settingsFile,
    content: template('postgresql/parameters.conf', { parameters: wantedSettings(context) }),
  });
  const lines = standaloneAccess(host, inventory.hosts);
  const access = editedFile({
    ...owned,
    path: `${configuration}/pg_hba.conf`,
    edit: (current) => replaceBlock(current, inventory.cluster, lines, FIRST_DEFAULT_LINE),
    digest: digestOf('ahead', ...lines),
    before: noteReloadDue(unit(name)),
  });
  const included = [
    directory({ path: `${configuration}/conf.d`, owner: user, group }),
    command({
      name: `include-dir-${version}-${name}`,
      summary: `let ${configuration}/postgresql.conf read conf.d`,
      unless: sh`grep -qE "^ *include_dir *=? *'conf.d'" ${`${configuration}/postgresql.conf`}`,
      run: sh`printf '%s\n' ${"include_dir = 'conf.d'"} >>${`${configuration}/postgresql.conf`}`,
    }),
  ] as Resource[];
  const files = [settings, access, ...portLabel(host, platform)] as Resource[];
  return {
    database,
    registration,
    configuration: [...included, ...files],
    ofCopy: configuration === dataDirectoryOf(host, platform) ? files : [...included, ...files],
    service: service({
      unit: unit(name),
      enable,
      restartOn,
      reloadOn: [settings, access],
      // A server that took up what somebody wrote there keeps it when the file is the inventory's again.
      reads: [settingsFile],
      cluster: inventory.cluster,
      ...(isPackaged ? { broughtBy } : {}),
    }) as Resource,
  };
}
