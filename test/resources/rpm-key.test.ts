import { describe, expect, it } from 'vitest';
import { rpmKey } from '../../src/resources/rpm-key.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const FIRST = 'D4BF08AE67A0B4C7A1DBCCD240BCA2B408B40D20';
const SECOND = 'B031F89FC983E98262906B6E177B343BB9738825';

describe('rpmKey', () => {
  const resource = rpmKey({ path: '/etc/pki/rpm-gpg/K', fingerprints: [FIRST, SECOND] });
  const change = { action: 'update', summary: 'let rpm trust the key in /etc/pki/rpm-gpg/K' };

  it.each<{ title: string; imported: string[]; trusted: boolean }>([
    { title: 'no key', imported: [], trusted: false },
    { title: 'other keys', imported: ['0a6f1297', '350d275d'], trusted: false },
    { title: 'its short name', imported: ['0a6f1297', '08b40d20'], trusted: true },
    { title: 'the short name of the other architecture’s', imported: ['b9738825'], trusted: true },
    { title: 'its whole fingerprint, as since rpm 6', imported: [FIRST.toLowerCase()], trusted: true },
    { title: 'its whole fingerprint in upper case', imported: [SECOND], trusted: true },
    { title: 'the sixteen digits of a key id', imported: [FIRST.slice(-16).toLowerCase()], trusted: true },
    { title: 'too few digits for a name', imported: ['b40d20', '0'], trusted: false },
    { title: 'the first digits of a fingerprint', imported: ['d4bf08ae'], trusted: false },
  ])('compares rpm’s list with the pinned key: $title', ({ imported, trusted }) => {
    expect(
      resource.diff(
        resource.parse({ status: 0, out: Buffer.from(imported.map((key) => `=gpg-pubkey ${key}-4c3b5d27\n=etcd 3.5-1\n`).join('')) }),
      ),
    ).toEqual(trusted ? [] : [change]);
  });

  it('asks and imports with exact commands', () => {
    expect(resource.id).toBe('rpm-key:/etc/pki/rpm-gpg/K');
    expect(sharedSections([resource]).map(({ body }) => body.text)).toEqual([
      "pgprov_packages=$(\nrpm -q --qf '=%{NAME} %{VERSION}-%{RELEASE}\\n' gpg-pubkey 2>/dev/null || :\n)",
    ]);
    expect(resource.probe().text).toBe(`printf '%s\\n' "$pgprov_packages"`);
    expect(resource.apply([], []).text).toBe('rpm --import /etc/pki/rpm-gpg/K');
    expect(rpmKey({ path: '/etc/pki/rpm-gpg/K', fingerprints: [FIRST] }).digest()).not.toBe(resource.digest());
  });

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    const rpm = (): string => `case $1 in
-q) cat '${work.at('keys')}' 2>/dev/null || { echo 'package gpg-pubkey is not installed'; exit 1; } ;;
--import) [ -e "$2" ] || { echo "error: $2: import read failed(2)." >&2; exit 1; }; echo =gpg-pubkey 08b40d20-4c3b5d27 >>'${work.at('keys')}' ;;
esac`;
    const hostWith = (): MadeUpHost => new MadeUpHost({ root: work.path, programs: { rpm: rpm() }, paths: ['/etc/pki'] });

    it('imports the key once, next to existing keys', async () => {
      const host = hostWith();
      host.write('/etc/pki/rpm-gpg/K', 'key');
      host.write('keys', '=gpg-pubkey 0a6f1297-4c3b5d27\n=gpg-pubkey (none)-1\n');
      const { before, answer, after, left } = await bringAbout(shell, host.resource(resource));
      expect({ before, answer, after, left }).toEqual({
        before: ['0a6f1297'],
        answer: { status: 0, words: '' },
        after: ['0a6f1297', '08b40d20'],
        left: [],
      });
      expect((await bringAbout(shell, host.resource(resource))).changes).toEqual([]);
    });

    it('fails with rpm’s own message', async () => {
      const { answer, left } = await bringAbout(shell, hostWith().resource(resource));
      expect(answer).toEqual({ status: 1, words: `error: ${work.at('/etc/pki/rpm-gpg/K')}: import read failed(2).\n` });
      expect(left).toEqual([change]);
    });

    it('sees no key when there is no key or no rpm', async () => {
      expect(await observe(shell, hostWith().resource(resource))).toEqual([]);
      expect(await observe(shell, new MadeUpHost({ root: work.path, programs: { rpm: 'exit 127' } }).resource(resource))).toEqual([]);
    });
  });
});
