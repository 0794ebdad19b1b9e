import { describe, expect, it } from 'vitest';
import { guardTune } from '../../../../roles/shared/tuning/guards.js';
import { tunedParameters } from '../../../../roles/shared/tuning/parameters.js';
import { HOST_FACTS } from '../../../../src/index.js';
import { View } from '../../../../src/plan/view.js';
import { hostOf, inventoryOf } from '../../../support/inventory.js';

const valuesOf = (...args: Parameters<typeof tunedParameters>): Record<string, unknown> =>
  Object.fromEntries(tunedParameters(...args).map(({ name, value }) => [name, value]));
const withTune = (rest: string): string =>
  `cluster: demo\nroles: [base, pgdg, postgresql]\nhosts: {pg1: 10.0.0.1}\npostgresql:\n  tune: {workload: oltp, memory: 16GB, cores: 4}\n${rest}`;

describe('parameters for a machine and its work', () => {
  it('follow from memory and cores', () => {
    expect(valuesOf({ workload: 'oltp', memory: '16GB', cores: 4, storage: 'ssd' })).toEqual({
      max_connections: 200,
      shared_buffers: '4GB',
      effective_cache_size: '12GB',
      work_mem: '20MB',
      maintenance_work_mem: '1GB',
      max_wal_size: '4GB',
      min_wal_size: '1GB',
      max_worker_processes: 8,
      max_parallel_workers: 4,
      max_parallel_workers_per_gather: 2,
      max_parallel_maintenance_workers: 2,
      random_page_cost: 1.1,
      effective_io_concurrency: 200,
    });
  });

  it('suit large queries on disks that turn', () => {
    const values = valuesOf({ workload: 'olap', memory: '128GB', cores: 32, storage: 'hdd' });
    expect(values).toMatchObject({
      max_connections: 100,
      work_mem: '491MB',
      maintenance_work_mem: '2GB',
      max_wal_size: '8GB',
      max_worker_processes: 36,
      max_parallel_workers_per_gather: 16,
      max_parallel_maintenance_workers: 4,
      default_statistics_target: 500,
    });
    expect(values).not.toHaveProperty('random_page_cost');
  });

  it('ask nothing of a small machine that PostgreSQL would not take', () => {
    expect(valuesOf({ workload: 'mixed', memory: '512MB', cores: 1, storage: 'ssd' })).toMatchObject({
      shared_buffers: '128MB',
      work_mem: '4MB',
      maintenance_work_mem: '64MB',
      max_wal_size: '1GB',
      min_wal_size: '256MB',
      max_parallel_workers: 2,
      max_parallel_workers_per_gather: 1,
    });
  });

  it('stand below what the inventory gives, in whatever case, and reckon with it', async () => {
    const { hosts } = await inventoryOf(withTune('  parameters: {Shared_Buffers: 1GB, max_connections: 300}\n'));
    const [host] = hosts;
    const { parameters } = host?.vars['postgresql'] as { parameters: Record<string, unknown> };
    expect(parameters).toMatchObject({ Shared_Buffers: '1GB', max_connections: 300, work_mem: '13MB' });
    expect(parameters).not.toHaveProperty('shared_buffers');
    expect(host?.provenance.get('postgresql.parameters.work_mem')).toEqual({
      kind: 'role',
      via: 'role postgresql: 16GB without shared_buffers, over 300 connections with 3 sorts each; 4MB at least',
    });
    expect(host?.provenance.get('postgresql.parameters.max_connections')).toMatchObject({ kind: 'file' });
  });

  it.each([
    { tune: '{workload: oltp, cores: 4}', says: /needs postgresql\.tune\.memory/u },
    { tune: '{workload: oltp, memory: 16, cores: 4}', says: /postgresql\.tune\.memory: must be/u },
    { tune: 'oltp', says: /postgresql\.tune: must be a mapping/u },
  ])('are not reckoned of $tune, which is refused', async ({ tune, says }) => {
    await expect(inventoryOf(withTune('').replace(/tune: .*/u, `tune: ${tune}`))).rejects.toThrow(says);
  });

  it('are refused on a host with less memory, but for what its kernel keeps', async () => {
    const inventory = await inventoryOf(withTune(''));
    const objections = (gigabytes: number): string[] => {
      const view = new View(inventory, new Map([['pg1', new Map([[HOST_FACTS.id, { memory: gigabytes * 2 ** 30 }]])]]));
      return guardTune(view, hostOf(inventory, 'pg1')).map(({ message, hint }) => `${message}; ${hint}`);
    };
    expect(objections(15.6)).toEqual([]);
    expect(objections(7.7)).toEqual([
      'pg1: postgresql.tune reckons with 16GB of memory, and the host has 7.7 GiB; give postgresql.tune.memory what the smallest host of the cluster has',
    ]);
  });
});
