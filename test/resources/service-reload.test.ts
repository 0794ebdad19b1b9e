import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { controlUnit } from '../../src/resources/service.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('a reload', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      [
        'waits until a process that was just started knows the signal',
        'sleep 0.7; trap "echo reloaded; exit 3" HUP; echo set; while :; do sleep 0.1; done',
        0,
        3,
      ],
      ['does not wait for one that has run for long and does not know it', 'exec sleep 20', 3_600_000_000, null],
    ])('%s', async (_what, program, age, ends) => {
      const child = spawn('sh', ['-c', program], { stdio: ['ignore', 'pipe', 'ignore'] });
      const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
      const host = new MadeUpHost({
        root: work.path,
        programs: {
          systemctl: `case "$*" in
*MainPID*) echo ${child.pid} ;;
*Monotonic*) read -r up idle </proc/uptime; echo $((\${up%.*} * 1000000 - ${age})) ;;
reload*) kill -HUP ${child.pid} ;;
esac`,
        },
      });
      const began = Date.now();
      const { answers } = await runSections(shell, [{ id: 'do', mode: 'step', body: host.script(controlUnit('reload', { unit: 'x' })) }]);
      expect(answers.get('do')?.status).toBe(0);
      expect(await ended).toBe(ends);
      if (ends === null) expect(host.calls('systemctl').filter((call) => call.includes('MainPID'))).toHaveLength(1);
      expect(Date.now() - began).toBeLessThan(60_000);
    });
  });
});
