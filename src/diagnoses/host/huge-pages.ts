import { defineDiagnosis, formatBytes, MEMORY, memory } from '../../index.js';
import { asEvidence, standingLines } from '../shared/lines.js';

/** PostgreSQL's own words; the hint comes in a line of its own. */
const REFUSED = /could not map anonymous shared memory: Cannot allocate memory/u;
const WANTS = /request for a shared memory segment exceeded available memory, swap space, or huge pages/u;

/** PostgreSQL does not start because the huge pages that it must have are not there. */
export default defineDiagnosis({
  name: 'huge-pages',
  looksAt: 'huge pages',
  role: 'postgresql',
  asks: () => [memory()],
  find: (examination) =>
    examination.view.hosts('postgresql').flatMap(({ name: host }) => {
      const state = examination.view.read(host, MEMORY);
      const pages = state?.hugePages;
      const lines = standingLines(examination, host, {
        units: ['patroni', 'postgresql'],
        pattern: new RegExp(`${REFUSED.source}|${WANTS.source}`, 'u'),
        over: /database system is ready to accept/u,
      });
      const [first] = lines;
      const wanted = lines.map(({ text }) => /\(currently (\d+) bytes\)/u.exec(text)?.[1]).findLast((bytes) => bytes !== undefined);
      if (first === undefined || state === undefined || pages === undefined || pages.size === 0) return [];
      // More than the host has is no matter of huge pages.
      if (Number(wanted ?? 0) > state.total) return [];
      const needed = wanted === undefined ? undefined : Math.ceil(Number(wanted) / pages.size);
      if (needed !== undefined && pages.free >= needed) return [];
      return [
        {
          level: 'broken' as const,
          host,
          what: `PostgreSQL does not get the huge pages that it must have${wanted === undefined ? '' : `: it asks for ${formatBytes(Number(wanted))}`}`,
          since: first.at,
          evidence: [
            ...lines.slice(-2).map(asEvidence),
            { host, source: '/proc/meminfo', line: `${pages.free} of ${pages.count} huge pages of ${formatBytes(pages.size)} are free` },
          ],
          follows: 'it does not start; with huge_pages=on nothing but huge pages will do',
          mend: `reserve them: \`sysctl -w vm.nr_hugepages=${pages.count + (needed ?? 0)}\`, as root on ${host}, or set huge_pages to try`,
          explains: ['shared-memory', 'member-down', 'start-failed'],
        },
      ];
    }),
});
