import { patroniRestart, SERVER_LIMITS, type RoleContext, type View } from '../../index.js';
import { accountsOf, dataDirectoryOf, localServer, restApiUrl } from '../../../roles/shared/layout.js';

/**
 * PostgreSQL of a member, restarted by Patroni.
 * @param options `onlyAsReplica`: not where it leads by then; `takeBack`: how a restart that is scheduled is called off, '' where none is
 */
export function restartedMember(
  view: View,
  context: RoleContext,
  options: Pick<Parameters<typeof patroniRestart>[0], 'onlyAsReplica' | 'takeBack'>,
): ReturnType<typeof patroniRestart> {
  const { host, platform } = context;
  const { name: user, password } = accountsOf(context).restApi;
  return patroniRestart({
    member: host.name,
    url: restApiUrl(host),
    server: localServer(host, platform),
    data: dataDirectoryOf(host, platform),
    unit: platform.patroni.unit,
    before: view.read(host.name, SERVER_LIMITS)?.started ?? '',
    ...options,
    user,
    password,
  });
}
