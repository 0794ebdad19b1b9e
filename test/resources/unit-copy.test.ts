import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COPIED_UNIT, unitCopy } from '../../src/resources/unit-copy.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const SOURCE = '/usr/lib/systemd/system/postgresql-17.service';
const COPY = '/etc/systemd/system/postgresql-17-two.service';
const PACKAGED = `[Service]
Type=notify
# Environment=PGDATA=/x
Environment=PGDATA=/var/lib/pgsql/17/data/
ExecStart=/usr/pgsql-17/bin/postmaster -D \${PGDATA}
`;

describe('the unit of a further instance', () => {
  const work = freshDirectory();
  const unit = unitCopy({ source: SOURCE, path: COPY, data: '/var/lib/pgsql/17/two' });
  const summaries = (state: 'right' | 'other' | 'absent' | 'unknown'): string[] => unit.diff(state).map(({ summary }) => summary);

  it('is made where there is none, and made anew where it differs from what the package has', () => {
    const summary = `copy ${SOURCE} to ${COPY}, with the data in /var/lib/pgsql/17/two`;
    expect(summaries('absent')).toEqual([summary]);
    expect(summaries('other')).toEqual([summary]);
    expect(summaries('right')).toEqual([]);
    expect(summaries('unknown')).toEqual([]);
  });

  it.each(['', 'what\n'])('rejects the answer %j', (text) => {
    expect(() => unit.parse({ status: 0, out: Buffer.from(text) })).toThrow();
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    const hostWith = (packaged?: string): MadeUpHost => {
      const host = new MadeUpHost({
        root: work.path,
        programs: { systemctl: ':' },
        paths: ['/usr/lib/systemd/system', '/etc/systemd/system'],
      });
      if (packaged !== undefined) host.write(SOURCE, packaged);
      return host;
    };

    it('is the package’s with another data directory, and follows it', async () => {
      const host = hostWith(PACKAGED);
      expect(await observe(shell, host.resource(unit))).toBe('absent');
      expect((await bringAbout(shell, host.resource(unit))).answer?.status).toBe(0);
      expect(readFileSync(host.at(COPY), 'utf8')).toBe(
        `${COPIED_UNIT}\n${PACKAGED.replace('PGDATA=/var/lib/pgsql/17/data/', 'PGDATA=/var/lib/pgsql/17/two')}`,
      );
      expect(host.calls()).toEqual(['systemctl daemon-reload']);
      expect(await observe(shell, host.resource(unit))).toBe('right');
      host.write(SOURCE, `${PACKAGED}TimeoutSec=0\n`);
      expect(await observe(shell, host.resource(unit))).toBe('other');
    });

    it('is not made from a unit that does not say where the data is', async () => {
      const host = hostWith('[Service]\nExecStart=/x\n');
      const { answer } = await bringAbout(shell, host.resource(unit));
      expect(answer?.status).toBe(1);
      expect(answer?.words).toContain('does not say where the data is (PGDATA)');
    });

    it('is left alone while the package is away', async () => {
      const host = hostWith();
      host.write(COPY, 'x\n');
      expect(await observe(shell, host.resource(unit))).toBe('unknown');
    });
  });
});
