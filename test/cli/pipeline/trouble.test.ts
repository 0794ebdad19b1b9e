import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { tellTrouble } from '../../../src/cli/pipeline/trouble.js';
import { displayWidth } from '../../../src/report/width.js';

describe('what is told on stderr of a run without a report', () => {
  it('fits beside the ^C that a terminal has shown', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 60 });
    const hosts = ['pg1', 'pg2', 'pg3'].map((host) => ({ host }));
    tellTrouble(stream as unknown as NodeJS.WriteStream, ['warning'])({ type: 'interrupted', how: 'interrupted', underWay: hosts });
    const lines = String(stream.read()).split('\n');
    expect(lines[0]).toContain('warning:');
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(58);
  });
});
