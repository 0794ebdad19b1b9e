import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { patroniTaken, takenGate, untakenSettings } from '../../src/resources/patroni-taken.js';
import { NOTHING } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { observe } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell } from '../support/shells.js';

const DESIRED = { ttl: 30, postgresql: { parameters: { work_mem: '64MB' } } };

describe('the dynamic configuration that a member uses', () => {
  const directory = freshDirectory();
  const write = (text: string): void => {
    mkdirSync(directory.path, { recursive: true });
    writeFileSync(directory.at('patroni.dynamic.json'), text);
  };

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is read where Patroni keeps it', async () => {
      expect(await observe(shell, patroniTaken(directory.path))).toBeUndefined();
      write('{"ttl": 20}');
      expect(await observe(shell, patroniTaken(directory.path))).toEqual({ ttl: 20 });
      for (const text of ['', '{"ttl"', '[]', '5']) {
        write(text);
        expect(await observe(shell, patroniTaken(directory.path))).toBeUndefined();
      }
    });

    it('is waited for until it is what the REST API gives, and no longer than that can help', async () => {
      const gate = takenGate({
        member: 'pg1',
        unit: 'patroni',
        url: 'http://10.0.0.1:8008',
        data: directory.path,
        desired: DESIRED,
        patience: 3,
        nudge: NOTHING,
      });
      const run = async (config: string, more = ''): Promise<number | null> => {
        const programs = `curl() { printf '%s\\n' '${config}'; }\nsystemctl() { echo active; }\njournalctl() { :; }\nnote() { :; }\nsleep() { command sleep 0.05; ${more || ':'}; }\n`;
        return (await feed(shell, `${programs}${gate.wait().text}`, { timeout: 20_000 })).code;
      };
      write('{"ttl":30, "x": "a b"}\n');
      expect(await run('{"ttl": 30, "x": "a b"}')).toBe(0);
      // It is written while the gate waits.
      write('{"ttl": 20}');
      expect(await run('{"ttl": 30}', `printf '{"ttl": 30}' >${directory.at('patroni.dynamic.json')}`)).toBe(0);
      write('{"ttl": 20}');
      expect(await run('{"ttl": 30}')).toBe(0);
    });
  });

  it.each([
    { taken: undefined, missing: [] },
    { taken: { ttl: 20, postgresql: 5 }, missing: [['ttl'], ['postgresql', 'parameters', 'work_mem']] },
    // Patroni takes a number for its text.
    { taken: { ttl: '30', postgresql: { parameters: { work_mem: '64MB', more: 1 } }, slots: {} }, missing: [] },
  ])('lacks $missing where it is $taken', ({ taken, missing }) => expect(untakenSettings(taken, DESIRED)).toEqual(missing));
});
