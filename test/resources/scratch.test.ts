import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { databaseLogins } from '../../src/resources/password-login.js';
import { clearScratch, scratchDirectory } from '../../src/resources/scratch.js';
import { serverAsked } from '../../src/resources/server-asked.js';
import { Secret } from '../../src/lib/secret.js';
import { joinScripts, sh, type Script } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { moved } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('the directory of a probe', () => {
  const run = freshDirectory();
  const there = (): string[] => readdirSync(run.path);

  inEveryShell(HOST_SHELLS, (shell) => {
    /** What the section said; it runs in a subshell, as the frame has it. */
    const section = (body: Script): string =>
      execFileSync(shell, ['-c', `(\n${moved(body, '/run/', `${run.path}/`).text}\n)\necho "ended $?"`], { encoding: 'utf8' });

    it('is removed together with it, also when the probe is ended half-way', () => {
      expect(section(joinScripts([scratchDirectory('x'), sh`[ -d "$scratch" ] && echo made`]))).toBe('made\nended 0\n');
      expect(there()).toEqual([]);
      for (const signal of ['HUP', 'INT', 'TERM', 'PIPE']) {
        const said = section(joinScripts([scratchDirectory('x'), sh`kill -${signal} "$(sh -c 'echo $PPID')"`, sh`echo survived`]));
        expect([signal, said, there()]).toEqual([signal, 'ended 1\n', []]);
      }
    });

    it('is removed later if the probe was killed, and no other directory is', () => {
      const before = new Date(Date.now() - 3_600_000);
      for (const name of ['pgprov-x.aaaaaa', 'pgprov-x.bbbbbb', 'pgprov-y.aaaaaa', 'pgprov-x.else'])
        mkdirSync(run.at(name, 'in'), { recursive: true });
      for (const name of ['pgprov-x.aaaaaa', 'pgprov-y.aaaaaa', 'pgprov-x.else']) utimesSync(run.at(name), before, before);
      expect(section(clearScratch('x'))).toBe('ended 0\n');
      expect(there().sort()).toEqual(['pgprov-x.bbbbbb', 'pgprov-x.else', 'pgprov-y.aaaaaa']);
      expect(section(clearScratch('none'))).toBe('ended 0\n');
    });

    it.each([
      {
        what: 'parameters',
        probe: serverAsked({ binDirectory: '/nowhere', socketDirectory: '/', port: 1, user: 'x', home: '/' }, {}).probe(),
        name: 'asked',
      },
      {
        what: 'passwords',
        probe: databaseLogins({
          server: { binDirectory: '/nowhere', socketDirectory: '/', port: 1, user: 'x', home: '/' },
          role: 'r',
          replication: false,
          members: [],
          password: new Secret('a'),
          former: new Secret('b'),
        }).probe(),
        name: 'proof',
      },
    ])('is used by the probe of $what', ({ probe, name }) => {
      const left = run.at(`pgprov-${name}.aaaaaa`);
      mkdirSync(left);
      utimesSync(left, new Date(0), new Date(0));
      try {
        section(probe);
      } catch {
        // The rest of it needs a host.
      }
      expect(existsSync(left)).toBe(false);
    });
  });
});
