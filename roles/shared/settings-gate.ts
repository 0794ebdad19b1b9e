import { gate, goesBySettings, NOTHING, type Gate, type RoleContext } from '../../src/index.js';
import { accountsOf, restApiUrl } from './layout.js';
import { variables } from './variables.js';

/** Where Patroni keeps what a standby's WAL receiver logs in with. */
export function receiverPasswordFile({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): string {
  return `${platform.postgresql(variables(host, 'postgresql').version).home}/.pgpass_patroni`;
}

/** Open when Patroni has taken up the passwords of its file. It is waited for only after a change; a look costs nothing. */
export function settingsGate(context: RoleContext): Gate {
  const { host, credentials, platform } = context;
  const { restApi, replication } = accountsOf(context);
  const former = credentials.former('patroni.restapi_password');
  return gate({
    name: 'patroni-settings',
    title: `Patroni on ${host.name} uses its passwords`,
    unit: platform.patroni.unit,
    fatalLogPatterns: [],
    timeout: variables(host, 'patroni').loop_wait + 60,
    check: goesBySettings({
      url: restApiUrl(host),
      credentials: { user: restApi.name, password: restApi.password },
      ...(former === undefined ? {} : { former: { user: restApi.name, password: former } }),
      passwordFile: receiverPasswordFile(context),
      replicationPassword: replication.password,
    }),
    look: { probe: () => NOTHING, parse: () => ({ open: true, seen: '' }) },
  });
}
