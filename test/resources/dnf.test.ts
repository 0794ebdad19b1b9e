import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defineDnf } from '../../src/resources/dnf.js';
import { WORK_DIRECTORY } from '../../src/shell/lock.js';
import { sh } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { answering, MadeUpHost } from '../support/made-up-host.js';
import { moved, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, type Shell } from '../support/shells.js';

/** Words of dnf itself. */
const HELD = 'metadata already locked by 8\n  The application with PID 8 is: dnf\n    State  : Sleeping\n';
const RPM_HELD =
  "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\nError: Could not run transaction.\n";

describe('run_dnf', () => {
  const work = freshDirectory();

  /** Runs dnf once, says what it explains when that failed, and what is left in the scratch space. */
  async function run(
    shell: Shell,
    dnf: string,
    lockTimeout = 300,
  ): Promise<{ words: string; notes: string[]; calls: string[]; left: string[] }> {
    const host = new MadeUpHost({ root: work.path, programs: { dnf, sleep: ':' } });
    const body = sh`mkdir -p ${WORK_DIRECTORY}
${defineDnf(lockTimeout)}
if run_dnf install 'a b'; then cat "$dnf_log"; else echo "status $dnf_status"; explain_dnf; fi
rm -f "$dnf_log"`;
    const { answers, notes } = await runSections(shell, [
      { id: 'do', mode: 'step', body: moved(host.script(body), WORK_DIRECTORY, work.at('scratch')) },
    ]);
    return { words: answers.get('do')?.out.toString() ?? '', notes, calls: host.calls('dnf'), left: readdirSync(work.at('scratch')) };
  }

  const call = 'dnf -y --setopt=exit_on_lock=True install a b';

  inEveryShell(HOST_SHELLS, (shell) => {
    it('runs once when no other dnf runs', async () => {
      expect(await run(shell, answering({ words: 'Complete!\n' }))).toEqual({ words: 'Complete!\n', notes: [], calls: [call], left: [] });
    });

    it('gives no input, because dnf would ask about keys', async () => {
      expect((await run(shell, 'cat; echo end')).words).toBe('end\n');
    });

    it.each([
      { title: 'dnf’s lock', held: { status: 200, words: HELD } },
      { title: 'rpm’s lock', held: { status: 1, words: RPM_HELD } },
    ])('waits until $title is free, saying so', async ({ held }) => {
      const { words, notes, calls } = await run(shell, answering(held, held, { words: 'Complete!\n' }));
      expect({ words, calls }).toEqual({ words: 'Complete!\n', calls: [call, call, call] });
      expect(notes).toEqual(["waiting for the package manager's lock (0 s)", "waiting for the package manager's lock (2 s)"]);
    });

    it('gives up on a lock that is never released, and names the holder', async () => {
      const { words, notes, calls, left } = await run(shell, answering({ status: 200, words: HELD }), 4);
      expect(words).toBe(
        "status 200\nmetadata already locked by 8\nthe package manager's lock is held by another process, still after 4 s\n",
      );
      expect({ notes: notes.length, calls: calls.length, left }).toEqual({ notes: 2, calls: 3, left: [] });
    });

    it('does not wait when told not to', async () => {
      const { notes, calls } = await run(shell, answering({ status: 200, words: HELD }), 0);
      expect({ notes, calls }).toEqual({ notes: [], calls: [call] });
    });

    it('distinguishes other failures from a lock', async () => {
      const { words, notes, calls } = await run(
        shell,
        answering({ status: 1, words: 'Last metadata expiration check: now.\nError: Unable to find a match: a\n' }),
      );
      expect({ words, notes, calls }).toEqual({ words: 'status 1\nError: Unable to find a match: a\n', notes: [], calls: [call] });
    });

    it.each([
      {
        title: 'a mirror that is down',
        words:
          "x  0.0  B/s |   0  B\nErrors during downloading metadata for repository 'x':\n  - Curl error (7): no connection\nError: Failed to download metadata for repo 'x'\n",
        explained:
          "Errors during downloading metadata for repository 'x':\n  - Curl error (7): no connection\nError: Failed to download metadata for repo 'x'\n",
      },
      {
        title: 'a package that needs another',
        words: "Dependencies\nError: \n Problem: conflicting requests\n  - nothing provides b needed by a\n(try to add '--nobest')\n",
        explained: 'Error: \n Problem: conflicting requests\n  - nothing provides b needed by a\n',
      },
      {
        title: 'a wrong key',
        words: 'Public key for a.rpm is not installed\nok\nError: GPG check FAILED\n',
        explained: 'Public key for a.rpm is not installed\nError: GPG check FAILED\n',
      },
      {
        title: 'an unknown failure',
        words: Array.from({ length: 20 }, (_, line) => `${line}\n`).join(''),
        explained: Array.from({ length: 15 }, (_, line) => `${line + 5}\n`).join(''),
      },
      { title: 'a failure without a message', words: '', explained: '' },
    ])('explains $title with dnf’s own message', async ({ words, explained }) => {
      expect((await run(shell, answering({ status: 1, words }))).words).toBe(`status 1\n${explained}`);
    });

    it('fails when there is no dnf', async () => {
      const { words, calls } = await run(shell, 'exit 127');
      expect({ words, calls }).toEqual({ words: 'status 127\n', calls: [call] });
    });
  });
});
