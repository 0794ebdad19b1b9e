import { defineDiagnosis, POOLER, pgprov, type Finding } from '../../index.js';

/** PgBouncer holds its clients up, because somebody has paused it. */
export default defineDiagnosis({
  name: 'pools-paused',
  looksAt: 'paused pools',
  role: 'pgbouncer',
  find: ({ view }) =>
    view.hosts('pgbouncer').flatMap(({ name: host }): Finding[] => {
      const seen = view.read(host, POOLER);
      if (seen?.paused === undefined) return [];
      const waiting = seen.pools.reduce((all, pool) => all + pool.waiting, 0);
      return [
        {
          level: 'broken',
          host,
          unit: 'pgbouncer',
          what:
            seen.paused === 'all' ? 'the pools of PgBouncer are paused' : `the pools of PgBouncer on ${seen.paused.join(', ')} are paused`,
          evidence: [
            { host, source: 'PgBouncer’s console', line: seen.paused === 'all' ? 'SHOW STATE: paused yes' : 'SHOW DATABASES: paused 1' },
          ],
          follows: `their clients wait, ${waiting} just now, and are cut off after query_wait_timeout`,
          mend: `${pgprov`apply ${view.inventory}`} resumes them; an operation that was begun with --pause-pools and cut off is finished by the same command, or given up, which resumes them as well`,
        },
      ];
    }),
});
