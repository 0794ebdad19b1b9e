import { InputError } from '../../lib/errors.js';
import { InventoryError } from '../../model/index.js';

/** Where the dynamic configuration stands among the variables of an inventory, by which changes of it are checked. */
const VARIABLE = 'patroni.dynamic';

/**
 * Has a check of changed settings done, and its errors name them as this command does: by the key, and by where it was given.
 * @param source `--put`, or what the editor left
 */
export async function inOwnWords<Result>(source: string, check: () => Promise<Result>): Promise<Result> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error;
    throw new InventoryError(
      error.problems.map((problem) =>
        problem.file === '--set' && problem.path.startsWith(VARIABLE)
          ? {
              ...problem,
              file: source,
              path: withoutVariable(problem.path),
              message: withoutVariable(problem.message),
              ...(problem.hint === undefined ? {} : { hint: withoutVariable(problem.hint) }),
            }
          : problem,
      ),
      error,
    );
  }
}

function withoutVariable(text: string): string {
  return text.replaceAll(`${VARIABLE}.`, '').replaceAll(VARIABLE, text === VARIABLE ? '' : 'the dynamic configuration');
}

/** @throws InputError for a `--put` that gives a setting no value */
export function assertAssignments(put: readonly string[]): void {
  const wrong = put.find((text) => !/^[^=\s]+\s*=/u.test(text));
  if (wrong === undefined) return;
  throw new InputError({
    kind: 'cli/option-value',
    // The text may be a value whose key was forgotten, so it is not shown beyond what looks like a key.
    message: `--put${/^[\w.-]+$/u.test(wrong) ? ` ${JSON.stringify(wrong)}` : ''} gives no setting a value`,
    hint: 'give a key and a value, such as failsafe_mode=true or postgresql.parameters.work_mem=8MB',
  });
}
