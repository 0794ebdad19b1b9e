import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestCluster } from './support/cluster.js';
import { must } from './support/outside.js';
import { pgprov } from './support/pgprov.js';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.converged();
});

afterAll(() => cluster.remove());

interface Found {
  findings: { diagnosis: string; level: string; host?: string; what: string; mend: string }[];
  well: string[];
}

async function doctor(): Promise<{ code: number | null; found: Found }> {
  const { code, stdout } = await pgprov('doctor', cluster.file, '--json');
  return { code, found: JSON.parse(stdout) as Found };
}

it('finds nothing on a healthy cluster', async () => {
  const { code, found } = await doctor();
  expect(found.findings).toEqual([]);
  expect(found.well.length).toBeGreaterThan(2);
  expect(code).toBe(0);
});

it('finds that nobody leads, and changes nothing', async () => {
  for (const host of cluster.hosts) await must(host, 'systemctl stop patroni');
  const { code, found } = await doctor();
  expect(found.findings.map(({ diagnosis, level }) => [diagnosis, level])).toContainEqual(['no-leader', 'broken']);
  expect(code).toBe(1);
  for (const host of cluster.hosts) await must(host, 'systemctl start patroni');
  expect((await pgprov('status', cluster.file, '--until', 'healthy', '--timeout', '2m')).code).toBe(0);
});
