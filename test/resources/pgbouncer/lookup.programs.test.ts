import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loginLookup } from '../../../src/resources/pgbouncer/lookup.js';
import { NOTHING_DONE } from '../../../src/resources/resource.js';
import { freshDirectory } from '../../support/directory.js';
import { MadeUpHost } from '../../support/made-up-host.js';
import { runSections } from '../../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../../support/shells.js';

const server = { binDirectory: '/bin17', socketDirectory: '/run/pg', port: 5432, user: 'postgres', home: '/var/lib/postgresql' };

inEveryShell(HOST_SHELLS, (shell) =>
  describe('the function by which PgBouncer asks for passwords', () => {
    const work = freshDirectory();

    it('is not begun where no commit would end, because it waits for standbys that are away', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { runuser: `cat >>'${work.at('asked')}'\necho '@waits ANY 1 (pg2)'` } });
      const { apply } = loginLookup({ server, role: 'pgbouncer_auth' });
      const { answers } = await runSections(shell, [
        { id: 'do', mode: 'step', body: host.script(apply([], { server: 'primary', right: false })) },
      ]);
      const done = answers.get('do');
      expect([done?.status, done?.out.toString()]).toEqual([
        NOTHING_DONE,
        'no commit would end here: it waits for standbys, of which too few stream (synchronous_standby_names: ANY 1 (pg2)); bring them back first\n',
      ]);
      expect(readFileSync(work.at('asked'), 'utf8')).not.toContain('CREATE');
    });
  }),
);
