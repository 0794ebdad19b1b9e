/** Whether a run takes everything instead of samples; `npm run test:matrix` sets it. */
export const MATRIX = process.env['PGPROV_MATRIX'] === '1';

/** What samples are taken by: `PGPROV_SEED`, by default the day in UTC, YYYYMMDD. */
export const SEED = process.env['PGPROV_SEED'] ?? new Date().toISOString().slice(0, 10).replaceAll('-', '');
