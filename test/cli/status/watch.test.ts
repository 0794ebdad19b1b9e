import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../src/cli/pipeline/environment.js';
import { essence } from '../../../src/cli/status/changed.js';
import type { Seen } from '../../../src/cli/status/look.js';
import type { StatusOptions } from '../../../src/cli/status/status.js';
import { until } from '../../../src/cli/status/until.js';
import { watch } from '../../../src/cli/status/watch.js';
import { onThreeHosts } from '../three-hosts.js';

/** A host that cannot be reached the first times that it is tried. */
function absentAtFirst(times: number): { readonly unreachable: boolean } {
  let tried = 0;
  return {
    get unreachable() {
      tried += 1;
      return tried <= times;
    },
  };
}

/** Ctrl-C, once what is printed matches. */
function interruptAt(environment: Environment, pattern: RegExp, terminal: object = {}): { environment: Environment; text(): string } {
  const out = Object.assign(new PassThrough(), terminal);
  let text = '';
  let done = false;
  out.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (done || !pattern.test(text)) return;
    done = true;
    process.emit('SIGINT');
  });
  return { environment: { ...environment, out: out as unknown as NodeJS.WriteStream }, text: () => text };
}

describe('pgprov status --watch and --until', () => {
  onThreeHosts((three) => {
    it('waits until nothing is wrong, on the connections that it has', async () => {
      const { exitCode, stdout, stderr, machines } = await three.run(
        (environment) => until(three.inventory, { until: 'healthy', interval: 1, timeout: 60_000 }, environment),
        { machines: { pg2: absentAtFirst(2) } },
      );
      expect([exitCode, stderr]).toEqual([0, '']);
      expect(stdout).toContain('healthy');
      expect(stdout).not.toContain('pg2 refuses');
      expect([machines.count('pg1'), machines.count('pg2'), machines.open.size]).toEqual([3, 1, 0]);
    });

    it('gives up when the time is over, with the problems and the exit code of the last status', async () => {
      const { exitCode, stdout, stderr } = await three.run(
        (environment) => until(three.inventory, { until: 'healthy', timeout: 0, json: true }, environment),
        { machines: { pg2: { unreachable: true } } },
      );
      expect(exitCode).toBe(3);
      expect(JSON.parse(stdout)).toMatchObject({ cluster: 'demo', problems: ['pg2 refuses'] });
      expect(stderr).toBe('after <0.1 s: not known to be healthy: 1 host could not be asked\n');
    });

    it('prints what has changed, one object a line, and ends with 0 at Ctrl-C', async () => {
      let printed = (): string => '';
      const { exitCode, machines } = await three.run(
        (environment) => {
          const tapped = interruptAt(environment, /\n.*"problems":\[\]/u);
          printed = tapped.text;
          return watch(three.inventory, { watch: true, json: true, interval: 1 }, tapped.environment);
        },
        { machines: { pg2: absentAtFirst(3) } },
      );
      const lines = printed().trimEnd().split('\n');
      expect(exitCode).toBe(0);
      expect(lines.map((line) => (JSON.parse(line) as { problems: string[] }).problems)).toEqual([['pg2 refuses'], []]);
      expect(machines.count('pg1')).toBeGreaterThanOrEqual(4);
      expect(machines.open.size).toBe(0);
    });

    it('redraws in place on a terminal, and leaves the last status', async () => {
      let printed = (): string => '';
      const { exitCode } = await three.run((environment) => {
        const tapped = interruptAt(environment, /healthy/u, { isTTY: true, columns: 60, rows: 10 });
        printed = tapped.text;
        return watch(three.inventory, { watch: true, interval: 1 } as StatusOptions, tapped.environment);
      });
      expect(exitCode).toBe(0);
      const [, drawn = '', left = ''] =
        /^\u001b\[\?1049h\u001b\[\?25l([\s\S]*)\u001b\[\?25h\u001b\[\?1049l([\s\S]*)$/u.exec(printed()) ?? [];
      expect(drawn).toMatch(/^\u001b\[H/u);
      expect(drawn).toContain('Ctrl-C ends');
      expect(stripVTControlCharacters(left)).toMatch(/^cluster demo[\s\S]*healthy\n$/u);
    });
  });
});

describe('a change between two status readings', () => {
  const seen = (member: object, problems: string[] = []): Seen =>
    ({ status: { cluster: 'demo', members: [{ name: 'pg2', timeline: 3, ...member }] }, problems, exitCode: 0 }) as unknown as Seen;

  it('is not reported for an amount that moves by itself', () => {
    expect(essence(seen({ lagBytes: 0 }))).toBe(essence(seen({ lagBytes: 512, replayLagBytes: 3, lagSeconds: 2 })));
    expect(essence(seen({}, ['pg2: has 30 MB left to replay']))).toBe(essence(seen({}, ['pg2: has 1.5 GB left to replay'])));
  });

  it('is reported for a timeline, a role, a host', () => {
    expect(essence(seen({ timeline: 4 }))).not.toBe(essence(seen({})));
    expect(essence(seen({}, ['pg2: down']))).not.toBe(essence(seen({}, ['pg3: down'])));
  });
});
