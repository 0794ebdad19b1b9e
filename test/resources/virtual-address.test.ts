import { describe, expect, it } from 'vitest';
import { foreignAddress, virtualAddress } from '../../src/resources/virtual-address.js';

const answer = (text: string): { status: number; out: Buffer } => ({ status: 0, out: Buffer.from(text) });

describe('a virtual address', () => {
  it('is seen among the addresses of a host', () => {
    const text =
      'address lo 127.0.0.1/8\naddress eth0 10.0.0.1/24\naddress eth0 10.0.0.100/32\ninterface eth0 1 up\ninterface lo 1 unknown\ninterface eth1 0 down\ninterface eth2 1 lowerlayerdown\nin-force\nstate FAULT\n';
    expect(virtualAddress('pgprov-01234567').parse(answer(text))).toEqual({
      addresses: [
        { interface: 'lo', address: '127.0.0.1', prefix: 8 },
        { interface: 'eth0', address: '10.0.0.1', prefix: 24 },
        { interface: 'eth0', address: '10.0.0.100', prefix: 32 },
      ],
      interfaces: ['eth0', 'lo', 'eth1', 'eth2'],
      down: ['eth1', 'eth2'],
      inForce: true,
      state: 'FAULT',
    });
    expect(virtualAddress('pgprov-01234567').parse(answer(''))).toEqual({ addresses: [], interfaces: [], down: [], inForce: false });
  });

  it.each([
    { text: 'ours\n', state: { answer: 'ours' } },
    { text: 'silent \n', state: { answer: 'silent' } },
    { text: 'answers 02:42:ac:11:00:09\n', state: { answer: 'answers', hardware: '02:42:ac:11:00:09' } },
    { text: 'unknown\n', state: { answer: 'unknown' } },
    { text: '', state: { answer: 'unknown' } },
  ])('is somebody’s or nobody’s by $text', ({ text, state }) =>
    expect(foreignAddress('10.0.0.100', '/etc/keepalived/keepalived.conf', '# ours').parse(answer(text))).toEqual(state),
  );
});
