import { expect, it } from 'vitest';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { provokeLostSlot } from '../integration/support/lost-slot.js';
import { controldata } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { SELINUX_LOG } from '../lab/selinux.js';

const at = doctorsCluster('rocky9');

const { data: DATA, etcdTls: ETCD_TLS } = placesOf('rocky9');

/** What auditd writes of something that SELinux forbids; the hosts of the lab have neither. */
function audited(name: string, words: string): Promise<string> {
  const line = `type=AVC msg=audit(%s.123:456): avc:  denied  ${words} permissive=0`;
  return at.doctor.on(name, `mkdir -p /var/log/audit; printf '${line}\\n' "$(date +%s)" >>/var/log/audit/audit.log`);
}

it('finds nothing on a healthy cluster, not even what is worth a word', async () => expect(await at.doctor.findings()).toEqual([]));

it('finds a firewall that is closed in one direction, and permissions, at the places of its system', async () => {
  const { cluster, doctor } = at;
  const { leader, one, other } = await doctor.members();
  const rule = `'rule priority=-32000 family=ipv4 source address=${cluster.host(one).address} port port=8008 protocol=tcp drop'`;
  const [, access] = await doctor.provoke(
    {
      diagnosis: 'way-closed',
      level: 'broken',
      host: one,
      line: /^filtered: 8008$/u,
      what: new RegExp(`^it does not reach ${leader} on port 8008, in this direction only`, 'u'),
      wrong: () => doctor.on(leader, `firewall-cmd -q --policy pgprov-demo --add-rich-rule=${rule}`),
      advice: new RegExp(`${cluster.host(one).address}.*drop`, 'u'),
      undo: () => doctor.on(leader, `firewall-cmd -q --policy pgprov-demo --remove-rich-rule=${rule}`),
    },
    {
      diagnosis: 'data-access',
      level: 'danger',
      host: other,
      line: /^\/var\/lib\/pgsql\/15\/data: mode 755, owner postgres$/u,
      wrong: () => doctor.on(other, `chmod 0755 ${DATA}`),
      advice: 'mends',
    },
  );
  expect(access?.mend).toContain(`\`chmod 0700 ${DATA}\``);
});

it('finds what SELinux forbids to etcd, which is down, and to PostgreSQL, which Patroni cannot start', async () => {
  const { doctor } = at;
  const { one, other } = await doctor.members();
  const control = `${DATA}/global/pg_control`;
  const [store, server] = await doctor.provoke(
    {
      diagnosis: 'selinux-denials',
      level: 'broken',
      host: one,
      line: /avc: {2}denied {2}\{ open \} for .*comm="etcd"/u,
      wrong: async () => {
        // Closed to all, its directory is to etcd what a wrong label makes it.
        await doctor.on(one, `stat -c %a ${ETCD_TLS} >/root/mode; chmod 000 ${ETCD_TLS}; systemctl restart etcd || :`);
        await audited(
          one,
          `{ open } for  pid=4711 comm="etcd" path="${ETCD_TLS}/node.key" scontext=system_u:system_r:init_t:s0 tclass=file`,
        );
      },
      cause: () => doctor.on(one, `chmod "$(cat /root/mode)" ${ETCD_TLS}`),
      advice: 'mends',
      undo: () => doctor.on(one, 'rm /var/log/audit/audit.log'),
    },
    {
      diagnosis: 'selinux-denials',
      level: 'broken',
      host: other,
      line: /avc: {2}denied {2}\{ open \} for .*comm="postgres"/u,
      wrong: async () => {
        await doctor.on(other, `chown root ${control}; systemctl restart patroni || :`);
        await audited(
          other,
          `{ open } for  pid=4712 comm="postgres" path="${control}" scontext=system_u:system_r:postgresql_t:s0 tclass=file`,
        );
      },
      cause: () => doctor.on(other, `chown postgres: ${control}`),
      advice: 'mends',
      undo: () => doctor.on(other, 'rm /var/log/audit/audit.log'),
    },
    { diagnosis: 'data-access', level: 'broken', host: other, line: new RegExp(control, 'u') },
  );
  expect(store?.consequences.map(({ diagnosis }) => diagnosis)).toEqual(expect.arrayContaining(['store-member-down']));
  expect(server?.mend).toContain('systemctl restart patroni');
  expect(await doctor.on(one, `cat ${SELINUX_LOG}`)).toMatch(/^restorecon -Rv \/var\/lib\/pgsql .*\/var\/lib\/etcd/mu);
});

it('finds that a standby needs WAL that is gone, and mends it, on PostgreSQL 15', async () => {
  const { cluster, doctor } = at;
  const { leader } = await doctor.members();
  expect(await controldata(cluster.host(leader), 'pg_control version number')).toBe('1300');
  await provokeLostSlot(doctor, DATA);
});
