import { describe, expect, it } from 'vitest';
import type { EtcdClient } from '../../src/resources/etcd/client.js';
import { etcdDatabase, type EtcdDatabase } from '../../src/resources/etcd/database.js';
import type { Observation } from '../../src/resources/resource.js';
import { told } from '../support/http-answers.js';

const client: EtcdClient = { endpoints: ['https://10.0.0.1:2379'], caFile: '/ca', certFile: '/cert', keyFile: '/key' };
const asked = etcdDatabase(client).thorough as Observation<EtcdDatabase | undefined>;
const read = (body: string, status = 200): EtcdDatabase | undefined =>
  asked.parse({
    status: 0,
    out: Buffer.from(told({ 'https://10.0.0.1:2379/v3/maintenance/status': { status, body } }, asked.sharedQuestions ?? [])),
  });

describe('etcdDatabase', () => {
  it('asks nothing when the question is not thorough', () => expect(etcdDatabase(client).sharedQuestions).toBeUndefined());

  it('is unknown when no member answers', () => {
    expect(read('')).toBeUndefined();
    expect(read('{"error":"x","code":2,"message":"x"}', 503)).toBeUndefined();
  });

  it('reads what etcd 3.5 answers', () => {
    const header = '"header":{"cluster_id":"1","member_id":"17237436991929493444","revision":"9","raft_term":"2"}';
    expect(
      read(
        `{${header},"version":"3.5.16","dbSize":"24576","leader":"17237436991929493444","raftIndex":"12","raftTerm":"2","raftAppliedIndex":"12","dbSizeInUse":"20480"}`,
      ),
    ).toEqual({ version: '3.5.16', id: '17237436991929493444', leader: true, bytes: 24576, usedBytes: 20480, alarms: [] });
  });

  it('reads alarms of any member, the quota that etcd 3.6 reports, and that another member leads', () => {
    const text =
      '{"header":{"member_id":"7"},"version":"3.6.2","dbSize":"100","leader":"8","errors":["memberID:7 alarm:NOSPACE ","memberID:9 alarm:CORRUPT ","etcdserver: no leader"],"dbSizeInUse":"50","dbSizeQuota":"2147483648"}';
    expect(read(text)).toEqual({
      version: '3.6.2',
      id: '7',
      leader: false,
      bytes: 100,
      usedBytes: 50,
      quotaBytes: 2147483648,
      alarms: [
        { member: '7', alarm: 'NOSPACE' },
        { member: '9', alarm: 'CORRUPT' },
      ],
    });
  });
});
