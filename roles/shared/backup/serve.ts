import { digestOf, service, tlsResources, type Resource, type RoleContext, type Stage } from '../../../src/index.js';
import { tlsCopies } from '../layout.js';
import { unitPackage } from '../packages.js';
import { configFile } from './config-file.js';
import { hasServer, serverPort } from './repositories.js';

/** pgBackRest's configuration, and the server by which hosts reach each other’s repositories and databases. */
export function configuredServer(context: RoleContext): Stage[] {
  const { host, platform } = context;
  const config = configFile(context);
  const configure = (...resources: readonly Resource[]): Stage => ({
    name: 'configure',
    title: 'configure pgBackRest',
    crossing: 'independent',
    resources: [...resources, config],
  });
  if (!hasServer(host)) return [configure()];
  const { pgbackrest } = platform;
  const copies = tlsCopies(pgbackrest);
  const tls = tlsResources(context, copies);
  const listens = { digest: () => digestOf(host.clusterAddress, serverPort(host)) };
  return [
    configure(tls.directory),
    {
      // Its end is waited for on all hosts, because a repository host and the members need each other’s server.
      name: 'serve',
      title: 'start pgBackRest’s server',
      crossing: 'rolling',
      resources: [
        tls.authority,
        ...tls.pair,
        service({
          unit: pgbackrest.unit,
          cluster: context.inventory.cluster,
          restartOn: [listens],
          reloadOn: [config, tls.authority, ...tls.pair],
          reads: [pgbackrest.configFile, copies.ca, copies.certificate, copies.key],
          broughtBy: unitPackage(platform, pgbackrest.packages),
        }),
      ],
    },
  ];
}
