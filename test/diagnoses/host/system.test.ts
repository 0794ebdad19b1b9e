import { describe, expect, it } from 'vitest';
import automaticUpgrades from '../../../src/diagnoses/host/automatic-upgrades.js';
import clockUnkept from '../../../src/diagnoses/host/clock-unkept.js';
import clocksDiffer from '../../../src/diagnoses/host/clocks-differ.js';
import packagesHeld from '../../../src/diagnoses/host/packages-held.js';
import packagesUnfinished from '../../../src/diagnoses/host/packages-unfinished.js';
import selinuxDenials from '../../../src/diagnoses/host/selinux-denials.js';
import { automaticUpgrades as askedForUpgrades } from '../../../src/resources/automatic-upgrades.js';
import { clockService } from '../../../src/resources/clock-service.js';
import { CLOCK_OFFSET } from '../../../src/resources/host-facts.js';
import { packageTrouble } from '../../../src/resources/package-trouble.js';
import { selinuxDenials as askedForDenials } from '../../../src/resources/selinux-denials.js';
import { serviceHandle } from '../../../src/resources/service.js';
import { UNIT_HEALTH } from '../../../src/resources/unit-health.js';
import { answered, findings, found, NOW, seen, type ExaminedHost } from '../../support/examination.js';

const ROCKY = { os: 'rocky', version: '9.4' };
const APT = packageTrouble('apt', ['patroni', 'postgresql-17']);

it('finds packages that are half installed, and not while somebody installs', async () => {
  const of = (text: string): Promise<string[]> => found(packagesUnfinished, { pg1: { states: [answered(APT, text)] } });
  expect(await of('')).toEqual([]);
  expect(await of('unfinished\tcurl\tiF \n')).toEqual(['danger pg1 the package curl is not wholly installed']);
  expect(await of('interrupted\n')).toEqual(['danger pg1 a run of the package manager was cut off']);
  expect(await of('busy\n')).toEqual([]);
});

it('finds a package that an upgrade on EL left in two versions', async () => {
  const dnf = packageTrouble('dnf', ['patroni']);
  const states = [answered(dnf, 'installed\tpatroni\t4.0.5-1.el9\ninstalled\tpatroni\t4.0.6-1.el9\n')];
  expect(await found(packagesUnfinished, { pg1: { states, facts: { os: 'rocky', version: '9.4' } } })).toEqual([
    'danger pg1 the package patroni is not wholly installed',
  ]);
});

it('finds a hold on some hosts only', async () => {
  const held: ExaminedHost = { states: [answered(APT, 'held\tpatroni\n')] };
  const free: ExaminedHost = { states: [answered(APT, '')] };
  expect(await found(packagesHeld, { pg1: held, pg2: held, pg3: held })).toEqual([]);
  expect(await found(packagesHeld, { pg1: held, pg2: free, pg3: free })).toEqual([
    'notice pg1 patroni is on hold here, and not on every host',
  ]);
});

const upgrades = (...lines: readonly string[]): Record<string, ExaminedHost> => ({
  pg1: { states: [answered(askedForUpgrades(), lines.join('\n'))] },
});

it('finds what unattended-upgrades upgraded of the cluster within a day', async () => {
  const line = (day: string, names: string): string => `upgraded\t${day} 06:12:34,567 INFO Packages that will be upgraded: ${names}`;
  const [finding] = await findings(automaticUpgrades, upgrades('zone\t+0200', line('2026-11-28', 'libpq5 postgresql-17 vim')));
  expect(finding).toMatchObject({
    level: 'notice',
    what: 'unattended-upgrades upgraded libpq5 and postgresql-17',
    since: Date.parse('2026-11-28T04:12:34Z'),
  });
  expect(await found(automaticUpgrades, upgrades('zone\t+0000', line('2026-11-28', 'vim'), line('2026-11-20', 'postgresql-17')))).toEqual(
    [],
  );
});

it('lets hosts upgrade themselves as their system has it, and finds what takes members down', async () => {
  const timer = 'timer\tapt-daily-upgrade.timer';
  const usual = 'setting\tUnattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename},label=Debian-Security";';
  expect(await found(automaticUpgrades, upgrades(timer, usual))).toEqual([]);
  expect(await found(automaticUpgrades, upgrades(timer, usual, 'setting\tUnattended-Upgrade::Automatic-Reboot "true";'))).toEqual([
    'danger pg1 it upgrades itself, and restarts itself when an upgrade asks for that',
  ]);
  expect(await found(automaticUpgrades, upgrades('timer\tdnf-automatic.timer', 'setting\tapply_updates = yes'))).toEqual([
    'notice pg1 it upgrades PostgreSQL by itself',
  ]);
});

describe('SELinux', () => {
  const denied = (ago: number, words: string): string =>
    `type=AVC msg=audit(${NOW / 1000 - ago}.123:456): avc:  denied  ${words} permissive=0`;
  const ETCD_FILE = '{ open } for  pid=4711 comm="etcd" path="/var/lib/etcd/member/wal" scontext=system_u:system_r:etcd_t:s0 tclass=dir';
  const host = (
    active: 'active' | 'failed',
    line: string,
    { log = [], seconds = 10 }: { log?: ExaminedHost['log']; seconds?: number } = {},
  ) => ({
    pg1: {
      facts: ROCKY,
      states: [
        seen(serviceHandle('etcd'), { loaded: true, enabled: true, active, applied: undefined }),
        seen(UNIT_HEALTH, [{ unit: 'etcd', active, sub: active, result: 'exit-code', restarts: 5, seconds }]),
        answered(askedForDenials(), line),
      ],
      log,
    },
  });

  it('is told of a service that is down, with its files to be labelled, and not while it runs', async () => {
    const line = denied(20, ETCD_FILE);
    const [finding] = await findings(selinuxDenials, host('failed', line));
    expect(finding?.what).toBe('SELinux forbids etcd what it needs');
    expect(finding?.mend).toContain(
      '/etc/patroni /etc/pki/etcd /var/lib/etcd /var/lib/pgprov && { systemctl reset-failed etcd; systemctl restart etcd; }`',
    );
    expect(await found(selinuxDenials, host('active', line))).toEqual([]);
  });

  it('is told of etcd that it stopped an hour ago while Patroni goes on with the other members', async () => {
    const log = [['patroni', 2, 'INFO: no action. I am (pg1), a secondary, and following a leader (pg2)']] as const;
    expect(await found(selinuxDenials, host('failed', denied(3600, ETCD_FILE), { log, seconds: 3590 }))).toHaveLength(1);
  });

  it('is told of PostgreSQL that does not start, though Patroni runs', async () => {
    const file = '{ read } for  pid=4711 comm="postgres" name="PG_VERSION" scontext=system_u:system_r:postgresql_t:s0 tclass=file';
    const [finding] = await findings(selinuxDenials, host('active', denied(20, file)));
    expect(finding?.mend).toContain('`restorecon -Rv /var/lib/pgsql /etc/patroni ');
    expect(finding?.mend).toContain('&& { systemctl reset-failed patroni; systemctl restart patroni; }`');
    const port = '{ name_bind } for  pid=4711 comm="postmaster" src=5432 scontext=system_u:system_r:postgresql_t:s0 tclass=tcp_socket';
    expect((await findings(selinuxDenials, host('active', denied(20, port))))[0]?.mend).toMatch(/^`pgprov apply .*` labels port 5432/u);
  });
});

it('finds clocks that differ for sure', async () => {
  const clock = (least: number, most: number): ExaminedHost => ({ states: [seen(CLOCK_OFFSET, { least, most })] });
  expect(await found(clocksDiffer, { pg1: clock(-100, 200), pg2: clock(-9000, 300), pg3: clock(-50, 60) })).toEqual([]);
  expect(await found(clocksDiffer, { pg1: clock(-100, 200), pg2: clock(60_000, 60_400), pg3: clock(-50, 60) })).toEqual([
    'danger the clocks of pg3 and pg2 differ by at least 59.9 s',
  ]);
});

it('finds a clock that nothing keeps, and none of a container or of a service that has just begun', async () => {
  const of = (text: string): Promise<string[]> => found(clockUnkept, { pg1: { states: [answered(clockService(), text)] } });
  expect(await of('NTPSynchronized=no')).toEqual([
    'notice pg1 nothing keeps the clock right: no program for it runs, and the kernel calls it unsynchronised',
  ]);
  const [finding] = await findings(clockUnkept, { pg1: { facts: ROCKY, states: [answered(clockService(), 'NTPSynchronized=no')] } });
  expect(finding?.mend).toContain('`timedatectl set-ntp true || { dnf install -y chrony && systemctl enable --now chronyd; }`');
  for (const text of ['container\nNTPSynchronized=no', 'program=chronyd\nNTPSynchronized=no', 'NTPSynchronized=yes', ''])
    expect(await of(text)).toEqual([]);
});
