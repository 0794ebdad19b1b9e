import {
  type accessInForce,
  file,
  firstConfiguration,
  valueAt,
  type Secret,
  wakeMember,
  type JsonObject,
  type Resource,
  type RoleContext,
  type Script,
  type ServiceLayout,
  type TlsCopies,
} from '../../../src/index.js';
import { dcsOf } from '../dcs-of.js';
import { dynamicConfiguration, hostParameters } from '../dynamic.js';
import { identLines, patroniAccess } from '../hba.js';
import { accountsOf, dataDirectoryOf, hostPort, localServer, restApiUrl, scopeOf, tlsCopies } from '../layout.js';
import { livePart } from '../live-part.js';
import { receiverPasswordFile } from '../settings-gate.js';
import { variables } from '../variables.js';

/** Patroni's copies of the host's key pair, which it reads for every connection to etcd. */
export function patroniCopies(patroni: ServiceLayout): TlsCopies {
  return { ...tlsCopies(patroni), readAnew: true };
}

/** patroni.yml. */
export function configFile(context: RoleContext): Resource {
  const { platform } = context;
  const { user, group, configFile: path } = platform.patroni;
  const content = renderConfig(context, firstConfiguration(dynamicConfiguration(context)));
  return file({ path, owner: user, group, mode: '0600', content, counting: livePart(context) });
}

/** The text of patroni.yml; `bootstrap` is the first configuration of a cluster that does not exist yet. */
export function renderConfig(context: RoleContext, bootstrap: JsonObject): string {
  const { host, inventory, platform, template } = context;
  const { version, port, encoding, locale } = variables(host, 'postgresql');
  const { restapi_port, namespace, watchdog, watchdog_device, tags } = variables(host, 'patroni');
  const { superuser, replication, rewind, restApi } = accountsOf(context);
  const { binDirectory, socketDirectory } = platform.postgresql(version);
  const open = ({ name, password }: { name: string; password: Secret }): object => ({ name, password: password.reveal() });
  return template('patroni/patroni.yml', {
    scope: scopeOf(inventory, host),
    namespace,
    name: host.name,
    restapi: {
      listen: host.clusterAddress.includes(':') ? `[::]:${restapi_port}` : `0.0.0.0:${restapi_port}`,
      connectAddress: hostPort(host.clusterAddress, restapi_port),
      username: restApi.name,
      password: restApi.password.reveal(),
    },
    store: dcsOf(inventory).section(context),
    dcs: bootstrap,
    initdb: [{ encoding }, { locale }, { 'lc-messages': 'C' }, 'data-checksums'],
    postgresql: {
      listen: `*:${port}`,
      connectAddress: hostPort(host.clusterAddress, port),
      dataDirectory: dataDirectoryOf(host, platform),
      binDirectory,
      pgpass: receiverPasswordFile(context),
      basebackup: basebackupOptions(context),
      parameters: { unix_socket_directories: socketDirectory, ...hostParameters(context) },
      ident: userMap(context),
      hba: accessLines(context),
    },
    superuser: open(superuser),
    replication: open(replication),
    rewind: open(rewind),
    watchdog: { mode: watchdog, device: watchdog === 'off' ? '' : watchdog_device },
    tags,
  });
}

/**
 * A copy begins with a checkpoint, which is spread over most of checkpoint_timeout unless a fast one is asked for. Options that the inventory
 * gives in the dynamic configuration are left to it, because Patroni takes its file's before those.
 */
function basebackupOptions({ host }: RoleContext): JsonObject[] | undefined {
  const given = valueAt(variables(host, 'patroni').dynamic as JsonObject, ['postgresql', 'basebackup']);
  return given === undefined ? [{ checkpoint: 'fast' }] : undefined;
}

/** The lines of pg_hba.conf. */
function accessLines({ host, inventory }: RoleContext): string[] {
  return patroniAccess(host, inventory.hosts);
}

/**
 * The lines of pg_ident.conf, where access needs any of its own. Patroni takes its file's instead of those in the dynamic configuration, so
 * these come along.
 */
function userMap({ host }: RoleContext): string[] | undefined {
  const own = identLines(variables(host, 'postgresql').superuser);
  const given = valueAt(variables(host, 'patroni').dynamic as JsonObject, ['postgresql', 'pg_ident']) ?? [];
  return own.length === 0 ? undefined : [...own, ...(given as string[])];
}

/** The pg_hba.conf that Patroni writes into the data directory. */
export function accessOptions(context: RoleContext): Parameters<typeof accessInForce>[0] {
  const { host, platform } = context;
  return {
    path: `${dataDirectoryOf(host, platform)}/pg_hba.conf`,
    lines: accessLines(context),
    configFile: platform.patroni.configFile,
    server: localServer(host, platform),
  };
}

/** Has the host's own member look at its configuration now. */
export function wakeOwn(context: RoleContext): Script {
  const { name: user, password } = accountsOf(context).restApi;
  return wakeMember(restApiUrl(context.host), { user, password });
}
