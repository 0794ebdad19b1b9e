import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { backupInfo } from '../../src/resources/backup/info.js';
import { command } from '../../src/resources/command.js';
import { dataOrigin } from '../../src/resources/restore/data-origin.js';
import { accessPlaced, accessRemoved, probingOptions, sourceAccess, throughAccess } from '../../src/resources/restore/source-access.js';
import { timelinesFree, timelinesTaken } from '../../src/resources/restore/timelines-taken.js';
import { sh } from '../../src/shell/quote.js';
import { freshDirectory, ME } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const work = freshDirectory();
const PATHS = ['/var/lib/pgprov', '/run'];
const server = { user: ME.owner, home: '/' };

const ACCESS = {
  files: [
    { name: 'pgbackrest.conf', content: new Secret('[global]\nrepo1-cipher-pass=the-passphrase\n') },
    { name: 'client.key', content: new Secret('the key\n') },
  ],
  ...ME,
  overTls: [2],
};

describe('a clone on a host', () => {
  inEveryShell(HOST_SHELLS, (shell) => {
    const hostWith = (programs: Record<string, string> = {}): MadeUpHost => {
      mkdirSync(work.at('run'), { recursive: true });
      return new MadeUpHost({ root: work.path, paths: PATHS, programs: { runuser: 'shift 3; "$@"', ...programs } });
    };
    const left = (): string[] => readdirSync(work.at('run')).filter((name) => name.startsWith('pgprov-source'));

    it('asks another cluster’s backups with files that only their user can read, and that are gone afterwards', async () => {
      const seen = work.at('seen');
      const ask = `for word in "$@"; do case "$word" in --config=*) dir=$(dirname "\${word#--config=}") ;; esac; done
{ stat -c '%a %n' "$dir" "$dir"/*; cat "$dir/pgbackrest.conf"; } >${seen}; exit 50`;
      const options = { stanza: 'demo', server, more: probingOptions(ACCESS) };
      const host = hostWith({ pgbackrest: ask });
      const info = await observe(shell, host.observation(throughAccess(ACCESS, backupInfo(options))));
      expect(info.problem).toBe('pgBackRest ended with exit code 50 and said nothing');
      const told = readFileSync(seen, 'utf8');
      expect(told).toMatch(/^700 \S+\n600 \S+\/client\.key\n600 \S+\/pgbackrest\.conf\n\[global\]\nrepo1-cipher-pass=the-passphrase\n$/u);
      expect(host.calls('pgbackrest')[0]).toMatch(
        /^pgbackrest --stanza=demo .* --config=(\S+)\/pgbackrest\.conf --repo2-host-ca-file=\1\/ca\.crt --repo2-host-cert-file=\1\/client\.crt --repo2-host-key-file=\1\/client\.key --protocol-timeout=15 --output=json info$/u,
      );
      expect(host.calls('pgbackrest').join()).not.toContain('the-passphrase');
      expect(left()).toEqual([]);
    });

    it('has them while it restores, and not any more afterwards', async () => {
      const host = hostWith();
      const place = work.at('var/lib/pgprov/source');
      for (const resource of accessPlaced(ACCESS)) await bringAbout(shell, host.resource(resource));
      expect(readFileSync(`${place}/client.key`, 'utf8')).toBe('the key\n');
      expect(await observe(shell, host.observation(sourceAccess()))).toEqual({ present: true });
      await bringAbout(shell, host.resource(accessRemoved()));
      expect(existsSync(place)).toBe(false);
      expect(await observe(shell, host.observation(sourceAccess()))).toEqual({ present: false });
    });

    it('keeps a recovery from timelines that there are, until it has begun its own', async () => {
      const wal = work.at('data/pg_wal');
      mkdirSync(wal, { recursive: true });
      writeFileSync(`${wal}/0000000B.history`, '1\t0/5\tno recovery target specified\n');
      const [resource] = timelinesTaken({ path: work.at('data'), server, first: 9, last: 11 });
      if (resource === undefined) throw new Error('nothing is kept');
      const { changes, left: more } = await bringAbout(shell, hostWith().resource(resource));
      expect([changes.length, more]).toEqual([1, []]);
      expect(readdirSync(wal)).toEqual(['00000009.history', '0000000A.history', '0000000B.history']);
      const free = command({ name: 'free', summary: 'x', unless: sh`false`, run: timelinesFree(work.at('data')) });
      await bringAbout(shell, hostWith().resource(free));
      expect(readdirSync(wal)).toEqual(['0000000B.history']);
      expect(timelinesTaken({ path: work.at('data'), server, first: 3, last: 2 })).toEqual([]);
    });

    it('tells whose clone the data is, a line for every time, whatever else is in that file', async () => {
      mkdirSync(work.at('data'), { recursive: true });
      expect(await observe(shell, dataOrigin(work.at('data')))).toEqual([]);
      const first = { cluster: 'demo', stanza: 'demo', places: ['directory /mnt'] };
      writeFileSync(
        work.at('data/pgprov.origin.jsonl'),
        `${JSON.stringify(first)}\nno JSON\n{"cluster": 1}\n${JSON.stringify({ ...first, cluster: 'two' })}\n`,
      );
      expect((await observe(shell, dataOrigin(work.at('data')))).map(({ cluster }) => cluster)).toEqual(['demo', 'two']);
    });
  });
});
