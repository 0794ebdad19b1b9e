import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { RECIPES } from '../paths.js';

let state: string;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'lab-selinux-'));
  writeFileSync(join(state, 'mode'), 'Enforcing\n');
  for (const tool of ['getenforce', 'selinuxenabled', 'getsebool', 'setsebool', 'matchpathcon', 'semanage', 'restorecon']) {
    symlinkSync(join(RECIPES, 'el', 'host', 'lab-selinux'), join(state, tool));
  }
});
afterEach(() => rmSync(state, { recursive: true }));

function call(tool: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(join(state, tool), args, { env: { ...process.env, LAB_SELINUX: state }, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('the stand-in for the tools of SELinux', () => {
  it('says that SELinux is off until a test switches it on', () => {
    writeFileSync(join(state, 'mode'), 'Disabled\n');
    expect(call('getenforce').stdout).toBe('Disabled\n');
    expect(call('selinuxenabled').status).toBe(1);
    expect(call('getsebool', 'haproxy_connect_any')).toMatchObject({ status: 1, stderr: 'getsebool: SELinux is disabled\n' });
    expect(call('semanage', 'fcontext', '-l').status).toBe(1);
    writeFileSync(join(state, 'mode'), 'Enforcing\n');
    expect(call('getenforce').stdout).toBe('Enforcing\n');
    expect(call('selinuxenabled').status).toBe(0);
  });

  it('remembers booleans', () => {
    expect(call('getsebool', 'haproxy_connect_any').stdout).toBe('haproxy_connect_any --> off\n');
    expect(call('setsebool', '-P', 'haproxy_connect_any', 'on').status).toBe(0);
    expect(call('getsebool', 'haproxy_connect_any').stdout).toBe('haproxy_connect_any --> on\n');
    expect(readFileSync(join(state, 'booleans'), 'utf8')).toBe('haproxy_connect_any on\n');
    expect(call('setsebool', 'nis_enabled=1').status).toBe(0);
    expect(call('getsebool', 'nis_enabled').stdout).toBe('nis_enabled --> on\n');
    expect(readFileSync(join(state, 'booleans'), 'utf8')).not.toContain('nis_enabled');
    expect(call('getsebool', 'nonsense').status).toBe(1);
    expect(call('setsebool', '-P', 'nonsense', 'on').status).toBe(1);
  });

  it('remembers file contexts and reports the label of a path by them', () => {
    expect(call('matchpathcon', '-n', '/srv/pg/15').stdout).toBe('system_u:object_r:default_t:s0\n');
    expect(call('semanage', 'fcontext', '-a', '-t', 'postgresql_db_t', '/srv/pg(/.*)?').status).toBe(0);
    expect(call('semanage', 'fcontext', '-a', '-t', 'postgresql_db_t', '/srv/pg(/.*)?')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('already defined'),
    });
    expect(call('semanage', 'fcontext', '-l', '-C').stdout).toMatch(
      /^\/srv\/pg\(\/\.\*\)\? +all files +system_u:object_r:postgresql_db_t:s0 $/mu,
    );
    expect(call('matchpathcon', '-n', '/srv/pg/15').stdout).toBe('system_u:object_r:postgresql_db_t:s0\n');
    expect(call('matchpathcon', '/var/lib/pgsql/15').stdout).toBe('/var/lib/pgsql/15\tsystem_u:object_r:postgresql_db_t:s0\n');
    expect(call('semanage', 'fcontext', '-d', '/srv/pg(/.*)?').status).toBe(0);
    expect(call('matchpathcon', '-n', '/srv/pg/15').stdout).toBe('system_u:object_r:default_t:s0\n');
  });

  it('logs every call', () => {
    call('restorecon', '-RF', '/srv/pg');
    call('getenforce');
    expect(readFileSync(join(state, 'log'), 'utf8')).toBe('restorecon -RF /srv/pg\ngetenforce\n');
  });
});
