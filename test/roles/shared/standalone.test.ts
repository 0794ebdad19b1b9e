import { describe, expect, it } from 'vitest';
import { servedData } from '../../../roles/shared/standalone.js';
import { debian13 } from '../../../src/platform/debian.js';
import { rocky9 } from '../../../src/platform/el.js';
import type { Platform } from '../../../src/platform/index.js';
import type { Observation } from '../../../src/resources/resource.js';
import { freshDirectory } from '../../support/directory.js';
import { contextOf, inventoryOf } from '../../support/inventory.js';
import { MadeUpHost } from '../../support/made-up-host.js';
import { observe } from '../../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../../support/shells.js';

const inventory = await inventoryOf('cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\n');
const served = (platform: Platform): Observation<string> => servedData(contextOf(inventory, 'db', platform));

describe('servedData', () => {
  it.each([
    { text: '', data: '' },
    { text: '/srv/pg\n', data: '/srv/pg' },
    { text: '/srv/a b\n', data: '/srv/a b' },
  ])('reads $text', ({ text, data }) => expect(served(rocky9).parse({ status: 0, out: Buffer.from(text) })).toBe(data));

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    /** A host with a cluster in /srv/pg. */
    const hostWith = (systemctl: string): MadeUpHost => {
      const host = new MadeUpHost({ root: work.path, programs: { systemctl }, paths: ['/etc/postgresql'] });
      host.write('/srv/pg/PG_VERSION', '17\n');
      return host;
    };
    const at = (text: string): string => text.replaceAll('ROOT', work.path);

    it.each([
      { title: 'the unit’s directory', environment: 'Environment=PGDATA=ROOT/srv/pg', data: 'ROOT/srv/pg' },
      {
        title: 'the last of several',
        environment: 'Environment=PGDATA=/var/lib/pgsql/17/data PG_OOM_ADJUST_FILE=/proc PGDATA=ROOT/srv/pg X=1',
        data: 'ROOT/srv/pg',
      },
      { title: 'none where there is no cluster', environment: 'Environment=PGDATA=ROOT/nothing', data: '' },
      { title: 'none for a unit without a directory', environment: 'Environment=', data: '' },
    ])('finds $title on EL', async ({ environment, data }) => {
      const host = hostWith(`echo '${at(environment)}'`);
      expect(await observe(shell, host.observation(served(rocky9)))).toBe(at(data));
      expect(host.calls()).toEqual(['systemctl show -p Environment postgresql-17']);
    });

    it('finds none on EL without systemd', async () => {
      expect(await observe(shell, hostWith('exit 127').observation(served(rocky9)))).toBe('');
    });

    it.each([
      {
        title: 'the configured directory',
        conf: "data_directory = 'ROOT/srv/pg'\t\t# use data in another directory\n",
        data: 'ROOT/srv/pg',
      },
      {
        title: 'the last of several',
        conf: "data_directory='/srv/x'\n  data_directory = 'ROOT/srv/pg'\n#data_directory = 'ConfigDir'\n",
        data: 'ROOT/srv/pg',
      },
      { title: 'none where there is no cluster', conf: "data_directory = 'ROOT/nothing'\n", data: '' },
      { title: 'none without a setting', conf: "#data_directory = 'ConfigDir'\n", data: '' },
    ])('finds $title on Debian', async ({ conf, data }) => {
      const host = hostWith('exit 1');
      host.write('/etc/postgresql/17/main/postgresql.conf', at(conf));
      expect(await observe(shell, host.observation(served(debian13)))).toBe(at(data));
    });

    it('finds none on Debian without a configuration', async () => {
      expect(await observe(shell, hostWith('exit 1').observation(served(debian13)))).toBe('');
    });
  });
});
