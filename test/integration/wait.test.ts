import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longCase } from '../support/long-case.js';
import { TestCluster } from './support/cluster.js';
import { describeMembers, must, sql } from './support/outside.js';

describe('a wait that cannot succeed', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start('itwait', 'debian13', 1, 'packages');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('ends with the journal line that explains it, and the next run with a corrected inventory finishes', async () => {
    // A library with a path is left to the server, which looks for it when it starts.
    await cluster.write({ postgresql: { parameters: { shared_preload_libraries: '/nowhere/library' } } });
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(1);
    expect(run.all).toMatch(/pg1\s+patroni\/start\s+failed/u);
    expect(run.all).toMatch(/could not access file|removing initialize key after failed attempt/u);
    expect(run.all).not.toContain('gave up after');

    await cluster.write({ postgresql: { parameters: { shared_buffers: '64MB' } } });
    const next = await cluster.run('apply');
    expect(next.code, next.all).toBe(0);
    expect(await sql(cluster.host('pg1'), 'show shared_buffers')).toBe('64MB');
    expect(await describeMembers(cluster.host('pg1'))).toEqual(['pg1 Leader running']);
  });

  it('names a port that another process took in the meantime', async () => {
    await must(cluster.host('pg1'), 'systemctl stop patroni && systemd-run -q --unit squatter /usr/bin/python3 -m http.server 8008');
    const run = await cluster.run('apply');
    expect(run.code).toBe(1);
    expect(run.all).toMatch(/port 8008, meant for Patroni's REST API, is held by python3 \(squatter.service\)/u);
    await must(cluster.host('pg1'), 'systemctl stop squatter');
    expect((await cluster.run('apply')).code).toBe(0);
  });

  longCase('another authority’s certificate', 'says what is wrong with the certificates that etcd was given', async () => {
    await must(cluster.host('pg1'), 'systemctl stop patroni');
    // The unit reads another authority's certificate than the one pgprov put in place.
    await must(
      cluster.host('pg1'),
      'openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=stranger -days 2 -keyout /tmp/k -out /etc/patroni/stranger.crt 2>/dev/null && chmod 0644 /etc/patroni/stranger.crt && mkdir -p /etc/systemd/system/patroni.service.d && printf "[Service]\\nExecStart=\\nExecStart=/usr/bin/patroni /etc/patroni/broken.yml\\n" >/etc/systemd/system/patroni.service.d/broken.conf && sed "s#tls/ca.crt#stranger.crt#" /etc/patroni/config.yml >/etc/patroni/broken.yml && chown postgres /etc/patroni/broken.yml && systemctl daemon-reload',
    );
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(1);
    expect(run.all).toMatch(/certificate verify failed|CERTIFICATE_VERIFY_FAILED/u);
    expect(run.all).not.toContain('gave up after');
    await must(
      cluster.host('pg1'),
      'rm /etc/systemd/system/patroni.service.d/broken.conf && systemctl daemon-reload && systemctl stop patroni',
    );
    expect((await cluster.run('apply')).code).toBe(0);
  });
});
