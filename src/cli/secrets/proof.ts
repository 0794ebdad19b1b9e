import { enumerate } from '../../lib/enumerate.js';
import { Secret } from '../../lib/secret.js';
import type { Inventory } from '../../model/index.js';
import { defineRole, type ClusterPassword } from '../../plan/role.js';
import type { View } from '../../plan/view.js';
import { PASSWORD_LOGIN, type PasswordLogin } from '../../resources/password-login.js';
import type { PasswordRotation } from '../../store/password-rotation.js';
import { runOnHosts } from '../cluster-run.js';

/** A password, and the role on whose hosts it is used. */
export interface RolePassword extends ClusterPassword {
  role: string;
}

/** Has every member log in to every other, with the new password and with the former one; gives what speaks against the change, a line each. */
export async function missingProofs(password: RolePassword, inventory: Inventory, { from, to }: PasswordRotation): Promise<string[]> {
  const tried = { password: new Secret(to), former: new Secret(from) };
  const looking = defineRole({
    name: password.role,
    description: `Tries the ${password.name} password.`,
    variables: { type: 'object', properties: {} },
    stages: () => [],
    observations: (context) => [password.logins(context, tried)],
  });
  const { view, errors } = await runOnHosts({ inventory, aim: {}, mode: 'survey', roles: () => [looking], emit: () => undefined });
  return [...errors.map(({ message }) => message), ...(view === undefined ? ['no host answers'] : objections(view, password))];
}

function objections(view: View, { role }: RolePassword): string[] {
  return view.hosts(role).flatMap(({ name }) => {
    const logins = view.read<PasswordLogin[]>(name, PASSWORD_LOGIN) ?? [];
    if (logins.length === 0) return [`${name} could not try it`];
    const failed = logins.filter(({ password, outcome }) => outcome !== (password === 'new' ? 'accepted' : 'refused'));
    return failed.map(({ password, to, outcome, words }) =>
      outcome === 'accepted' ? `from ${name}, ${to} still takes the former password` : `from ${name}, ${to} and the ${password} password: ${words}`,
    );
  });
}

/** What was changed, for people. */
export function provedText({ name, role }: RolePassword, inventory: Inventory): string {
  const hosts = inventory.hosts.filter(({ roles }) => roles.includes(role)).map((host) => host.name);
  return `${name}: the new password is in force on ${enumerate(hosts)}, as fresh logins from each to each prove; the former one is refused`;
}
