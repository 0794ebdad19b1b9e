import { describe, expect, it } from 'vitest';
import type { PlannedChange } from '../../src/events.js';
import { renderSummary } from '../../src/report/plan-summary.js';
import { renderPlan } from '../../src/report/plan-text.js';

const change = (host: string, stage: string, action: string, summary: string, more: Partial<PlannedChange> = {}): PlannedChange => ({
  host,
  stage,
  resource: `x:${summary}`,
  action,
  summary,
  projected: false,
  ...more,
});

const conf = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`).join('\n');

const changes = [
  change('pg1', 'postgresql/packages', 'install', 'install postgresql-17'),
  change('pg1', 'etcd/configure', 'create', 'write /etc/etcd.conf', { projected: true, after: 'name: pg1\n' }),
  change('pg2', 'etcd/configure', 'update', 'write /etc/etcd.conf', {
    before: `${conf}\n`,
    after: `${conf.replace('line 8', 'line VIII')}\n`,
  }),
  change('pg1', 'patroni/start', 'enable', 'enable patroni'),
  change('pg1', 'patroni/start', 'start', 'start patroni'),
  change('pg2', 'patroni/start', 'restart', 'restart patroni'),
  change('pg2', 'patroni/start', 'reload', 'reload patroni'),
  change('pg2', 'patroni/start', 'run', 'register'),
  change('pg2', 'patroni/start', 'update', 'write /root/.pgpass', { before: 'x:***\n', after: 'x:***\n' }),
];

describe('a plan', () => {
  it('counts hosts at its end when there are many', () => {
    const hosts = Array.from({ length: 200 }, (_, index) => `pg${index + 1}`);
    const lines = renderPlan(
      hosts.slice(1).map((host) => change(host, 'base/hosts', 'update', 'write /etc/hosts')),
      { color: false, diffs: false, hosts, effects: [] },
    ).split('\n');
    expect(lines.at(-2)).toBe('199 changes on 199 hosts');
  });

  it('is shown host by host, with diffs', () => {
    expect(
      renderPlan(changes, {
        color: false,
        diffs: true,
        hosts: ['pg1', 'pg2', 'pg3'],
        effects: ['etcd restarts on pg2, then pg1 (the leader), one at a time'],
      }),
    ).toBe(`pg1  4 changes
  postgresql/packages
    + install postgresql-17
  etcd/configure
    + write /etc/etcd.conf (projected)
        @@ -0,0 +1 @@
        +name: pg1
  patroni/start
    + enable patroni
    ▸ start patroni

pg2  5 changes
  etcd/configure
    ~ write /etc/etcd.conf
        @@ -5,7 +5,7 @@
         line 5
         line 6
         line 7
        -line 8
        +line VIII
         line 9
         line 10
         line 11
  patroni/start
    ↻ restart patroni
    ↺ reload patroni
    » register
    ~ write /root/.pgpass
        only hidden values differ

pg1: 4 changes, pg2: 5 changes, pg3: no changes
• etcd restarts on pg2, then pg1 (the leader), one at a time
(projected): depends on an earlier change of this plan, so it is predicted, not read from the host.`);
  });

  it('has what is the same on several hosts once, before what each has besides', () => {
    const hosts = ['pg1', 'pg2', 'pg3'];
    const common = hosts.flatMap((host) => [
      change(host, 'base/packages', 'install', 'install curl'),
      change(host, 'etcd/configure', 'create', 'write /etc/etcd.conf', { after: `name: ${host}\n` }),
      change(host, 'etcd/start', 'start', 'start etcd'),
    ]);
    const planned = [
      ...common,
      change('pg1', 'patroni/role', 'run', 'make the role'),
      ...['pg2', 'pg3'].map((host) => change(host, 'patroni/copy', 'run', 'copy the leader')),
    ];
    const show = (diffs: boolean): string => renderPlan(planned, { color: false, diffs, hosts, effects: [] }).split('\n\npg1: ')[0] ?? '';
    expect(show(false)).toBe(`pg1, pg2, pg3  3 changes each
  base/packages
    + install curl
  etcd/configure
    + write /etc/etcd.conf
  etcd/start
    ▸ start etcd

pg2, pg3  1 change each, besides those above
  patroni/copy
    » copy the leader

pg1  1 change, besides those above
  patroni/role
    » make the role`);
    // With its text, each host has a file of its own.
    expect(show(true)).toMatch(/^pg1, pg2, pg3 {2}2 changes each[\s\S]*pg1 {2}2 changes, besides[\s\S]*\+name: pg1[\s\S]*\+name: pg3$/u);
  });

  it('is summed up by stages', () => {
    const hosts = ['pg1', 'pg2', 'pg3', 'pg4'];
    const planned = [
      ...hosts.map((host) => change(host, 'base/packages', 'install', 'install curl')),
      change('pg1', 'patroni/start', 'start', 'start patroni', { projected: true }),
    ];
    const titles = new Map([['base/packages', 'prepare hosts']]);
    expect(
      renderSummary(planned, { color: false, hosts, effects: ['patroni starts on pg1'], titles }),
    ).toBe(`  prepare hosts  4 changes on pg1, pg2, pg3 and 1 more
  patroni/start  1 change on pg1

pg1: 2 changes, pg2: 1 change, pg3: 1 change, pg4: 1 change
• patroni starts on pg1`);
  });

  it('is short without diffs', () => {
    expect(renderPlan(changes.slice(0, 2), { color: false, diffs: false, hosts: ['pg1'], effects: [] })).toBe(`pg1  2 changes
  postgresql/packages
    + install postgresql-17
  etcd/configure
    + write /etc/etcd.conf (projected)

pg1: 2 changes
Nothing that runs now is restarted or reloaded.
(projected): depends on an earlier change of this plan, so it is predicted, not read from the host.`);
  });

  it('colours diffs when asked to', () => {
    const text = renderPlan(changes, { color: true, diffs: true, hosts: ['pg2'], effects: [] });
    expect(text).toContain('\u001b[31m-line 8\u001b[39m');
    expect(text).toContain('\u001b[32m+line VIII\u001b[39m');
  });

  it('says so when there is nothing to do', () => {
    expect(renderPlan([], { color: false, diffs: true, hosts: ['pg1'], effects: [] })).toBe(
      'No changes. The cluster is as the inventory says.',
    );
    expect(
      renderPlan([], { color: false, diffs: true, hosts: ['pg2'], effects: [], leftOut: { hosts: ['pg1', 'pg3'], roles: ['firewall'] } }),
    ).toBe('No changes. What the run selects is as the inventory says; left out: pg1, pg3; the role firewall.');
  });
});
