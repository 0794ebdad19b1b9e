import { describe, expect, it } from 'vitest';
import { UnreachableError } from '../../src/lib/errors.js';
import type { PingedHost, Reached } from '../../src/report/ping.js';
import { renderPing } from '../../src/report/ping-text.js';
import { widestOf } from '../../src/report/width.js';

const reached: Reached = {
  authentication: 'key /home/op/.ssh/id_ed25519',
  hostKey: { type: 'ssh-ed25519', fingerprint: 'SHA256:x', file: '/home/op/.ssh/known_hosts', line: 7 },
  connectMs: 81.6,
  roundTripMs: 0.2,
  system: 'debian 13 x86_64',
  clockOffsetMs: 40,
};

function host(more: Partial<PingedHost> = {}): PingedHost {
  return { name: 'pg1', endpoint: '192.0.2.1:22', via: [], user: 'admin', become: 'sudo', reached, ...more };
}

function failed(more: Partial<PingedHost> = {}): PingedHost {
  const { reached: _, ...bare } = host(more);
  return {
    ...bare,
    error: new UnreachableError({
      kind: 'ssh/refused',
      message: 'cannot connect to pg1: nothing listens',
      hint: 'check the port',
      host: 'pg1',
    }),
  };
}

const LONG = new UnreachableError({
  kind: 'ssh/refused',
  host: 'pg3',
  message: 'cannot connect to pg3: '.concat('so it goes on '.repeat(9)),
});

const render = (...hosts: PingedHost[]): string => renderPing(hosts, { color: false, home: '/home/op' });

describe('ping', () => {
  it('shows which hosts were reached, the home directory as ~, and no columns without information', () => {
    expect(
      render(host()),
    ).toBe(`host  address       as                    login via              host key                           connect  answer  system            clock
pg1   192.0.2.1:22  admin → root by sudo  key ~/.ssh/id_ed25519  ssh-ed25519, ~/.ssh/known_hosts:7    82 ms    1 ms  debian 13 x86_64   ±0 s

✔ the host answers`);
  });

  it.each([40, 80, 120])('fits a terminal of %d columns without leaving anything out', (columns) => {
    const text = renderPing([host(), host({ name: 'pg2' }), { ...failed(), error: LONG }], { color: false, home: '/home/op', columns });
    expect(widestOf(text.split('\n'))).toBeLessThanOrEqual(columns);
    expect(text.replaceAll(/,?\n {2}/gu, ', ')).toContain(
      'pg2, address 192.0.2.1:22, as admin → root by sudo, login via key ~/.ssh/id_ed25519, host key ssh-ed25519, ~/.ssh/known_hosts:7, connect 82 ms, answer 1 ms, system debian 13 x86_64, clock ±0 s',
    );
  });

  it('names jump hosts, root logins, new host keys and clocks that differ', () => {
    const fresh = { type: 'ssh-rsa', fingerprint: 'SHA256:y', file: '/k' };
    const text = render(
      host(),
      host({
        name: 'pg2',
        via: ['a@b:22', 'c@d:22'],
        user: 'root',
        become: 'none',
        reached: { ...reached, hostKey: fresh, clockOffsetMs: -3_600_000, connectMs: 12_345 },
      }),
    );
    expect(text).toMatch(
      /^pg2 +192\.0\.2\.1:22 +a@b:22, c@d:22 +root +key \S+ +ssh-rsa, new in \/k +12 s +1 ms +debian 13 x86_64 +-3600\.0 s$/mu,
    );
    expect(text).toContain('✔ all 2 hosts answer');
  });

  it('says what is wrong with the other hosts, and what to do', () => {
    const text = render(host({ name: 'pg2' }), failed({ via: ['a@b:22'] }));
    expect(text).toContain('✖ pg1  admin@192.0.2.1:22 via a@b:22\n  cannot connect to pg1: nothing listens\n  → check the port');
    expect(text).toMatch(/✖ 1 of 2 hosts cannot be used$/u);
    expect(render(failed())).toMatch(/^✖ pg1 /u);
  });
});
