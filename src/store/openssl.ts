import { exec, type Callback } from 'openssl-wrapper';
import { PgprovError } from '../lib/errors.js';

/** Options of an openssl command, without the dash; `true` for a flag. */
export type OpensslOptions = Record<string, string | true>;

/**
 * Runs one openssl command and gives its output. Flags go into `options`, because the wrapper judges some
 * dotted actions by words that only OpenSSL 1 printed.
 * @throws PgprovError `openssl/missing` or `openssl/failed`
 */
export function openssl(action: string, options: OpensslOptions, input?: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const finish: Callback = (error, output) => {
      if (error === null) {
        resolve(output);
        return;
      }
      reject(
        new PgprovError({
          kind: 'openssl/failed',
          message: `openssl ${action} failed: ${error.message.trim()}`,
          hint: 'pgprov needs OpenSSL 1.1.1 or later on this machine',
          cause: error,
        }),
      );
    };
    const child = input === undefined ? exec(action, options, finish) : exec(action, input, options, finish);
    // A command that fails before it has read its input breaks the pipe; its own words are the better reason.
    child.stdin?.on('error', () => undefined);
    child.on('error', (cause) => {
      reject(
        new PgprovError({
          kind: 'openssl/missing',
          message: `openssl cannot be run on this machine: ${cause.message}`,
          hint: 'install the openssl package; pgprov makes the cluster’s certificates with it',
          cause,
        }),
      );
    });
  });
}
