import { describe, expect, it } from 'vitest';
import { keepOff } from '../../src/resources/keep-off.js';
import { joinScripts, type Script } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('keepOff', () => {
  it('does nothing without units', () => {
    expect(Object.values(keepOff([])).map(({ text }: Script) => text)).toEqual([':', ':', ':']);
  });

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    /** A host on which these units are enabled before, and these run; gives what was disabled, and how it ended. */
    async function disabled(
      how: 'done' | 'failed',
      { enabled = '', active = '', status = 0 }: { enabled?: string; active?: string; status?: number },
    ): Promise<{ words: string[]; status: number | undefined }> {
      const systemctl = `case "$2 $3" in
"is-enabled ${enabled}" | "is-active ${active}") exit 0 ;;
is-*) echo told >&2; exit 3 ;;
esac
exit ${status}`;
      const host = new MadeUpHost({ root: work.path, programs: { systemctl } });
      const { before, [how]: after } = keepOff(['etcd', 'patroni']);
      const { answers } = await runSections(shell, [{ id: 'do', mode: 'step', body: host.script(joinScripts([before, after])) }]);
      const words = host.calls().flatMap((call) => (call.startsWith('systemctl -q disable ') ? call.split(' ').slice(3) : []));
      return { words, status: answers.get('do')?.status };
    }

    it.each([
      { title: 'both that were just installed', how: 'done', host: {}, words: ['etcd', 'patroni'] },
      {
        title: 'units that an interrupted installation had enabled',
        how: 'done',
        host: { enabled: 'patroni' },
        words: ['etcd', 'patroni'],
      },
      { title: 'no unit that runs', how: 'done', host: { enabled: 'patroni', active: 'patroni' }, words: ['etcd'] },
      { title: 'both that a failed installation may have enabled', how: 'failed', host: {}, words: ['etcd', 'patroni'] },
      { title: 'no unit that was enabled before the failed installation', how: 'failed', host: { enabled: 'etcd' }, words: ['patroni'] },
    ] as const)('disables $title', async ({ how, host, words }) => {
      expect(await disabled(how, host)).toEqual({ words, status: 0 });
    });

    it.each([
      { how: 'done', status: 1, title: 'fails when a unit cannot be disabled' },
      { how: 'failed', status: 0, title: 'leaves the message to the failed installation' },
    ] as const)('$title', async ({ how, status }) => {
      expect(await disabled(how, { status: 1 })).toEqual({ words: ['etcd', 'patroni'], status });
    });
  });
});
