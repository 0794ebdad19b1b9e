import { expect, it } from 'vitest';
import { probeSections } from '../../src/engine/survey.js';
import type { Observation } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';

it('a probe is told what the host answered last, and nothing the first time', () => {
  const large: Observation<string> = { id: 'large', probe: (last = 'nothing') => sh`echo ${last}`, parse: () => '' };
  const asked = (states?: Map<string, unknown>): string[] => probeSections([large], states).map(({ body }) => body.text);
  expect(asked()).toEqual([sh`echo nothing`.text]);
  expect(asked(new Map([['large', 'sum']]))).toEqual([sh`echo sum`.text]);
});
