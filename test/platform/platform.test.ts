import { describe, expect, it } from 'vitest';
import { debian12, debian13 } from '../../src/platform/debian.js';
import { rocky8, rocky9 } from '../../src/platform/el.js';
import { findPlatform, platformNamed, PLATFORMS, UNTESTED_PLATFORMS, whyUnsupported, type Platform } from '../../src/platform/index.js';

describe('findPlatform', () => {
  it.each<{ os: string; version: string; platform: Platform | undefined }>([
    { os: 'debian', version: '12', platform: debian12 },
    { os: 'debian', version: '13', platform: debian13 },
    { os: 'rocky', version: '8.10', platform: rocky8 },
    { os: 'rocky', version: '9.4', platform: rocky9 },
    { os: 'rocky', version: '9', platform: rocky9 },
    { os: 'rocky', version: '10.0', platform: undefined },
    { os: 'rocky', version: '', platform: undefined },
    { os: 'debian', version: '1', platform: undefined },
    { os: 'debian', version: '8', platform: undefined },
    { os: 'almalinux', version: '10.0', platform: undefined },
    { os: 'ubuntu', version: '22.04', platform: undefined },
    { os: 'ubuntu', version: '24.10', platform: undefined },
    { os: '', version: '', platform: undefined },
  ])('$os $version: $platform.title', ({ os, version, platform }) => expect(findPlatform(os, version)).toBe(platform));

  it('has one name for each platform', () => {
    expect(PLATFORMS.map(({ id }) => id).sort()).toEqual(['debian12', 'debian13', 'rocky8', 'rocky9']);
    expect(new Set(PLATFORMS.map(({ title }) => title)).size).toBe(PLATFORMS.length);
  });
});

describe('a system that was not tested', () => {
  it.each([
    { os: 'almalinux', version: '9.4', title: 'AlmaLinux 9', takenFor: 'Rocky Linux 9', release: '9' },
    { os: 'rhel', version: '8.10', title: 'Red Hat Enterprise Linux 8', takenFor: 'Rocky Linux 8', release: '8' },
    { os: 'ol', version: '9.5', title: 'Oracle Linux 9', takenFor: 'Rocky Linux 9', release: '9' },
    { os: 'ubuntu', version: '24.04', title: 'Ubuntu 24.04 (noble)', takenFor: 'Debian 13 (trixie)', release: 'noble' },
    { os: 'ubuntu', version: '26.04', title: 'Ubuntu 26.04 (resolute)', takenFor: 'Debian 13 (trixie)', release: 'resolute' },
  ])('has the table of another: $os $version', ({ os, version, title, takenFor, release }) => {
    const found = findPlatform(os, version);
    expect(found).toMatchObject({ title, takenFor, pgdg: { release } });
    expect(platformNamed(found?.id)).toBe(found);
  });

  it.each([
    { os: 'almalinux', version: '10.0', why: /what PGDG publishes for version 10 of it was never looked at/u },
    { os: 'rocky', version: '10.1', why: /version 10/u },
    { os: 'rhel', version: '7.9', why: /versions 8 and 9/u },
    { os: 'ubuntu', version: '22.04', why: /etcd is 3\.3/u },
    { os: 'ubuntu', version: '25.10', why: /long-term support/u },
  ])('is refused with a reason where no table fits: $os $version', ({ os, version, why }) => {
    expect(findPlatform(os, version)).toBeUndefined();
    expect(whyUnsupported(os, version)).toMatch(why);
  });

  it('has an id of its own', () => {
    const ids = [...PLATFORMS, ...UNTESTED_PLATFORMS].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(PLATFORMS.every(({ takenFor }) => takenFor === undefined)).toBe(true);
    expect(UNTESTED_PLATFORMS.every(({ takenFor }) => PLATFORMS.some(({ title }) => title === takenFor))).toBe(true);
  });
});

describe.each(PLATFORMS)('$title', (platform) => {
  const { pgdg, etcd, patroni } = platform;
  const server = platform.postgresql(17);

  it('pins keys by their whole fingerprints, one of them for hosts of any architecture', () => {
    for (const { fingerprint, url } of pgdg.keys) {
      expect(fingerprint).toMatch(/^[0-9A-F]{40}$/u);
      expect(url).toMatch(/^https:\/\/[a-z.]*postgresql\.org\//u);
    }
    expect(pgdg.keys.filter(({ architecture }) => architecture === undefined)).toHaveLength(1);
    expect(new Set(pgdg.keys.map(({ fingerprint }) => fingerprint)).size).toBe(pgdg.keys.length);
    expect(pgdg.baseUrl).toMatch(/^https:\/\/[a-z.]*postgresql\.org\/.*[^/]$/u);
  });

  it('has absolute paths without a trailing slash', () => {
    const paths = [
      pgdg.keyPath,
      server.binDirectory,
      server.dataDirectory('main'),
      server.socketDirectory,
      server.home,
      etcd.tlsDirectory,
      etcd.environmentFile,
      etcd.dataRoot,
      patroni.tlsDirectory,
      patroni.configFile,
      ...(patroni.simpleDropIn === undefined ? [] : [patroni.simpleDropIn]),
      ...(server.standalone.by === 'setup-script'
        ? [server.standalone.script]
        : [server.standalone.policyFile, server.standalone.configDirectory('main')]),
    ];
    for (const path of paths) expect(path).toMatch(/^\/(?:[\w.@-]+\/)*[\w.@-]+$/u);
  });

  it('gives each version and each cluster its own paths', () => {
    const places = [13, 17, 18].flatMap((version) => ['main', 'other'].map((name) => platform.postgresql(version).dataDirectory(name)));
    expect(new Set(places).size).toBe(6);
    for (const path of places) expect(path.startsWith(`${server.home}/`)).toBe(true);
  });

  it('keeps the key outside of the directories of its package manager', () => {
    expect(pgdg.keyPath).not.toMatch(/apt\.postgresql\.org|PGDG-RPM-GPG-KEY-RHEL$/u);
  });
});

describe('what differs between platforms', () => {
  const layout = (platform: Platform, name: string): object => {
    const { pgdg, prerequisites, etcd, patroni, family, packageManager } = platform;
    const { serverPackages, binDirectory, dataDirectory, unit, socketDirectory, standalone } = platform.postgresql(17);
    return {
      family,
      packageManager,
      prerequisites,
      release: pgdg.release,
      keyPath: pgdg.keyPath,
      architectures: pgdg.keys.map(({ architecture }) => architecture ?? 'any'),
      serverPackages,
      binDirectory,
      data: dataDirectory(name),
      unit: unit(name),
      socketDirectory,
      standalone: standalone.by,
      etcd: [...etcd.packages, etcd.environmentFile, etcd.tlsDirectory],
      patroni: [...patroni.packages, ...etcd.patroniPackages, patroni.configFile, patroni.tlsDirectory, patroni.simpleDropIn],
    };
  };

  const debian = {
    family: 'debian',
    packageManager: 'apt',
    prerequisites: ['ca-certificates', 'curl'],
    keyPath: '/etc/apt/keyrings/pgdg.asc',
    architectures: ['any'],
    serverPackages: ['postgresql-17', 'postgresql-client-17'],
    binDirectory: '/usr/lib/postgresql/17/bin',
    socketDirectory: '/var/run/postgresql',
    standalone: 'postgresql-common',
    etcd: ['etcd-server', 'etcd-client', '/etc/default/etcd', '/etc/etcd/tls'],
    patroni: ['patroni', 'python3-psycopg2', 'python3-etcd', '/etc/patroni/config.yml', '/etc/patroni/tls', undefined],
  };
  const rocky = {
    family: 'el',
    packageManager: 'dnf',
    prerequisites: ['ca-certificates', '/usr/bin/curl'],
    keyPath: '/etc/pki/rpm-gpg/PGDG-RPM-GPG-KEY-pgprov',
    architectures: ['aarch64', 'any'],
    serverPackages: ['postgresql17-server', 'postgresql17-contrib'],
    binDirectory: '/usr/pgsql-17/bin',
    socketDirectory: '/run/postgresql',
    standalone: 'setup-script',
    unit: 'postgresql-17',
    etcd: ['etcd', '/etc/etcd/etcd.conf', '/etc/pki/etcd'],
    patroni: [
      'patroni',
      'patroni-etcd',
      '/etc/patroni/patroni.yml',
      '/etc/patroni/tls',
      '/etc/systemd/system/patroni.service.d/pgprov.conf',
    ],
  };

  it.each<{ platform: Platform; name: string; expected: object }>([
    {
      platform: debian12,
      name: 'main',
      expected: { ...debian, release: 'bookworm', data: '/var/lib/postgresql/17/main', unit: 'postgresql@17-main' },
    },
    {
      platform: debian13,
      name: 'other',
      expected: { ...debian, release: 'trixie', data: '/var/lib/postgresql/17/other', unit: 'postgresql@17-other' },
    },
    { platform: rocky8, name: 'main', expected: { ...rocky, release: '8', data: '/var/lib/pgsql/17/data' } },
    { platform: rocky9, name: 'other', expected: { ...rocky, release: '9', data: '/var/lib/pgsql/17/other', unit: 'postgresql-17-other' } },
  ])('on $platform.title, of a cluster named $name', ({ platform, name, expected }) => expect(layout(platform, name)).toEqual(expected));
});
