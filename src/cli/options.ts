import type { Aim } from '../plan/shape.js';

/** Options that every command with an inventory has. */
export interface CommonOptions {
  set?: string[];
  host?: string[];
}

/** Options of commands that go to hosts. */
export interface OutputOptions extends CommonOptions {
  role?: string[];
  output?: 'tree' | 'plain' | 'json';
}

/** The hosts and roles a command is aimed at. */
export function aimOf(options: { host?: string[]; role?: string[] }): Aim {
  return {
    ...(options.host === undefined ? {} : { hosts: options.host }),
    ...(options.role === undefined ? {} : { roles: options.role }),
  };
}
