import { InputError } from '../lib/errors.js';
import { shownPath } from '../lib/shown-path.js';
import type { Role } from '../plan/role.js';
import { roleProblems } from './check-role.js';
import { guardedRole } from './guarded-role.js';
import { importRole } from './import-role.js';
import { installHooks } from './install-hooks.js';
import { orderRoles } from './order.js';
import { findRoleFiles, type RoleFile } from './role-files.js';

/**
 * The catalog with the roles of some directories, in the order in which they are applied.
 * @throws InputError with everything that is wrong with them, one problem a line
 */
export async function extendCatalog(builtIn: readonly Role[], directories: readonly string[]): Promise<readonly Role[]> {
  const files = findRoleFiles(directories);
  installHooks([...new Set(files.map(({ directory }) => directory))]);
  const added: Role[] = [];
  const problems: string[] = [];
  for (const file of files) {
    const loaded = await loadRole(file, [...builtIn, ...added]);
    if ('role' in loaded) added.push(loaded.role);
    else problems.push(...loaded.problems);
  }
  if (problems.length > 0) throw invalid(problems);
  const order = orderRoles(builtIn, added);
  if ('problems' in order) throw invalid(order.problems);
  return order.roles;
}

async function loadRole(file: RoleFile, others: readonly Role[]): Promise<{ role: Role } | { problems: string[] }> {
  let exported: unknown;
  try {
    exported = await importRole(file);
  } catch (error) {
    return { problems: [(error as Error).message] };
  }
  const found = await roleProblems(exported, file.name);
  const twin = others.some(({ name }) => name === file.name) ? [`there is a role ${JSON.stringify(file.name)} already`] : [];
  const problems = [...found, ...twin].map((problem) => `${shownPath(file.path)}: ${problem}`);
  return problems.length === 0 ? { role: guardedRole(exported as Role, file) } : { problems };
}

function invalid(problems: readonly string[]): InputError {
  return new InputError({ kind: 'roles/invalid', message: problems.join('\n') });
}
