import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../../lib/errors.js';
import { flagOf } from '../../lib/flag.js';
import type { Inventory } from '../../model/index.js';
import type { Operation } from '../../plan/operation.js';
import type { OperationRecord } from '../../store/operation-record.js';
import { optionWords } from './option-words.js';
import { takenBackBy } from './taken-back.js';
import { describeOperation, waysOut } from './unfinished.js';

type Options = Record<string, unknown>;

/** What was given, by whether it answers an operation that was begun before. */
export function partAnswers(
  { options: schemas }: Pick<Operation, 'options'>,
  typed: Readonly<Options>,
): { answers: Options; others: Options } {
  const isAnswer = ([name]: [string, unknown]): boolean => schemas[name]?.answers !== undefined;
  const all = Object.entries(typed);
  return { answers: Object.fromEntries(all.filter(isAnswer)), others: Object.fromEntries(all.filter((each) => !isAnswer(each))) };
}

/** What was begun before, with the answers that it is given now. */
export function answered(record: OperationRecord, answers: Readonly<Options>): OperationRecord {
  return { ...record, given: { ...record.given, ...answers }, chosen: { ...record.chosen, ...answers } };
}

/** What was chosen for an operation holds until it is over. */
export function assertSame(record: OperationRecord, given: Readonly<Record<string, unknown>>, { file }: Inventory): void {
  const other = Object.entries(given).find(([name, value]) => record.chosen[name] !== value && record.given[name] !== value);
  if (other === undefined) return;
  throw new InputError({
    kind: 'operation/contradiction',
    message: `${describeOperation(record)} is not finished, and ${optionWords(Object.fromEntries([other])).join(' ')} is not what it was begun with`,
    hint: waysOut(record, file),
  });
}

/** The cluster that it reads is the one that it was begun with. */
export function assertSameSource(record: OperationRecord, source: string | undefined, { file }: Inventory): void {
  if (record.source === source) return;
  throw new InputError({
    kind: 'operation/contradiction',
    message: `${describeOperation(record)} is not finished, and it was not begun with ${source ?? 'one inventory'}`,
    hint: waysOut(record, file),
  });
}

/** What it was begun for holds as well; without `--host` it is resumed for the same hosts. */
export function assertSameHosts(record: OperationRecord, selected: readonly string[] | undefined, { file }: Inventory): void {
  if (selected === undefined || isDeepStrictEqual([...selected].sort(), [...(record.hosts ?? [])].sort())) return;
  const begun = record.hosts === undefined ? 'all hosts' : record.hosts.join(', ');
  throw new InputError({
    kind: 'operation/contradiction',
    message: `${describeOperation(record)} is not finished, and it was begun for ${begun}`,
    hint: waysOut(record, file),
  });
}

/** Once it is being taken back, or is to be, it is not gone on with. */
export function assertOneAnswer(
  operation: Pick<Operation, 'options'>,
  record: OperationRecord,
  answers: Readonly<Options>,
  { file }: Inventory,
): void {
  const back = takenBackBy(operation);
  if (back === undefined || (record.chosen[back] !== true && answers[back] !== true)) return;
  const other = Object.keys(answers).find((name) => name !== back && answers[name] === true);
  if (other === undefined) return;
  throw new InputError({
    kind: 'operation/contradiction',
    message:
      record.chosen[back] === true
        ? `${describeOperation(record)} is being taken back (${flagOf(back)}), so ${flagOf(other)} comes too late`
        : `${flagOf(back)} and ${flagOf(other)} are given, and only one of them can be done`,
    hint: waysOut(record, file),
  });
}
