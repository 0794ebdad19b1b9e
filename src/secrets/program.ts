import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../lib/errors.js';

/**
 * The path of a program, found in PATH as a shell would.
 * @param program as written; one with a slash in it is a path
 * @param resolvePath makes a path as written absolute
 * @throws InputError `secrets/no-program`
 */
export function findProgram(program: string, resolvePath: (path: string) => string, env: NodeJS.ProcessEnv): string {
  if (program.includes('/')) {
    const path = resolvePath(program);
    if (isProgram(path)) return path;
    throw new InputError({
      kind: 'secrets/no-program',
      message: `${program} is not a program that can be run here`,
      hint: 'correct its path, or run chmod +x on it',
    });
  }
  const found = (env['PATH'] ?? '')
    .split(':')
    .map((directory) => join(directory === '' ? '.' : directory, program))
    .find(isProgram);
  if (found !== undefined) return found;
  throw new InputError({
    kind: 'secrets/no-program',
    message: `there is no program ${program} on this machine`,
    hint: 'install it, or add its directory to PATH',
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
