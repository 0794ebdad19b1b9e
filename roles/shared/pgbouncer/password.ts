import { databaseLogins, type ClusterPassword } from '../../../src/index.js';
import { accountsOf, clientVersion } from '../layout.js';
import { variables } from '../variables.js';
import { wayOf } from './way.js';

/** The password of PgBouncer's own role. Each PgBouncer tries it on itself, which has it in its file, and on what it connects to. */
export const POOLER_PASSWORD: ClusterPassword = {
  name: 'pgbouncer',
  path: 'pgbouncer.auth_password',
  logins: (context, tried) => {
    const { host, inventory, platform } = context;
    const way = wayOf(host, inventory);
    return databaseLogins({
      ...tried,
      server: { binDirectory: platform.postgresql(clientVersion(inventory) ?? 0).binDirectory, user: platform.pgbouncer.user, home: '/' },
      role: accountsOf(context).pooler.name,
      replication: false,
      members: [
        { address: '127.0.0.1', port: variables(host, 'pgbouncer').port },
        ...(way?.addresses ?? []).map((address) => ({ address, port: way?.leader ?? 0 })),
      ],
    });
  },
};
