import { expect } from 'vitest';
import type { LabHost } from '../../lab/index.js';
import { patience } from '../../support/patience.js';
import { controldata, must } from './outside.js';

/** How PostgreSQL ends a start with more shared memory than the host can give. */
const NO_MEMORY = 'could not map anonymous shared memory';

/**
 * Restarts Patroni where PostgreSQL is to take more shared memory than the host has, and waits until it has refused to start. What Patroni calls the member
 * is no sign of that: where the server ends before Patroni looks at its process, as on a busy machine, the member stays “starting” from one try to the next.
 */
export async function restartInVain(host: LabHost): Promise<void> {
  const since = await must(host, 'date +%s');
  await must(host, 'systemctl restart patroni');
  const said = (): Promise<string> => must(host, `journalctl -u patroni --since @${since} -o cat --no-pager`);
  await expect.poll(said, { timeout: patience(90_000) }).toContain(NO_MEMORY);
  expect(await controldata(host, 'Database cluster state')).toMatch(/^shut down/u);
}
