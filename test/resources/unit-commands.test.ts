import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unitCommands } from '../../src/resources/unit-commands.js';
import { freshDirectory } from '../support/directory.js';
import { moved, observe, rewritten } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('unitCommands', () => {
  const directory = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    const see = (): Promise<unknown> =>
      observe(
        shell,
        rewritten(unitCommands('x', [directory.at('x.service.d', 'ours.conf')]), (script) =>
          moved(script, '/etc/systemd/system/', `${directory.path}/`),
        ),
      );

    it('finds the commands that other drop-ins give a unit', async () => {
      expect(await see()).toEqual([]);
      mkdirSync(directory.at('x.service.d'));
      writeFileSync(
        directory.at('x.service.d', 'a b.conf'),
        '[Service]\nLimitNOFILE=5\n#ExecStart=/bin/x\n ExecStartPre=/bin/false a:b\nExecStart=\n',
      );
      writeFileSync(directory.at('x.service.d', 'limits.conf'), '[Service]\nLimitNOFILE=5\n');
      writeFileSync(directory.at('x.service.d', 'ours.conf'), '[Service]\nExecReload=/bin/kill\n');
      const file = directory.at('x.service.d', 'a b.conf');
      expect(await see()).toEqual([
        { file, line: 'ExecStartPre=/bin/false a:b' },
        { file, line: 'ExecStart=' },
      ]);
    });
  });
});
