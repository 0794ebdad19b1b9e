import type { OperationHead } from './heads.js';

/** The option that takes an operation back, where it has one. */
export function takenBackBy({ options }: Pick<OperationHead, 'options'>): string | undefined {
  return Object.keys(options).find((name) => options[name]?.answers === 'takes-back');
}
