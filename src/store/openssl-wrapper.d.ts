/** The part of openssl-wrapper that is used; the package brings no types of its own. */
declare module 'openssl-wrapper' {
  import type { ChildProcess } from 'node:child_process';

  type Options = Record<string, string | boolean | readonly string[]>;
  export type Callback = (error: (Error & { code?: number }) | null, output: Buffer) => void;

  export function exec(action: string, options: Options, callback: Callback): ChildProcess;
  export function exec(action: string, input: Buffer, options: Options, callback: Callback): ChildProcess;
}
