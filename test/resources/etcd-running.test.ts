import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderTemplate } from '../../src/plan/template.js';
import { etcdRunning, type EtcdRunning } from '../../src/resources/etcd/running.js';
import { freshDirectory } from '../support/directory.js';
import { moved, observe, rewritten } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, type Shell } from '../support/shells.js';

describe('the etcd that runs on a host', () => {
  const work = freshDirectory();
  const file = (): string => join(work.path, 'etcd.env');
  const look = (shell: Shell): Promise<EtcdRunning> =>
    observe(
      shell,
      rewritten(etcdRunning(file()), (script) =>
        moved(moved(script, '/proc/[0-9]', `${work.path}/proc/[0-9]`), '/proc/self', `${work.path}/proc/self`),
      ),
    );

  /** A process as /proc has it. */
  function process(id: string, { comm = 'sh', unit = '', environ = '', namespace = '1' }: Readonly<Record<string, string>>): void {
    const at = work.at('proc', id);
    mkdirSync(join(at, 'ns'), { recursive: true });
    symlinkSync(`pid:[${namespace}]`, join(at, 'ns', 'pid'));
    writeFileSync(join(at, 'comm'), `${comm}\n`);
    writeFileSync(join(at, 'cgroup'), `0::/system.slice/${unit}\n`);
    writeFileSync(join(at, 'environ'), environ);
  }

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is absent when there is no etcd', async () => {
      expect(await look(shell)).toEqual({ process: undefined, file: undefined, hasData: false });
    });

    it('is recognised by the environment file that pgprov wrote, and by a member in its data', async () => {
      const settings = { ETCD_NAME: 'pg1', ETCD_DATA_DIR: work.at('etcd'), ETCD_X: 'a"$\\b' };
      writeFileSync(file(), renderTemplate('etcd/etcd.env', { settings }));
      expect(await look(shell)).toEqual({ process: undefined, file: settings, hasData: false });
      mkdirSync(work.at('etcd', 'member'), { recursive: true });
      expect(await look(shell)).toEqual({ process: undefined, file: settings, hasData: true });
    });

    it('is not recognised by another program’s file', async () => {
      writeFileSync(file(), 'ETCD_NAME="pg1"\n');
      expect(await look(shell)).toMatchObject({ file: undefined });
    });

    it('is recognised by the process of its unit, and of no other', async () => {
      process('self', {});
      process('71', { comm: 'etcd', unit: 'etcd.service', environ: 'PATH=/bin\0ETCD_NAME=pg1\0ETCD_DATA_DIR=/srv/x\0' });
      process('72', { comm: 'etcd', unit: 'session.scope', environ: 'ETCD_NAME=other\0' });
      process('70', { comm: 'etcd', unit: 'etcd.service', environ: 'ETCD_NAME=contained\0', namespace: '2' });
      process('73', { comm: 'etcdctl', unit: 'etcd.service', environ: 'ETCD_NAME=tool\0' });
      expect(await look(shell)).toEqual({ process: { ETCD_NAME: 'pg1', ETCD_DATA_DIR: '/srv/x' }, file: undefined, hasData: false });
    });
  });
});
