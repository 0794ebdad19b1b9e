import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { patroniFile } from '../../src/resources/patroni/file.js';
import { freshDirectory } from '../support/directory.js';

describe('whether Patroni can read its file', () => {
  const work = freshDirectory();
  const program = (name: string, text: string): void => {
    mkdirSync(work.at('bin'), { recursive: true });
    writeFileSync(work.at('bin', name), text);
    chmodSync(work.at('bin', name), 0o755);
  };
  const asked = (): unknown => {
    const observation = patroniFile('/etc/patroni.yml');
    const out = execFileSync('/bin/sh', ['-c', observation.probe().text], {
      env: { PATH: `${work.at('bin')}:/usr/bin:/bin` },
    });
    return observation.parse({ status: 0, out });
  };

  it.each(['#!', '#! '])('is asked of the Python that Patroni begins with after %j', (mark) => {
    program('python', `#!/bin/sh\n[ "$1" = -c ] && echo "$3: expected a ]"\n`);
    program('patroni', `${mark}${work.at('bin', 'python')} -sP\n`);
    expect(asked()).toBe('/etc/patroni.yml: expected a ]');
  });

  it('is not asked where that is not there', () => {
    program('patroni', '#! /nowhere/python\n');
    expect(asked()).toBe(undefined);
    rmSync(work.at('bin', 'patroni'));
  });
});
