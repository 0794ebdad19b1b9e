import { afterEach, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { Doctor } from '../integration/support/doctor.js';

let cluster: TestCluster | undefined;

afterEach(() => cluster?.remove());

it.each(['debian12', 'debian13', 'rocky8', 'rocky9'] as const)(
  'finds nothing on a healthy cluster of %s, not even what is worth a word',
  async (system) => {
    cluster = await TestCluster.converged(system);
    expect(await new Doctor(cluster).findings()).toEqual([]);
  },
);
