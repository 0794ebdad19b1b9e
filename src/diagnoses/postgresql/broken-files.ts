import { defineDiagnosis, pgprov, SERVER_SETTINGS, type Examination, type Finding } from '../../index.js';
import { dataPath } from '../shared/leading.js';
import { membersOf } from '../shared/members.js';

/** A file has an error that shows only at the next reload or start. */
export default defineDiagnosis({
  name: 'broken-files',
  looksAt: 'errors in postgresql.conf and pg_hba.conf',
  role: 'postgresql',
  find: (examination) => {
    const { view } = examination;
    return view.hosts('postgresql').flatMap(({ name: host }): Finding[] => {
      const seen = view.read(host, SERVER_SETTINGS);
      if (seen?.answers !== true) return [];
      const access = seen.accessErrors.map(({ line, message }) => ({ file: 'pg_hba.conf', line, message }));
      const files = seen.fileErrors.map(({ file, line, name, message }) => ({
        file,
        line,
        name,
        message: name === '' ? message : `${name}: ${message}`,
      }));
      const all = [...access, ...files];
      if (all.length === 0) return [];
      const names = [...new Set(all.map(({ file }) => file))];
      return [
        {
          level: 'danger',
          host,
          what: `${names.join(' and ')} ${names.length === 1 ? 'has' : 'have'} errors that the next reload or restart runs into`,
          evidence: all.map(({ file, line, message }) => ({
            host,
            source: file === 'pg_hba.conf' ? 'pg_hba_file_rules' : 'pg_file_settings',
            line: `${file} line ${line}: ${message}`,
          })),
          follows: 'a reload keeps what was in force before, and PostgreSQL does not start again with it',
          mend: mendOf(examination, host, all),
        },
      ];
    });
  },
});

/** Files that Patroni writes, at each start and when it is told to. */
const OF_PATRONI: readonly string[] = ['pg_hba.conf', 'pg_ident.conf', 'postgresql.conf'];

function mendOf(examination: Examination, host: string, errors: readonly { file: string; line: number; name?: string }[]): string {
  const { view } = examination;
  const other = errors.find(({ file }) => !OF_PATRONI.includes(file));
  if (other?.file === 'postgresql.auto.conf' && (other.name ?? '') !== '')
    return `${pgprov`psql ${view.inventory} --host ${host} -- -c ${`ALTER SYSTEM RESET ${other.name ?? ''}`}`} takes back what ALTER SYSTEM has set`;
  if (other !== undefined) return `correct line ${other.line} of ${dataPath(examination, host)}/${other.file} on ${host}`;
  if (!membersOf(examination).includes(host)) return `${pgprov`apply ${view.inventory}`} writes what the inventory gives`;
  return `\`systemctl reload patroni\`, as root on ${host}, has Patroni write the files anew; a line that stays comes from the inventory or the dynamic configuration`;
}
