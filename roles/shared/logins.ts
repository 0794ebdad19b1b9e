import { databaseLogins, restLogins, type ClusterPassword } from '../../src/index.js';
import { servers } from './accounts.js';
import { accountsOf, hostsWith, localServer, restApiUrl } from './layout.js';

/** A database account's password; every member tries it on every server. */
export function databasePassword(name: string, path: string, account: 'superuser' | 'replication' | 'rewind'): ClusterPassword {
  return {
    name,
    path,
    logins: (context, tried) =>
      databaseLogins({
        ...tried,
        server: localServer(context.host, context.platform),
        role: accountsOf(context)[account].name,
        replication: account === 'replication',
        members: servers(context),
      }),
  };
}

/** The REST API's password; every member tries it on every other's. */
export const REST_PASSWORD: ClusterPassword = {
  name: 'restapi',
  path: 'patroni.restapi_password',
  logins: (context, tried) =>
    restLogins({ ...tried, user: accountsOf(context).restApi.name, urls: hostsWith(context.inventory, 'patroni').map(restApiUrl) }),
};
