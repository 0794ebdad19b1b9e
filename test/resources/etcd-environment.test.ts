import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { etcdEnvironment } from '../../src/resources/etcd/environment.js';
import { freshDirectory, ME } from '../support/directory.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const CONTENT = 'ETCD_NAME=pg1\nETCD_INITIAL_CLUSTER=pg1=https://10.0.0.1:2380\nETCD_INITIAL_CLUSTER_STATE=new\nETCD_X=new\n';
const JOINED = CONTENT.replace('STATE=new', 'STATE=existing');

describe('etcd’s environment file', () => {
  const work = freshDirectory();
  const environment = (content = CONTENT): ReturnType<typeof etcdEnvironment> =>
    etcdEnvironment({ path: work.at('etcd.env'), content, dataDirectory: work.at('data'), ...ME, mode: '0644' });

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      { title: 'with the desired settings', there: CONTENT, data: false, changes: [] },
      { title: 'for a member that replaced another', there: JOINED, data: true, changes: [] },
      { title: 'for a member that will replace another, and has no data yet', there: JOINED, data: false, changes: ['write'] },
      {
        title: 'for a member that replaced another, with a changed setting',
        there: JOINED.replace('ETCD_X=new', 'ETCD_X=old'),
        data: true,
        changes: ['write'],
      },
    ])('is written $title', async ({ there, data, changes }) => {
      writeFileSync(work.at('etcd.env'), there, { mode: 0o644 });
      if (data) mkdirSync(work.at('data/member'), { recursive: true });
      const state = await observe(shell, environment());
      expect(state.hasData).toBe(data);
      expect(
        environment()
          .diff(state)
          .map(({ summary }) => summary.split(' ')[0]),
      ).toEqual(changes);
    });

    it('is the same, with nothing to restart for, when the inventory gets another member', async () => {
      const more = CONTENT.replace('2380', '2380,pg2=https://10.0.0.2:2380');
      writeFileSync(work.at('etcd.env'), CONTENT, { mode: 0o644 });
      mkdirSync(work.at('data/member'), { recursive: true });
      expect(environment(more).diff(await observe(shell, environment(more)))).toEqual([]);
      expect(environment(more).digest()).toBe(environment().digest());
      expect(environment(CONTENT.replace('X=new', 'X=old')).digest()).not.toBe(environment().digest());
    });

    it('has values in quotes', async () => {
      const quoted = CONTENT.replace('=new', '="new"');
      writeFileSync(work.at('etcd.env'), quoted.replace('"new"', '"existing"'), { mode: 0o644 });
      mkdirSync(work.at('data/member'), { recursive: true });
      expect(environment(quoted).diff(await observe(shell, environment(quoted)))).toEqual([]);
    });

    it('is written when it does not exist', async () => {
      const { answer } = await bringAbout(shell, environment());
      expect(answer?.status).toBe(0);
      expect(readFileSync(work.at('etcd.env'), 'utf8')).toBe(CONTENT);
    });
  });
});
