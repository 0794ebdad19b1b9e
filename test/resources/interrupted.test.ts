import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { interruptedBootstrap, type BootstrapState } from '../../src/resources/interrupted-bootstrap.js';
import { interruptedCopy } from '../../src/resources/interrupted-copy.js';
import type { Resource } from '../../src/resources/resource.js';
import { joinScripts, sh } from '../../src/shell/quote.js';
import { freshDirectory, ME } from '../support/directory.js';
import { bringAbout, observe } from '../support/sections.js';
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
  const bootstrap = (first: boolean): Resource<BootstrapState> => interruptedBootstrap({ path: '/data', member: 'pg1', first, unit: 'patroni', configFile: '/etc/patroni/config.yml', ownership: { owner: 'postgres', group: 'postgres', mode: '0700' }, url: 'http://10.0.0.1:8008', client, prefix: '/service/demo/' });
  const resource = bootstrap(false);

  it.each([
    { text: 'initialize=empty\n', changes: ['take the mark of an interrupted bootstrap out of etcd'] },
    { text: 'begun\ninitialize=empty\n', changes: ['put the interrupted bootstrap in /data aside and take its mark out of etcd'] },
    { text: 'unfinished\ninitialize=absent\n', changes: [] },
    { text: 'led\ninitialize=empty\n', changes: [] },
    { text: 'initialize=empty\nunderway\n', changes: [] },
  ])('of the first leader, $text: $changes', ({ text, changes }) => {
    const state = bootstrap(true).parse({ status: 0, out: Buffer.from(text) });
    expect(bootstrap(true).diff(state).map(({ summary }) => summary)).toEqual(changes);
  });

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

  it('takes only the mark away where nothing else is left', () => {
    const script = bootstrap(true).apply([], { initialize: 'empty', led: false, underWay: false, unfinished: true, begun: false }).text;
    expect(script).toMatch(/^printf .* txn$/u);
  });

  const etcdctl = (members: Record<string, string>): string => `#!/bin/sh
case "$*" in
*--keys-only*) printf '%s\\n' /service/demo/initialize '' ${Object.keys(members).map((name) => `/service/demo/members/${name} ''`).join(' ')} ;;
${Object.entries(members).map(([name, state]) => `*members/${name}) echo '{"conn_url":"postgres://x","state":"${state}","role":"replica"}' ;;`).join('\n')}
*) echo ;;
esac
`;

  inEveryShell(HOST_SHELLS, (shell) => {
    const work = freshDirectory();

    it.each([
      { title: 'nobody is at it', members: {}, underWay: false },
      { title: 'the others wait', members: { pg2: 'stopped', pg3: 'stopped' }, underWay: false },
      { title: 'only its own former self is at it', members: { pg1: 'initializing new cluster', pg2: 'stopped' }, underWay: false },
      { title: 'another member is at it', members: { pg1: 'stopped', pg10: 'initializing new cluster' }, underWay: true },
    ])('sees in etcd that $title', async ({ members, underWay }) => {
      mkdirSync(work.at('bin'), { recursive: true });
      writeFileSync(work.at('bin', 'etcdctl'), etcdctl(members), { mode: 0o755 });
      writeFileSync(work.at('crt'), '');
      const probed = interruptedBootstrap({ path: work.at('data'), member: 'pg1', first: true, unit: 'patroni', configFile: work.at('none'), ownership: { ...ME, mode: '0700' }, url: 'http://127.0.0.1:1', client: { ...client, certFile: work.at('crt') }, prefix: '/service/demo/' });
      const state = await observe(shell, { ...probed, probe: () => joinScripts([sh`PATH=${work.at('bin')}:$PATH`, probed.probe()]) });
      expect(state).toMatchObject({ initialize: 'empty', underWay, begun: false });
    });
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
