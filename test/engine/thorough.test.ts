import { describe, expect, it } from 'vitest';
import { probeSections } from '../../src/engine/survey.js';
import { etcdDatabase } from '../../src/resources/etcd/database.js';
import { serverReplication } from '../../src/resources/server-replication.js';
import { thoroughly, type Observation } from '../../src/resources/resource.js';

const server = { binDirectory: '/bin17', socketDirectory: '/run/pg', port: 5432, user: 'postgres', home: '/' };
const client = { endpoints: ['https://10.0.0.1:2379'], caFile: '/ca', certFile: '/cert', keyFile: '/key' };

describe('thorough questions', () => {
  it('are not sent by the first survey of a plan or an apply, and are all sent where nothing may be left out', () => {
    const observations: readonly Observation[] = [serverReplication(server), etcdDatabase(client)];
    expect(probeSections(observations)).toEqual([]);
    expect(probeSections(thoroughly(observations)).map(({ id }) => id)).toEqual([
      'pgprov_sql',
      'pgprov_http',
      'see:server-replication',
      'see:etcd-database',
    ]);
  });
});
