import { InputError } from '../lib/errors.js';
import { shownPath } from '../lib/shown-path.js';
import type { Operation } from '../plan/operation.js';
import { operationProblems, type Known } from './check-operation.js';
import { guardedOperation } from './guarded-operation.js';
import { importRole } from './import-role.js';
import { installHooks } from './install-hooks.js';
import { findOperationFiles, type RoleFile } from './role-files.js';

/**
 * The operations of a user's, from the directories of `rolesPath`.
 * @throws InputError with everything that is wrong with them, one problem a line
 */
export async function loadOperations(directories: readonly string[], known: Known): Promise<readonly Operation[]> {
  const files = findOperationFiles(directories);
  installHooks([...new Set(files.map(({ directory }) => directory))]);
  const operations: Operation[] = [];
  const problems: string[] = [];
  for (const [index, file] of files.entries()) {
    const loaded = await loadOperation(file, known);
    const twin = files.slice(0, index).find(({ name }) => name === file.name);
    if ('operation' in loaded && twin === undefined) operations.push(loaded.operation);
    if ('problems' in loaded) problems.push(...loaded.problems);
    if (twin !== undefined) problems.push(`${shownPath(file.path)}: ${shownPath(twin.path)} is an operation of this name already`);
  }
  if (problems.length > 0) throw new InputError({ kind: 'operations/invalid', message: problems.join('\n') });
  return operations;
}

async function loadOperation(file: RoleFile, known: Known): Promise<{ operation: Operation } | { problems: string[] }> {
  let exported: unknown;
  try {
    exported = await importRole(file);
  } catch (error) {
    return { problems: [(error as Error).message] };
  }
  const problems = operationProblems(exported, file.name, known).map((problem) => `${shownPath(file.path)}: ${problem}`);
  return problems.length === 0 ? { operation: guardedOperation(exported as Operation, file) } : { problems };
}
