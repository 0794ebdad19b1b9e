import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { etcdKeys } from '../../src/resources/etcd/keys.js';
import { interruptedBootstrap, type BootstrapState } from '../../src/resources/interrupted-bootstrap.js';
import { interruptedCopy } from '../../src/resources/interrupted-copy.js';
import type { Resource } from '../../src/resources/resource.js';
import { dataDirectory } from '../../src/resources/data-directory.js';
import { unstartedCopy } from '../../src/resources/unstarted-copy.js';
import { soundData } from '../../src/resources/sound-data.js';
import { joinScripts, sh } from '../../src/shell/quote.js';
import { freshDirectory, ME } from '../support/directory.js';
import { told } from '../support/http-answers.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe, rewritten, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const ETCD = 'https://10.0.0.1:2379';

/** A host with the processes that a test gives it, and none of this machine's. */
function hostOf(root: string, processes: Readonly<Record<string, string>> = {}): MadeUpHost {
  const host = new MadeUpHost({ root, programs: {}, paths: ['/proc/'] });
  Object.entries(processes).forEach(([name, commandLine], index) => {
    host.write(`/proc/${index + 1}/comm`, `${name}\n`);
    host.write(`/proc/${index + 1}/cmdline`, commandLine.replaceAll(' ', '\0'));
  });
  return host;
}

describe('interruptedCopy', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('puts an interrupted copy aside as a whole', async () => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      writeFileSync(work.at('data', 'backup_label'), 'x');
      const host = hostOf(work.at('host'), { pgbackrest: 'pgbackrest server', postgres: 'postgres -D /restored' });
      const resource = host.resource(
        interruptedCopy({ path: work.at('data'), binDirectory: '/nowhere', ownership: { ...ME, mode: '0700' } }),
      );
      const { changes, left } = await bringAbout(shell, resource);
      expect(changes).toEqual([{ action: 'update', summary: `put the interrupted copy in ${work.at('data')} aside` }]);
      expect(left).toEqual([]);
      const [aside = '', ...others] = readdirSync(work.path).filter((name) => name !== 'data' && name !== 'host');
      expect(others).toEqual([]);
      expect(existsSync(work.at('data')) ? readdirSync(work.at('data')) : []).toEqual([]);
      expect(aside).toMatch(/^data\.aside-\d{8}T\d{6}$/u);
      expect(existsSync(work.at(aside, 'backup_label'))).toBe(true);
    });

    it.each([
      { pg_basebackup: 'pg_basebackup -D main -X stream' },
      { pgbackrest: 'pgbackrest --stanza=demo --delta --type=none restore' },
      { pgbackrest: 'pgbackrest --exec-id=8-1 --process=1 --stanza=demo restore:local' },
    ])('leaves a copy alone that %o may be making', async (processes) => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      writeFileSync(work.at('data', 'backup_label'), 'x');
      const options = { path: work.at('data'), binDirectory: '/nowhere', ownership: { ...ME, mode: '0700' } };
      expect((await bringAbout(shell, hostOf(work.at('host'), processes).resource(interruptedCopy(options)))).changes).toEqual([]);
    });

    it.each([
      { title: 'a database that was restored from a backup', control: 'x', label: true },
      { title: 'a cluster', control: 'x', label: false },
      { title: 'an unfinished initdb', control: '', label: false },
    ])('leaves $title alone', async ({ control, label }) => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      if (control !== '') writeFileSync(work.at('data', 'global', 'pg_control'), Buffer.alloc(64, 1));
      if (label) writeFileSync(work.at('data', 'backup_label'), 'x');
      const options = { path: work.at('data'), binDirectory: '/nowhere', ownership: { ...ME, mode: '0700' } };
      expect((await bringAbout(shell, hostOf(work.at('host')).resource(interruptedCopy(options)))).changes).toEqual([]);
    });
  });
});

describe('unstartedCopy', () => {
  const work = freshDirectory();
  const keys = etcdKeys({ endpoints: [ETCD], caFile: '/ca', certFile: '/crt', keyFile: '/key' }, '/service/demo/');
  const resource = unstartedCopy({
    path: '/data',
    binDirectory: '/nowhere',
    ownership: { owner: 'postgres', group: 'postgres', mode: '0700' },
    unit: 'patroni',
    member: 'pg3',
    keys,
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      { title: 'a base backup', unstarted: true },
      { title: 'data on which a server has started', state: 'shut down in recovery' },
      { title: 'a primary with an exclusive backup', method: 'pg_start_backup' },
      { title: 'a crashed primary', method: '' },
    ])('recognises $title', async ({ method = 'streamed', state = 'in production', unstarted = undefined }) => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      mkdirSync(work.at('bin'));
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      writeFileSync(work.at('data', 'global', 'pg_control'), Buffer.alloc(8192, 1));
      if (method !== '') writeFileSync(work.at('data', 'backup_label'), `START WAL LOCATION: 0/6000028\nBACKUP METHOD: ${method}\n`);
      writeFileSync(work.at('bin', 'pg_controldata'), `#!/bin/sh\necho 'Database cluster state:               ${state}'\n`, {
        mode: 0o755,
      });
      const data = dataDirectory({ path: work.at('data'), binDirectory: work.at('bin'), user: ME.owner });
      const found = await observe(shell, hostOf(work.at('host'), { pgbackrest: 'pgbackrest server' }).observation(data));
      expect(found).toMatchObject({ kind: 'cluster', copy: 'none', clusterState: state });
      expect(found.kind === 'cluster' && found.unstarted).toBe(unstarted);
    });
  });

  const due = ({ unstarted = true, active = 'inactive', leader = 'pg1', initialize = '77', etcd = true }): boolean => {
    const kvs = Object.entries({ initialize, ...(leader === '' ? {} : { leader }) }).map(([key, value]) => ({
      key: Buffer.from(`/service/demo/${key}`).toString('base64'),
      value: Buffer.from(value).toString('base64'),
    }));
    const store = etcd ? told({ [`${ETCD}/v3/kv/range`]: JSON.stringify({ header: {}, kvs }) }, [keys.question]) : '';
    const units = `Names=patroni.service\nLoadState=loaded\nUnitFileState=disabled\nActiveState=${active}\n`;
    const data = `kind=cluster\nversion=17\nidentifier=77\nstate=in production\n${unstarted ? 'unstarted=yes\n' : ''}`;
    const state = resource.parse({ status: 0, out: Buffer.from(`${data}\n${units}\n${store}`) });
    expect(resource.diff(state).map(({ summary }) => summary)).toEqual(
      state.due ? ['put the base backup in /data aside, on which PostgreSQL never started'] : [],
    );
    return state.due;
  };

  it('is due when another member leads the same cluster', () => {
    expect(due({})).toBe(true);
  });

  it.each([
    { title: 'a server started on it', world: { unstarted: false } },
    { title: 'Patroni runs, which may be about to start its server', world: { active: 'active' } },
    { title: 'no member leads, so that it may be the only copy', world: { leader: '' } },
    { title: 'the DCS names this member as the leader', world: { leader: 'pg3' } },
    { title: 'another cluster has the leader', world: { initialize: '7' } },
    { title: 'the DCS does not answer', world: { etcd: false } },
  ])('is not due when $title', ({ world }) => {
    expect(due(world)).toBe(false);
  });
});

describe('interruptedBootstrap', () => {
  const client = { endpoints: ['https://10.0.0.1:2379'], caFile: '/ca', certFile: '/crt', keyFile: '/key' };
  const bootstrap = (first: boolean): Resource<BootstrapState> =>
    interruptedBootstrap({
      scope: 'demo',
      path: '/data',
      binDirectory: '/nowhere',
      member: 'pg1',
      first,
      unit: 'patroni',
      configFile: '/etc/patroni/config.yml',
      ownership: { owner: 'postgres', group: 'postgres', mode: '0700' },
      url: 'http://10.0.0.1:8008',
      keys: etcdKeys(client, '/service/demo/'),
    });
  const resource = bootstrap(false);
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const scope = (keys: Record<string, string>): string =>
    JSON.stringify({
      header: {},
      kvs: Object.entries(keys).map(([key, value]) => ({ key: base64(`/service/demo/${key}`), value: base64(value) })),
    });
  const EMPTY = scope({ initialize: '' });
  const PUT_ASIDE = 'put the interrupted bootstrap in /data aside and take its mark out of etcd';
  const TAKE_OUT = 'take the mark of an interrupted bootstrap out of etcd';
  const unit = (file: string): string => `Names=patroni.service\nUnitFileState=${file}\n`;
  const answers = (url: string, body: string): string => told({ [url]: body }, resource.sharedQuestions ?? []);
  const at = (state: string): string =>
    answers('http://10.0.0.1:8008/patroni', `{"state": "${state}", "replication": [{"state": "streaming"}]}`);

  const NONE = 'kind=empty';
  /** initdb was broken off before its pg_control. */
  const HALF = 'kind=cluster\nversion=17\ncontrol=missing';
  /** What initdb makes, or a variation of it. */
  const cluster = (state: string, oid = 13572, timeline = 1): string =>
    `kind=cluster\nversion=17\nidentifier=9\nstate=${state}\ncheckpoint=0/17414F8\ntimeline=${timeline}\nnext-oid=${oid}\nrecovery-timeline=0`;
  const MADE = cluster('shut down');
  const BEGUN = `noted\nconfigured\n${HALF}`;

  it.each<{ title: string; text: string; change?: string; first?: string }>([
    { title: 'nothing known', text: NONE },
    { title: 'a mark and unfinished data', text: `${BEGUN}\n${EMPTY}`, change: PUT_ASIDE, first: PUT_ASIDE },
    {
      title: 'a mark and unfinished data of an earlier pgprov, which kept no note',
      text: `configured\n${HALF}\n${EMPTY}`,
      change: PUT_ASIDE,
      first: PUT_ASIDE,
    },
    { title: 'a mark and data that pgprov never configured', text: `${HALF}\n${EMPTY}` },
    { title: 'a mark alone', text: `${NONE}\n${EMPTY}`, first: TAKE_OUT },
    {
      title: 'a mark, others waiting',
      text: `${NONE}\n${scope({ initialize: '', 'members/pg2': '{"state":"stopped"}' })}`,
      first: TAKE_OUT,
    },
    {
      title: 'a mark, and its own former process',
      text: `${NONE}\n${scope({ initialize: '', 'members/pg1': '{"state":"initializing new cluster"}' })}`,
      first: TAKE_OUT,
    },
    {
      title: 'a mark, and another member bootstraps',
      text: `${NONE}\n${scope({ initialize: '', 'members/pg10': '{"state":"initializing new cluster"}' })}`,
    },
    { title: 'a mark and a leader', text: `${BEGUN}\n${scope({ initialize: '', leader: 'pg2' })}` },
    { title: 'a mark, and a leader seen before', text: `led\n${BEGUN}\n${EMPTY}` },
    { title: 'a mark, initdb running', text: `underway\n${BEGUN}\n${EMPTY}` },
    { title: 'a mark, Patroni bootstraps', text: `${BEGUN}\n${at('initializing new cluster')}\n${EMPTY}` },
    { title: 'a mark, Patroni waiting', text: `${BEGUN}\n${at('stopped')}\n${EMPTY}`, change: PUT_ASIDE, first: PUT_ASIDE },
    { title: 'a mark, and a database that initdb had finished', text: `noted\n${MADE}\n${EMPTY}`, change: PUT_ASIDE, first: PUT_ASIDE },
    {
      title: 'a mark, and one that lost its power before it led',
      text: `noted\n${cluster('in production')}\n${EMPTY}`,
      change: PUT_ASIDE,
      first: PUT_ASIDE,
    },
    { title: 'a mark, and a database whose first start nobody noted', text: `configured\n${MADE}\n${EMPTY}` },
    { title: 'a mark, and a database that had a checkpoint since', text: `noted\n${cluster('shut down', 16384)}\n${EMPTY}` },
    { title: 'a mark, and a database on a later timeline', text: `noted\n${cluster('shut down', 13572, 2)}\n${EMPTY}` },
    { title: 'a mark, and a standby', text: `noted\n${cluster('shut down in recovery')}\n${EMPTY}` },
    { title: 'a mark, and data of which pg_controldata says nothing', text: `noted\nkind=cluster\nversion=17\nidentifier=9\n${EMPTY}` },
    { title: 'a mark, and a damaged pg_control', text: `${BEGUN.replace('missing', 'truncated')}\n${EMPTY}` },
    { title: 'a mark, and an open database', text: `noted\n${MADE}\nrunning=yes\n${EMPTY}` },
    { title: 'a mark, and a member that was finished', text: `noted\n${MADE}\n\n${unit('enabled')}\n${EMPTY}` },
    { title: 'a cluster that is known', text: `${BEGUN}\n${scope({ initialize: '7' })}` },
    {
      title: 'unfinished data without a mark',
      text: `${BEGUN}\n\n${unit('disabled')}\n${scope({})}`,
      change: PUT_ASIDE,
      first: PUT_ASIDE,
    },
    {
      title: 'a database that never served, the mark taken back',
      text: `noted\n${MADE}\n\n${unit('disabled')}\n${scope({})}`,
      change: PUT_ASIDE,
      first: PUT_ASIDE,
    },
    { title: 'a member that was finished', text: `${BEGUN}\n\n${unit('enabled')}\n${scope({})}` },
    { title: 'data that pgprov never configured', text: `${HALF}\n\n${unit('disabled')}\n${scope({})}` },
    {
      title: 'a cluster of a disabled member, etcd empty',
      text: `configured\n${cluster('shut down', 24580, 3)}\n\n${unit('disabled')}\n${scope({})}`,
    },
    { title: 'no answer of etcd', text: `${BEGUN}\n\n${unit('disabled')}\ncurl: (7) Failed to connect` },
  ])('$title: $change; on the first leader: $first', ({ text, change, first }) => {
    const out = text.replace(/^\{"header".*/mu, (keys) => answers('https://10.0.0.1:2379/v3/kv/range', keys));
    for (const [made, expected] of [
      [bootstrap(false), change],
      [bootstrap(true), first],
    ] as const) {
      expect(made.diff(made.parse({ status: 0, out: Buffer.from(out) })).map(({ summary }) => summary)).toEqual(
        expected === undefined ? [] : [expected],
      );
    }
  });

  const stateOf = (made: Resource<BootstrapState>, text: string): BootstrapState =>
    made.parse({
      status: 0,
      out: Buffer.from(text.replace(/^\{"header".*/mu, (keys) => answers('https://10.0.0.1:2379/v3/kv/range', keys))),
    });

  it('is not under way anywhere when a member leads, so that damaged data next to it is reported', () => {
    const member = (name: string): Record<string, string> => ({
      [`members/${name}`]: '{"state":"running","role":"primary","conn_url":"postgres://10.0.0.2:5432/postgres"}',
    });
    const seen = bootstrap(false);
    const sound = soundData({ path: '/d', version: 17, user: 'postgres', group: 'postgres', seen });
    const damaged = `configured\nkind=cluster\nversion=17\nidentifier=7\ncontrol=truncated\n\n${unit('enabled')}\n`;
    const state = stateOf(seen, damaged + scope({ initialize: '7', leader: 'pg2', ...member('pg2') }));
    expect(state).toMatchObject({ initialize: 'set', led: true, underWay: false });
    expect(sound.diff(state)).toEqual([
      { action: 'run', summary: 'use the data in /d, where global/pg_control is shorter than its 8192 bytes' },
    ]);
    expect(stateOf(seen, damaged + scope({ initialize: '', ...member('pg2') }))).toMatchObject({ led: false, underWay: true });
  });

  it('removes only the mark when nothing else is left', () => {
    const script = bootstrap(true).apply([], stateOf(bootstrap(true), `${NONE}\n${EMPTY}`)).text;
    expect(script).toMatch(/^printf .* txn$/u);
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    const work = freshDirectory();
    const stub = (name: string, text: string): void => writeFileSync(work.at('bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    const stubCurl = (keys: string): void =>
      stub(
        'curl',
        `case "$*" in\n*https://10.0.0.1*) echo 'curl: (7) Failed to connect' >&2; exit 7 ;;\n*kv/range*) echo '${keys}' ;;\nesac`,
      );

    it('is asked of a host with the real answers of Patroni and etcd', async () => {
      mkdirSync(work.at('data'));
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      writeFileSync(work.at('config.yml'), '# Managed by pgprov\n');
      writeFileSync(work.at('crt'), '');
      mkdirSync(work.at('bin'));
      stubCurl(EMPTY);
      const asked = interruptedBootstrap({
        scope: 'demo',
        binDirectory: '/nowhere',
        path: work.at('data'),
        member: 'pg1',
        first: true,
        unit: 'patroni',
        configFile: work.at('config.yml'),
        ownership: { ...ME, mode: '0700' },
        url: 'http://10.0.0.1:8008',
        keys: etcdKeys(
          { ...client, endpoints: ['https://10.0.0.1:2379', 'https://10.0.0.2:2379'], certFile: work.at('crt') },
          '/service/demo/',
        ),
      });
      const here = rewritten(asked, (script) => joinScripts([sh`PATH=${work.at('bin')}:$PATH`, script]));
      stub('grep', 'exit 0');
      expect(await observe(shell, here)).toMatchObject({
        initialize: 'empty',
        led: false,
        underWay: true,
        configured: true,
        noted: false,
        enabled: false,
        data: { control: 'missing' },
      });
      stubCurl(scope({ initialize: '7', leader: 'pg2' }));
      expect(await observe(shell, here)).toMatchObject({ initialize: 'set', led: true, underWay: false, configured: true });
      rmSync(work.at('config.yml'));
      expect(await observe(shell, here)).toMatchObject({ led: true, configured: false });
    });

    it('puts the data aside as a whole, and removes the mark only while it is empty', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { etcdctl: `cat >'${work.at('transaction')}'` } });
      host.write('data/PG_VERSION', '17\n');
      const made = interruptedBootstrap({
        scope: 'demo',
        binDirectory: '/nowhere',
        path: work.at('data'),
        member: 'pg1',
        first: false,
        unit: 'patroni',
        configFile: '/c',
        ownership: { ...ME, mode: '0700' },
        url: 'http://10.0.0.1:8008',
        keys: etcdKeys(client, '/service/demo/'),
      });
      const body = host.script(made.apply([], stateOf(made, `noted\n${MADE}\n${EMPTY}`)));
      const { answers: done } = await runSections(shell, [{ id: 'do', mode: 'step', body }]);
      expect(done.get('do')?.status).toBe(0);
      expect(readdirSync(work.at('data'))).toEqual([]);
      expect(statSync(work.at('data')).mode & 0o7777).toBe(0o700);
      const [aside = ''] = readdirSync(work.path).filter((name) => /^data\.aside-\d{8}T\d{6}$/u.test(name));
      expect(readdirSync(work.at(aside))).toEqual(['PG_VERSION']);
      expect(readFileSync(work.at('transaction'), 'utf8')).toBe(
        'value("/service/demo/initialize") = ""\n\ndel /service/demo/initialize\n\n\n',
      );
      expect(host.calls()).toEqual([
        'etcdctl --endpoints=https://10.0.0.1:2379 --cacert=/ca --cert=/crt --key=/key --dial-timeout=1s --command-timeout=2s txn',
      ]);
    });
  });
});
