import { dirname } from 'node:path/posix';
import {
  accessInForce,
  command,
  directory,
  interruptedBootstrap,
  interruptedCopy,
  PATRONI_CACHE,
  patroniHalted,
  sh,
  soundData,
  tlsResources,
  unstartedCopy,
  type FirstStart,
  type HaltedState,
  type Resource,
  type RoleContext,
  type Stage,
} from '../../../src/index.js';
import { dropIn } from '../drop-in.js';
import { dcsOf } from '../dcs-of.js';
import { dynamicConfiguration } from '../dynamic.js';
import { dataDirectoryOf, localServer, restApiUrl, scopeOf } from '../layout.js';
import { dataLabel, portLabel } from '../selinux.js';
import { variables } from '../variables.js';
import { accessOptions, patroniCopies } from './config-file.js';

/** All that must be there, or out of the way, before Patroni is started. */
export function configure(context: RoleContext): Stage {
  const { host, platform } = context;
  const { user, group } = platform.patroni;
  const server = localServer(host, platform);
  const data = dataDirectoryOf(host, platform);
  const ownership = { owner: user, group, mode: '0700' };
  const bootstrap = interruptedBootstrap({
    ...firstStart(context),
    binDirectory: server.binDirectory,
    first: host.name === context.inventory.leader,
    unit: platform.patroni.unit,
    configFile: platform.patroni.configFile,
    ownership,
    url: restApiUrl(host),
    keys: dcsOf(context.inventory).keys(context),
  });
  return {
    name: 'configure',
    title: 'configure Patroni',
    crossing: 'independent',
    resources: [
      tlsResources(context, patroniCopies(platform.patroni)).directory,
      ...dataParent(context),
      interruptedCopy({ path: data, ownership, binDirectory: server.binDirectory }),
      unstartedCopy({
        path: data,
        ownership,
        binDirectory: server.binDirectory,
        unit: platform.patroni.unit,
        member: host.name,
        keys: dcsOf(context.inventory).keys(context),
      }),
      bootstrap,
      soundData({ path: data, version: variables(host, 'postgresql').version, user, group, seen: bootstrap }),
      // With it alone in the directory Patroni would take that for data that it cannot use, for ever.
      command({
        name: `patroni-cache:${data}`,
        summary: `put ${PATRONI_CACHE}, which a failed bootstrap left in ${data}, aside`,
        unless: sh`[ "$(ls -A ${data} 2>/dev/null)" != ${PATRONI_CACHE} ]`,
        run: sh`mv ${`${data}/${PATRONI_CACHE}`} ${`${data}.${PATRONI_CACHE}`}."$(date +%Y%m%dT%H%M%S)"`,
      }),
      directory({
        path: data,
        ...ownership,
        orMode: '0750',
        ifThere: platform.postgresql(variables(host, 'postgresql').version).packagedData === data,
      }),
      ...dataLabel(host, platform),
      ...portLabel(host, platform),
      ...simpleUnit(context),
      // All that follows asks PostgreSQL, which a file edited into nonsense may not let in.
      accessInForce(accessOptions(context)),
      halted(context),
    ],
    gates: dcsOf(context.inventory).gates(context),
  };
}

/**
 * Where the platform's own layout is used, the directory above the data belongs to PostgreSQL: Patroni has
 * to remove and make the data directory when it builds a member anew.
 */
function dataParent({ host, platform }: RoleContext): Resource[] {
  const { version, data_dir } = variables(host, 'postgresql');
  const { user, group } = platform.patroni;
  if (data_dir !== undefined) return [];
  const { dataDirectory, packagedData } = platform.postgresql(version);
  const data = dataDirectory(variables(host, 'postgresql').name);
  return [directory({ path: dirname(data), owner: user, group, orMode: '0700', ifThere: packagedData === data })];
}

function simpleUnit({ platform, template }: RoleContext): Resource[] {
  const { simpleDropIn } = platform.patroni;
  return simpleDropIn === undefined ? [] : dropIn(simpleDropIn, template('patroni/simple.conf', {}));
}

/** How the host notes that Patroni is started there for the first time. */
export function firstStart({ host, inventory, platform }: RoleContext): FirstStart {
  return { scope: scopeOf(inventory, host), member: host.name, path: dataDirectoryOf(host, platform) };
}

/** What stops Patroni while its dynamic configuration keeps every PostgreSQL of the cluster from starting. */
export function halted(context: RoleContext): Resource<HaltedState> {
  const { host, inventory, platform } = context;
  return patroniHalted({
    unit: platform.patroni.unit,
    url: restApiUrl(host),
    keys: dcsOf(inventory).keys(context),
    path: dataDirectoryOf(host, platform),
    binDirectory: localServer(host, platform).binDirectory,
    user: platform.patroni.user,
    desired: dynamicConfiguration(context),
  });
}
