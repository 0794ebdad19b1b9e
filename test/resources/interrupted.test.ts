import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { interruptedBootstrap } from '../../src/resources/interrupted-bootstrap.js';
import { interruptedCopy } from '../../src/resources/interrupted-copy.js';
import { freshDirectory, ME } from '../support/directory.js';
import { bringAbout } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('interruptedCopy', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('puts a copy that was broken off aside, whole', async () => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      writeFileSync(work.at('data', 'backup_label'), 'x');
      const resource = interruptedCopy({ path: work.at('data'), binDirectory: '/nowhere', ownership: { ...ME, mode: '0700' } });
      const { changes, left } = await bringAbout(shell, resource);
      expect(changes).toEqual([{ action: 'update', summary: `put the interrupted copy in ${work.at('data')} aside` }]);
      expect(left).toEqual([]);
      const [aside = '', ...others] = readdirSync(work.path).filter((name) => name !== 'data');
      expect(others).toEqual([]);
      expect(existsSync(work.at('data')) ? readdirSync(work.at('data')) : []).toEqual([]);
      expect(aside).toMatch(/^data\.aside-\d{8}T\d{6}$/u);
      expect(existsSync(work.at(aside, 'backup_label'))).toBe(true);
    });

    it.each([
      { title: 'a database that was restored from a backup', control: 'x', label: true },
      { title: 'a cluster', control: 'x', label: false },
      { title: 'the beginnings of initdb', control: '', label: false },
    ])('leaves $title alone', async ({ control, label }) => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      if (control !== '') writeFileSync(work.at('data', 'global', 'pg_control'), Buffer.alloc(64, 1));
      if (label) writeFileSync(work.at('data', 'backup_label'), 'x');
      const resource = interruptedCopy({ path: work.at('data'), binDirectory: '/nowhere', ownership: { ...ME, mode: '0700' } });
      expect((await bringAbout(shell, resource)).changes).toEqual([]);
    });
  });
});

describe('interruptedBootstrap', () => {
  const client = { endpoints: ['https://10.0.0.1:2379'], caFile: '/ca', certFile: '/crt', keyFile: '/key' };
  const resource = interruptedBootstrap({ path: '/data', unit: 'patroni', configFile: '/etc/patroni/config.yml', ownership: { owner: 'postgres', group: 'postgres', mode: '0700' }, url: 'http://10.0.0.1:8008', client, prefix: '/service/demo/' });

  it.each([
    { text: '', begun: false, changes: 0 },
    { text: 'begun\ninitialize=empty\n', begun: true, changes: 1 },
    { text: 'begun\nled\ninitialize=empty\n', begun: true, changes: 0 },
    { text: 'begun\nunderway\ninitialize=empty\n', begun: true, changes: 0 },
    { text: 'begun\ninitialize=set\n', begun: true, changes: 0 },
    { text: 'begun\ninitialize=absent\n', begun: true, changes: 0 },
    { text: 'begun\nunfinished\ninitialize=absent\n', begun: true, changes: 1 },
    { text: 'begun\nunfinished\ninitialize=set\n', begun: true, changes: 0 },
    { text: 'begun\n', begun: true, changes: 0 },
    { text: 'initialize=empty\n', begun: false, changes: 0 },
  ])('$text: $changes', ({ text, begun, changes }) => {
    const state = resource.parse({ status: 0, out: Buffer.from(text) });
    expect(state.begun).toBe(begun);
    expect(resource.diff(state)).toHaveLength(changes);
  });

  it('is undone exactly so', () => {
    expect(resource.apply([], { initialize: 'empty', led: false, underWay: false, unfinished: false, begun: true }).text).toMatchInlineSnapshot(`
      "if [ -e /data ]; then mv -T /data /data.aside-"$(date +%Y%m%dT%H%M%S)"; fi
      mkdir /data
      chown postgres:postgres /data
      chmod 0700 /data
      printf '%s\\n' 'value("/service/demo/initialize") = ""' '' 'del /service/demo/initialize' '' '' | ETCDCTL_API=3 etcdctl '--endpoints=https://10.0.0.1:2379' '--cacert=/ca' '--cert=/crt' '--key=/key' '--dial-timeout=1s' '--command-timeout=2s' txn"
    `);
  });
});
