import { describe, expect, it } from 'vitest';
import { leftUnits } from '../../src/resources/left-units.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('leftUnits', () => {
  const work = freshDirectory();
  const APPLIED = '/var/lib/pgprov/applied';
  const IDS = ['file:/x', 'service:etcd', 'service:postgresql@17-main', 'enabled:patroni'];
  const systemctl = `case "$1 $2" in
'is-active patroni') echo inactive; exit 3 ;;
'is-enabled patroni') echo enabled ;;
'is-active haproxy') echo active ;;
'is-enabled haproxy') echo disabled; exit 1 ;;
*) echo unknown; exit 4 ;;
esac`;

  inEveryShell(HOST_SHELLS, (shell) => {
    it('are those that run or would start, and that no role of the host has', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { systemctl }, paths: [APPLIED] });
      for (const unit of ['etcd', 'postgresql@17-main', 'patroni', 'haproxy', 'pgbouncer'])
        host.write(`${APPLIED}/${unit}`, unit === 'haproxy' ? 'restart=a\nreload=b\ncluster=one\n' : '');
      expect(await observe(shell, host.observation(leftUnits(IDS)))).toEqual([
        { unit: 'haproxy', active: true, cluster: 'one' },
        { unit: 'patroni', active: false },
      ]);
      expect(host.calls().some((call) => call.includes('etcd'))).toBe(false);
    });

    it('do not exist on a host that pgprov never set up', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { systemctl }, paths: ['/var/lib/pgprov'] });
      expect(await observe(shell, host.observation(leftUnits(IDS)))).toEqual([]);
      expect(host.calls()).toEqual([]);
    });
  });
});
