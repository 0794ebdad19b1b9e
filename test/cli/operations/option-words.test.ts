import { describe, expect, it } from 'vitest';
import { operationWords } from '../../../src/cli/operations/option-words.js';
import { OPERATIONS } from '../../../src/operations/index.js';
import type { Operation } from '../../../src/plan/operation.js';

const named = (name: string): Operation => OPERATIONS.find((operation) => operation.name === name) as Operation;

describe('the words of an operation', () => {
  it.each<{ name: string; given: Record<string, unknown>; words: string }>([
    { name: 'switchover', given: {}, words: 'switchover' },
    { name: 'switchover', given: { to: 'pg2' }, words: 'switchover --to pg2' },
    { name: 'certs renew', given: { within: 30 }, words: 'certs renew' },
    { name: 'certs renew', given: { within: 90, ca: true }, words: 'certs renew --within 90 --ca' },
    { name: 'certs renew', given: { within: 30, ca: true, all: false }, words: 'certs renew --ca' },
    { name: 'secrets rotate', given: { name: 'replication' }, words: 'secrets rotate replication' },
  ])('are $words', ({ name, given, words }) => {
    expect(operationWords(named(name), given)).toBe(words);
  });
});
