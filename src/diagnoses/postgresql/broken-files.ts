import { defineDiagnosis, pgprov, SERVER_SETTINGS, type Finding } from '../../index.js';
import { dataPath } from '../shared/leading.js';

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
          follows: `a reload keeps what was in force before, and PostgreSQL does not start again with it`,
          mend: `${pgprov`apply ${view.inventory}`} writes what the inventory gives; a line that somebody else wrote stands in ${dataPath(examination, host)}`,
        },
      ];
    });
  },
});
