import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { System } from '../../lab/index.js';
import { TestCluster } from './cluster.js';
import { Doctor } from './doctor.js';

/** A cluster that is made wrong in several ways, and its doctor. */
export interface DoctorsCluster {
  readonly cluster: TestCluster;
  readonly doctor: Doctor;
}

/** The converged cluster that the cases of a file share, with its doctor. What a case that failed may have left is not the next one's: it gets the cluster anew. */
export function doctorsCluster(os: System = 'debian13'): DoctorsCluster {
  let cluster: TestCluster;
  let doctor: Doctor;
  let isSpent = false;
  const put = async (): Promise<void> => {
    cluster = await TestCluster.converged(os);
    doctor = new Doctor(cluster);
  };
  beforeAll(put);
  beforeEach(async () => {
    if (!isSpent) return;
    await cluster.remove().catch(() => undefined);
    await put();
    isSpent = false;
  });
  afterEach(({ task }) => {
    isSpent = task.result?.state === 'fail';
  });
  afterAll(() => cluster.remove());
  return {
    get cluster() {
      return cluster;
    },
    get doctor() {
      return doctor;
    },
  };
}
