import { describe, expect, it } from 'vitest';
import { mkdirSync, writeFileSync } from 'node:fs';
import { etcdKeys } from '../../src/resources/etcd/keys.js';
import { patroniHalted, startedAfterHalt } from '../../src/resources/patroni/halted.js';
import { service } from '../../src/resources/service.js';
import { freshDirectory } from '../support/directory.js';
import { told } from '../support/http-answers.js';
import { feed, HOST_SHELLS, inEveryShell } from '../support/shells.js';

const ETCD = 'https://10.0.0.1:2379';
const client = { endpoints: [ETCD], caFile: '/ca', certFile: '/c', keyFile: '/k' };
const at = (path: string): ReturnType<typeof patroniHalted> =>
  patroniHalted({
    unit: 'patroni',
    url: 'http://10.0.0.1:8008',
    keys: etcdKeys(client, '/service/demo/'),
    path,
    binDirectory: '/bin17',
    user: 'postgres',
    desired: { ttl: 30 },
  });
const halted = at('/data');
const start = startedAfterHalt(service({ unit: 'patroni', enable: false }), halted);

interface World {
  active?: string;
  running?: boolean;
  bare?: boolean;
  keys?: Record<string, string> | null;
}

const WRONG = { initialize: '7', config: '{"ttl": 60}', 'members/pg2': '{"state": "start failed"}' };

function answer({ active = 'active', running = false, bare = false, keys = WRONG }: World): { status: number; out: Buffer } {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const kvs = Object.entries(keys ?? {}).map(([key, value]) => ({
    key: base64(`/service/demo/${key}`),
    value: base64(value),
    mod_revision: '1',
  }));
  const data = bare
    ? 'kind=empty'
    : ['kind=cluster', 'version=17', 'identifier=7', 'state=shut down', ...(running ? ['running=yes'] : [])].join('\n');
  const units = `Names=patroni.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=${active}\n`;
  const etcd = keys === null ? '' : told({ [`${ETCD}/v3/kv/range`]: JSON.stringify({ header: {}, kvs }) }, halted.sharedQuestions ?? []);
  return { status: 0, out: Buffer.from(`restart=x\nreload=y\n\n${units}\n${data}\n\n${units}\n\n${etcd}`) };
}

const planned = (world: World): string[] =>
  [halted.diff(halted.parse(answer(world))), start.diff(start.parse(answer(world)))].flat().map(({ action }) => action);

describe('a cluster that its dynamic configuration keeps down', () => {
  it('is stopped on every member, and started again in the same plan', () => {
    expect(planned({})).toEqual(['run', 'start']);
    expect(planned({ bare: true })).toEqual(['run', 'start']);
    // systemd starts a Patroni anew that ends.
    expect(planned({ active: 'activating' })).toEqual(['run', 'start']);
  });

  it('is not stopped when the unit could not be started again', () => {
    const masked = {
      ...answer({}),
      out: Buffer.from(
        answer({}).out.toString('utf8').replace('LoadState=loaded\nUnitFileState=enabled', 'LoadState=masked\nUnitFileState=masked'),
      ),
    };
    const state = start.parse(masked);
    expect(start.diff(state).map(({ action }) => action)).toEqual(['start']);
    // What stands in the way of a planned change refuses the run before its first change.
    expect(start.obstacle?.(state, new Map())?.what).toBe('the unit patroni is masked, so systemd does not start it');
  });

  it.each<World & { title: string; does?: string[] }>([
    { title: 'Patroni is stopped', active: 'inactive', does: ['start'] },
    { title: 'PostgreSQL runs here', running: true },
    { title: 'PostgreSQL runs on another member', keys: { ...WRONG, 'members/pg2': '{"state": "running"}' } },
    { title: 'a member leads', keys: { ...WRONG, leader: 'pg2' } },
    { title: 'the configuration is as it should be', keys: { ...WRONG, config: '{"ttl": 30}' } },
    { title: 'etcd knows no cluster', keys: { config: '{"ttl": 60}' } },
    { title: 'a bootstrap is under way', keys: { ...WRONG, initialize: '' } },
    { title: 'etcd cannot be asked', keys: null },
  ])('is not recognised when $title', ({ does = [], ...world }) => {
    expect(halted.diff(halted.parse(answer(world)))).toEqual([]);
    // The record of the service says that another configuration was reloaded, which is no matter here.
    expect(planned(world).filter((action) => action !== 'reload')).toEqual(does);
  });

  describe('the step', () => {
    const directory = freshDirectory();
    inEveryShell(HOST_SHELLS, (shell) => {
      const run = async (patroni: string, stop = 0): Promise<{ code: number | null; out: string }> => {
        const script = `curl() { echo '${patroni}'; }\njournalctl() { echo its journal; }\ntimeout() { shift; "$@"; }\nsystemctl() { echo "systemctl $*"; return ${stop}; }\n${at(directory.path).apply([], { due: true }).text}`;
        const { code, out } = await feed(shell, script);
        return { code, out: out.toString('utf8') };
      };

      it('stops Patroni', async () =>
        expect(await run('{"state": "start failed", "role": "replica"}')).toEqual({ code: 0, out: 'systemctl stop patroni\n' }));
      it('stops nothing when PostgreSQL has started since', async () => {
        expect(await run('{"state": "running", "role": "primary"}')).toEqual({ code: 1, out: 'PostgreSQL runs now; run this again\n' });
      });
      it('fails when Patroni does not stop, or leaves PostgreSQL running', async () => {
        expect(await run('', 1)).toEqual({ code: 1, out: 'systemctl stop patroni\npatroni did not stop; its last words:\nits journal\n' });
        mkdirSync(directory.path, { recursive: true });
        writeFileSync(directory.at('postmaster.pid'), `${process.pid}\n`);
        expect(await run('')).toEqual({ code: 0, out: 'systemctl stop patroni\n' });
        const { code, out } = await feed(
          shell,
          `cd ${directory.path} && echo $$ >postmaster.pid\ncurl() { :; }\ntimeout() { :; }\n${at(directory.path).apply([], { due: true }).text}`,
        );
        expect([code, out.toString('utf8')]).toEqual([1, `PostgreSQL still runs with ${directory.path}\n`]);
      });
    });
  });
});
