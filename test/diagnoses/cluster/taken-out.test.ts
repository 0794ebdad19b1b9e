import { describe, expect, it } from 'vitest';
import takenOut from '../../../src/diagnoses/cluster/taken-out.js';
import handshakes from '../../../src/diagnoses/etcd/handshakes.js';
import accessRefused from '../../../src/diagnoses/postgresql/access-refused.js';
import type { Finding } from '../../../src/lib/finding.js';
import type { Diagnosis } from '../../../src/plan/diagnosis.js';
import type { GoneHost } from '../../../src/plan/gone-host.js';
import { examinationOf, NOW, type ExaminedHost } from '../../support/examination.js';

type Log = NonNullable<ExaminedHost['log']>;

const GONE: GoneHost = { name: 'pg9', replaced: false, absent: true, addresses: ['10.0.0.9'], since: NOW - 3_600_000 };

/** What etcd wrote, so many seconds ago. */
const rejected = (error: string, ...ago: number[]): Log =>
  ago.map((seconds) => [
    'etcd',
    seconds,
    `{"level":"warn","msg":"rejected connection on client endpoint","remote-addr":"10.0.0.9:45530","server-name":"","error":"${error}"}`,
  ]);
const refused = (...ago: number[]): Log =>
  ago.map((seconds) => [
    'postgresql',
    seconds,
    'FATAL:  no pg_hba.conf entry for replication connection from host "10.0.0.9", user "replicator", SSL encryption',
  ]);

async function findings(diagnosis: Diagnosis, logs: Record<string, Log>, gone: readonly GoneHost[] = [GONE]): Promise<readonly Finding[]> {
  const hosts = Object.fromEntries(Object.entries(logs).map(([name, log]) => [name, { log }]));
  return diagnosis.find({ ...(await examinationOf(hosts)), gone });
}

describe('a machine that was taken out and runs again', () => {
  const log = rejected('EOF', 7200, 90, 31, 30, 1);

  it('is named once, with who refuses it, since when, and what to do', async () => {
    const [finding, ...more] = await findings(takenOut, { pg1: log, pg2: log });
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      level: 'danger',
      host: 'pg9',
      what: 'it was taken out at 2026-11-29T02:30:00Z, and runs again at 10.0.0.9: etcd on pg1 and pg2 refuses it',
      since: NOW - 90_000,
    });
    expect(finding?.evidence.map(({ host }) => host)).toEqual(['pg1', 'pg2']);
    expect(finding?.mend).toMatch(
      /^switch it off, or stop and disable, .*: `systemctl disable --now patroni`, and likewise etcd and what else/u,
    );
    expect(finding?.mend).toMatch(/take `absent` away in the inventory, and run `pgprov apply /u);
    expect(finding?.mend).not.toContain('postgresql.access');
  });

  it('is not one that tries no more, that has tried once or twice, or that was refused before it was taken out', async () => {
    for (const quiet of [rejected('EOF', 400, 300, 200), rejected('EOF', 2, 1), rejected('EOF', 3700, 3650, 3601), refused(2)])
      expect(await findings(takenOut, { pg1: quiet })).toEqual([]);
  });

  it('is known by what PostgreSQL refuses as well, and as the former machine of a host', async () => {
    const [finding] = await findings(takenOut, { pg1: refused(11, 6, 1) }, [{ ...GONE, name: 'pg2', replaced: true, absent: false }]);
    expect(finding?.host).toBe('the former machine of pg2');
    expect(finding?.what).toMatch(/and runs again at 10\.0\.0\.9: pg_hba\.conf on pg1 refuses it$/u);
    expect(finding?.mend).not.toContain('pgprov apply');
  });

  it('is nobody that another diagnosis would have let in', async () => {
    const stranger = { pg1: [...rejected('tls: failed to verify certificate: x509: certificate has expired', 9, 5, 1), ...refused(9)] };
    expect(await findings(handshakes, stranger, [])).toHaveLength(1);
    expect(await findings(accessRefused, stranger, [])).toHaveLength(1);
    expect(await findings(handshakes, stranger)).toEqual([]);
    expect(await findings(accessRefused, stranger)).toEqual([]);
  });
});
