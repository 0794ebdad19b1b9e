import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { patroniTaken, takenGate, untakenSettings } from '../../src/resources/patroni/taken.js';
import { NOTHING } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { observe } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell } from '../support/shells.js';

const DESIRED = { ttl: 30, postgresql: { parameters: { work_mem: '64MB' } } };

describe('the dynamic configuration that a member uses', () => {
  const directory = freshDirectory();
  const write = (text: string): void => {
    mkdirSync(directory.at('data'), { recursive: true });
    writeFileSync(directory.at('data/patroni.dynamic.json'), text);
  };

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is read where Patroni keeps it', async () => {
      expect(await observe(shell, patroniTaken(directory.at('data')))).toBeUndefined();
      write('{"ttl": 20}');
      expect(await observe(shell, patroniTaken(directory.at('data')))).toEqual({ ttl: 20 });
      for (const text of ['', '{"ttl"', '[]', '5']) {
        write(text);
        expect(await observe(shell, patroniTaken(directory.at('data')))).toBeUndefined();
      }
    });

    const FRESH = '$(($(date +%s) + 9))';

    it.each([
      { title: 'at once where the member uses what it has just read', file: '{"ttl":30, "x": "a b"}', read: FRESH, later: ':', least: 0 },
      {
        title: 'once the member uses it',
        file: '{"ttl": 20}',
        read: FRESH,
        later: 'put data/patroni.dynamic.json \'{"ttl": 30, "x": "a b"}\'',
        least: 4,
      },
      { title: 'once the member has read it anew', file: '{"ttl": 30, "x": "a b"}', read: '5', later: `put read "${FRESH}"`, least: 4 },
      { title: 'after as long as waiting could help', file: '{"ttl": 20}', read: FRESH, later: ':', patience: 2, least: 1 },
    ])('opens the gate $title', async ({ file, read, later, patience = 60, least }) => {
      write(file);
      const gate = takenGate({
        member: 'pg1',
        unit: 'patroni',
        url: 'http://10.0.0.1:8008',
        data: directory.at('data'),
        missing: () => [],
        patience,
        nudge: NOTHING,
      });
      const lab = `cd ${directory.path}
put() { printf '%s' "$2" >"$1"; }
curl() {
case "$*" in
*/patroni) printf '{"state": "running", "dcs_last_seen": %s, "patroni": {"name": "pg1"}}' "$(cat read)" ;;
*/config) printf '{"ttl": 30, "x": "a b"}' ;;
esac
}
systemctl() { echo active; }
journalctl() { :; }
note() { :; }
sleep() {
command sleep 0.05
echo turn >>turns
[ "$(wc -l <turns)" -lt 4 ] || { ${later}; }
}
: >turns
put read "${read}"
`;
      expect((await feed(shell, `${lab}${gate.wait().text}`, { timeout: 60_000 })).code).toBe(0);
      const waited = readFileSync(directory.at('turns'), 'utf8').split('\n').length - 1;
      expect(waited).toBeGreaterThanOrEqual(least);
      if (least === 0) expect(waited).toBe(0);
    });
  });

  it.each([
    { taken: undefined, missing: [] },
    { taken: { ttl: 20, postgresql: 5 }, missing: [['ttl'], ['postgresql', 'parameters', 'work_mem']] },
    // Patroni takes a number for its text.
    { taken: { ttl: '30', postgresql: { parameters: { work_mem: '64MB', more: 1 } }, slots: {} }, missing: [] },
  ])('lacks $missing where it is $taken', ({ taken, missing }) => expect(untakenSettings(taken, DESIRED)).toEqual(missing));
});
