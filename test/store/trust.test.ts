import { describe, expect, it } from 'vitest';
import { FIRST_TRUST, nextName, phaseOf, readTrust, splitBundle, takeStep, type RotationStep, type Trust } from '../../src/store/trust.js';

const TRUST: Trust = { issuing: 'ca', trusted: ['ca', 'ca-2'] };
const ISSUE: Trust = { issuing: 'ca-2', trusted: ['ca', 'ca-2'] };
const DROP: Trust = { issuing: 'ca-2', trusted: ['ca-2'], retiring: 'ca' };
const ROTATED: Trust = { issuing: 'ca-2', trusted: ['ca-2'] };

describe('a rotation', () => {
  it.each([
    { from: FIRST_TRUST, step: 'trust', to: TRUST, phase: 'trust' },
    { from: TRUST, step: 'issue', to: ISSUE, phase: 'issue' },
    { from: ISSUE, step: 'drop', to: DROP, phase: 'drop' },
    { from: DROP, step: 'finish', to: ROTATED, phase: undefined },
    { from: FIRST_TRUST, step: 'replace', to: DROP, phase: 'drop' },
  ] as const)('proceeds to $step', ({ from, step, to, phase }) => {
    expect(takeStep(from, step, 'ca-2')).toEqual(to);
    expect(phaseOf(to)).toBe(phase);
  });

  it.each<{ from: Trust; step: RotationStep }>([
    { from: FIRST_TRUST, step: 'issue' },
    { from: FIRST_TRUST, step: 'drop' },
    { from: FIRST_TRUST, step: 'finish' },
    { from: TRUST, step: 'trust' },
    { from: TRUST, step: 'drop' },
    { from: ISSUE, step: 'finish' },
    { from: DROP, step: 'trust' },
  ])('skips no phase: $step of $from', ({ from, step }) => {
    expect(() => takeStep(from, step, 'ca-3')).toThrow(expect.objectContaining({ kind: 'store/rotation-step' }) as Error);
  });

  it.each([
    { known: ['ca'], next: 'ca-2' },
    { known: ['ca', 'ca-2', 'ca-10'], next: 'ca-11' },
  ])('gives $next after $known', ({ known, next }) => expect(nextName(known)).toBe(next));
});

describe('splitBundle', () => {
  const one = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  const two = one.replace('MIIB', 'MIIC');

  it.each([
    { title: 'one', text: one, blocks: [one] },
    { title: 'two', text: one + two, blocks: [one, two] },
    { title: 'blank lines around', text: `\n${one}\n${two}\n`, blocks: [one, two] },
    { title: 'nothing', text: '', blocks: undefined },
    { title: 'something else', text: `${one}# mine\n`, blocks: undefined },
    { title: 'a key beside it', text: `${one}-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n`, blocks: undefined },
    { title: 'a block without its end', text: `${one}-----BEGIN CERTIFICATE-----\nMIIC\n`, blocks: undefined },
  ])('reads $title', ({ text, blocks }) => expect(splitBundle(text)).toEqual(blocks));
});

describe('readTrust', () => {
  it('treats a cluster without the file as never rotated', () => expect(readTrust(undefined, 'f')).toEqual(FIRST_TRUST));

  it.each([TRUST, DROP, ROTATED])('reads %j', (trust) => expect(readTrust(JSON.stringify(trust), 'f')).toEqual(trust));

  it.each([
    '',
    '{',
    '{}',
    '[]',
    'null',
    '{"issuing":"ca","trusted":[]}',
    '{"issuing":"../ca","trusted":["ca"]}',
    '{"issuing":"ca","trusted":["ca"],"retiring":5}',
  ])('refuses %j', (text) => {
    expect(() => readTrust(text, '/store/authorities.json')).toThrow(/\/store\/authorities\.json/u);
  });
});
