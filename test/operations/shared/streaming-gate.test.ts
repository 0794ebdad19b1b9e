import { describe, expect, it } from 'vitest';
import { streamingGate } from '../../../src/operations/shared/streaming-gate.js';
import { freshDirectory } from '../../support/directory.js';
import { contextOf, inventoryOf, THREE } from '../../support/inventory.js';
import { MadeUpHost } from '../../support/made-up-host.js';
import { runSections } from '../../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../../support/shells.js';

describe('waiting until members stream', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('wakes the leader and them, none of which would come round before its loop does', async () => {
      const member = (name: string, role: string, state: string): string =>
        `{"name": "${name}", "role": "${role}", "state": "${state}", "timeline": 2}`;
      // A former leader that has to rewind is down until its next loop.
      const host = new MadeUpHost({
        root: work.path,
        programs: {
          curl: `case "$*" in
*PATCH*10.0.0.1*) cat >${work.at('woken')} ;;
*PATCH*) cat >/dev/null ;;
*/cluster)
if [ -e ${work.at('woken')} ]; then state=streaming; else state=stopped; fi
printf '{"members": [${member('pg1', 'replica', "'$state'")}, ${member('pg2', 'leader', 'running')}]}'
;;
esac`,
          journalctl: ':',
          systemctl: 'echo active',
        },
      });
      const gate = streamingGate(contextOf(await inventoryOf(THREE), 'pg2'), ['pg1']);
      const { answers } = await runSections(shell, [{ id: 'gate', mode: 'step', body: host.script(gate.wait()) }]);
      expect(answers.get('gate')?.status).toBe(0);
      const woken = host.calls('curl').filter((call) => call.includes('PATCH'));
      expect(new Set(woken.map((call) => call.split(' ').at(-1)))).toEqual(
        new Set(['http://10.0.0.1:8008/config', 'http://10.0.0.2:8008/config']),
      );
    });
  });
});
