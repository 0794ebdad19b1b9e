import { expect, it } from 'vitest';

import { Login } from '../../src/transport/login.js';
import {
  type Attempted,
  connectFailure,
  connectionLost,
  endpointName,
  forwardFailure,
  type Phase,
} from '../../src/transport/ssh-errors.js';

const endpoint = { address: '10.0.0.1', port: 22, user: 'admin' };

function attempt(phase: Phase, via?: string): Attempted {
  return { endpoint, host: 'db1', phase, via, seconds: 15, login: new Login() };
}

const errorWith = (message: string, more: object): Error => Object.assign(new Error(message), more);

it.each<[string, Phase, Error]>([
  ['ssh/no-route', 'tcp', errorWith('connect EHOSTUNREACH', { code: 'EHOSTUNREACH', level: 'client-socket' })],
  ['ssh/no-route', 'tcp', errorWith('connect ENETUNREACH', { code: 'ENETUNREACH', level: 'client-socket' })],
  ['ssh/timeout', 'tcp', errorWith('connect ETIMEDOUT', { code: 'ETIMEDOUT', level: 'client-socket' })],
  ['ssh/timeout', 'tcp', errorWith('Timed out while waiting for handshake', { level: 'client-timeout' })],
  ['ssh/name-not-resolved', 'tcp', errorWith('getaddrinfo EAI_AGAIN', { code: 'EAI_AGAIN', level: 'client-socket' })],
  ['ssh/handshake', 'handshake', errorWith('read ECONNRESET', { code: 'ECONNRESET', level: 'client-socket' })],
  ['ssh/handshake', 'handshake', errorWith('Handshake failed: no matching key exchange algorithm', { level: 'handshake' })],
  ['ssh/auth-failed', 'login', errorWith('Too many authentication failures', { code: 2 })],
])('%s while in %s: %s', (kind, phase, cause) => {
  const error = connectFailure(cause, attempt(phase));
  expect(error).toMatchObject({ kind, host: 'db1', exitCode: 3, cause });
  expect(error.message).toContain('db1 (admin@10.0.0.1:22)');
  expect(error.hint).toBeTruthy();
});

it.each([
  ['ssh/refused', 'Connection refused'],
  ['ssh/no-route', 'No route to host'],
  ['ssh/timeout', 'Connection timed out'],
  ['ssh/name-not-resolved', 'Name or service not known'],
  ['ssh/jump-failed', 'open failed'],
])('%s when the jump host says %s', (kind, words) => {
  const error = forwardFailure(new Error(`(SSH) Channel open failure: ${words}`), attempt('tcp', 'ops@bastion:22'));
  expect(error.kind).toBe(kind);
  expect(error.message).toContain('through ops@bastion:22');
});

it('a lost connection and an IPv6 address are named', () => {
  expect(connectionLost(endpoint, 'db1', new Error('read ECONNRESET')).message).toContain('ECONNRESET');
  expect(endpointName({ ...endpoint, address: 'fe80::1' })).toBe('admin@[fe80::1]:22');
});
