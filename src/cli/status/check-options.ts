import { CHECKS, LIMITED, type CheckName, type Limits } from '../../report/check-names.js';
import { timeSpan } from '../option-values.js';
import { noChoice, wrongValue } from '../usage-error.js';

const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** Reads the checks of `--check`: names with commas between them, or `all`. */
export function checkNames(text: string): readonly CheckName[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('all')) return CHECKS;
  const isCheck = (name: string): name is CheckName => CHECKS.some((known) => known === name);
  const unknown = names.find((name) => !isCheck(name));
  if (unknown !== undefined) throw noChoice('--check', unknown, [...CHECKS, 'all']);
  return CHECKS.filter((name) => names.includes(name));
}

/**
 * Reads limits of checks: `lag=64MiB,certs=30d,backup=26h`.
 * @param option its flag, for the error
 */
export function limitsOf(option: string): (text: string) => Limits {
  const seconds = (value: string): number => timeSpan(option)(value) / 1000;
  const bytes = (value: string): number => {
    const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/u.exec(value) ?? [];
    const size = Object.hasOwn(SIZES, unit) ? Number(digits) * (SIZES[unit] ?? Number.NaN) : Number.NaN;
    if (!Number.isFinite(size)) throw wrongValue(option, value, 'is no size', 'give one such as 512kB, 64MiB or 1GB');
    return size;
  };
  return (text) => {
    const limits: Partial<Record<(typeof LIMITED)[number], number>> = {};
    for (const part of text.split(',')) {
      const [name = '', value = ''] = part.split('=').map((word) => word.trim());
      const known = LIMITED.find((each) => each === name);
      if (known === undefined || value === '')
        throw wrongValue(
          option,
          part,
          'is no limit of a check',
          `give ${LIMITED.map((each) => `${each}=…`).join(', ')} with commas between them`,
        );
      limits[known] = known === 'lag' ? bytes(value) : seconds(value);
    }
    return limits;
  };
}
