import { CONFIG_LOADED, type CheckResult, type OperationRun, type View } from '../../index.js';

/** What `pgprov reload` has chosen. */
export interface ReloadOptions {
  /** Chosen before the first step: when each member had read its files last, as a JSON object. */
  before?: string;
}

type Run = Pick<OperationRun<ReloadOptions>, 'view' | 'options'>;

/** When these servers have read their files last. */
export function readBefore(view: View, names: readonly string[]): ReloadOptions {
  return { before: JSON.stringify(Object.fromEntries(names.map((name) => [name, view.read(name, CONFIG_LOADED)]))) };
}

/** When each had read its files before the operation. */
export function beforeOf({ options: { before = '{}' } }: Pick<Run, 'options'>): Readonly<Record<string, string>> {
  return JSON.parse(before) as Record<string, string>;
}

/** Whether a server has read its files since the operation began. */
export function hasRead(run: Run, name: string): boolean {
  const before = beforeOf(run);
  const now = run.view.read(name, CONFIG_LOADED);
  return now !== undefined && now !== before[name] && before[name] !== undefined;
}

/** That it has, without errors. */
export function readCheck(run: Run, host: string, errors: readonly string[]): CheckResult {
  const now = run.view.read(host, CONFIG_LOADED);
  const read = now !== undefined && now !== beforeOf(run)[host];
  return {
    host,
    title: 'PostgreSQL has read its files again',
    ok: read && errors.length === 0,
    detail: errors[0] ?? (read ? `at ${new Date(Number(now) * 1000).toISOString().slice(0, 19)}Z` : 'not since the operation began'),
  };
}
