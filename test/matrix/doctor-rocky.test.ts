import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { Doctor } from '../integration/support/doctor.js';

describe.each(['rocky9', 'rocky8'] as const)('doctor on %s', (os) => {
  let cluster: TestCluster;
  let doctor: Doctor;

  beforeAll(async () => {
    cluster = await TestCluster.converged(os);
    doctor = new Doctor(cluster);
  });

  afterAll(() => cluster.remove());

  it('finds nothing on a healthy cluster, not even what is worth a word', async () => expect(await doctor.findings()).toEqual([]));

  it('finds what SELinux forbade to a service that is down', async () => {
    const { one } = await doctor.members();
    // Containers have no auditd: the line is one that it writes, and the service is really down.
    const line =
      'type=AVC msg=audit(%s.123:456): avc:  denied  { name_bind } for  pid=4711 comm="etcd" src=2379 scontext=system_u:system_r:init_t:s0 tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket permissive=0';
    await doctor.provoke(
      { diagnosis: 'selinux-denials', level: 'broken', host: one, line: /avc: {2}denied {2}\{ name_bind \} for/u },
      () => doctor.on(one, `mkdir -p /var/log/audit; systemctl stop etcd; printf '${line}\\n' "$(date +%s)" >>/var/log/audit/audit.log`),
      () => doctor.on(one, 'systemctl start etcd; rm /var/log/audit/audit.log'),
    );
  });

  it('names the places of its system in what mends', async () => {
    const { one } = await doctor.members();
    const found = await doctor.provoke(
      {
        diagnosis: 'data-access',
        level: 'danger',
        host: one,
        line: /^\/var\/lib\/pgsql\/15\/data: mode 755, owner postgres$/u,
        mends: true,
      },
      () => doctor.on(one, 'chmod 0755 /var/lib/pgsql/15/data'),
    );
    expect(found.mend).toContain('`chmod 0700 /var/lib/pgsql/15/data`');
  });
});
