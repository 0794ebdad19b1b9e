import { SERVER_SETTINGS, type View } from '../../index.js';

/**
 * Lines that PostgreSQL on a host cannot take, with its sentences: until they are mended it keeps what it has, and does not start.
 * @param pending parameters that wait for a restart, which PostgreSQL has among the errors of files though their values are good
 */
export function fileErrors(view: View, host: string, pending: readonly string[]): string[] {
  const settings = view.read(host, SERVER_SETTINGS);
  if (settings?.answers !== true) return [];
  const needRestart = new Set([...settings.settings.filter(({ restart }) => restart).map(({ name }) => name), ...pending]);
  return [
    ...settings.fileErrors
      .filter(({ name }) => !needRestart.has(name))
      .map(({ file, line, name, message }) => `${file}, line ${line}: ${name === '' ? '' : `${name}: `}${message}`),
    ...settings.accessErrors.map(({ line, message }) => `pg_hba.conf, line ${line}: ${message}`),
  ];
}
