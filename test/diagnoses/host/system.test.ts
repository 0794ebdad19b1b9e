import { expect, it } from 'vitest';
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
import { answered, findings, found, NOW, seen, type ExaminedHost } from '../../support/examination.js';

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

it('finds what SELinux forbade to a service that is down, and nothing while it runs', async () => {
  const at = (NOW - 20_000) / 1000;
  const line = `type=AVC msg=audit(${at}.123:456): avc:  denied  { name_bind } for  pid=4711 comm="etcd" src=2379 scontext=system_u:system_r:etcd_t:s0 tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket permissive=0`;
  const host = (active: 'active' | 'failed'): Record<string, ExaminedHost> => ({
    pg1: {
      facts: { os: 'rocky', version: '9.4' },
      states: [seen(serviceHandle('etcd'), { loaded: true, enabled: true, active, applied: undefined }), answered(askedForDenials(), line)],
    },
  });
  expect(await found(selinuxDenials, host('failed'))).toEqual(['broken pg1 SELinux forbids etcd what it needs']);
  expect(await found(selinuxDenials, host('active'))).toEqual([]);
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
  for (const text of ['container\nNTPSynchronized=no', 'program=chronyd\nNTPSynchronized=no', 'NTPSynchronized=yes', ''])
    expect(await of(text)).toEqual([]);
});
