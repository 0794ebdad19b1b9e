import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { upgradeTrial } from '../../src/resources/upgrade/trial.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('the trial of an upgrade', () => {
  const work = freshDirectory();
  let postmaster: ChildProcess | undefined;
  afterEach(() => postmaster?.kill());

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is not made where the new version is not installed yet, though the server takes writes', async () => {
      const data = work.at('15');
      mkdirSync(data);
      postmaster = spawn('sleep', ['60'], { cwd: data });
      writeFileSync(work.at('15', 'postmaster.pid'), `${postmaster.pid}\n`);
      const server = { user: 'postgres', home: '/', socketDirectory: '/run', port: 5432 };
      const majors = [15, 17].map((version) => ({
        version,
        path: work.at(`${version}`),
        server: { ...server, binDirectory: work.at(`bin-${version}`) },
      }));
      // psql says that it is not in recovery.
      const host = new MadeUpHost({ root: work.path, programs: { runuser: 'echo f' } });
      expect(await observe(shell, host.observation(upgradeTrial(majors, 17)))).toMatchObject({ asked: false, objections: [] });
    });
  });
});
