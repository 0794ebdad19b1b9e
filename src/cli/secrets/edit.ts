import { readFile } from 'node:fs/promises';
import { asPgprovError, ExitCode, InputError, type PgprovError } from '../../lib/errors.js';
import { renderError } from '../../report/error-text.js';
import type { SecretStore } from '../../store/secret-store.js';
import { errorLook } from '../colors.js';
import { canAsk, confirm } from '../pipeline/confirm.js';
import { runEditor } from './editor.js';
import { withStore, type StoreOptions } from './opening.js';
import { withPrivateFile } from './private-copy.js';

/** `pgprov secrets edit`: the whole store in an editor. */
export async function editStore(options: StoreOptions): Promise<ExitCode> {
  const isChanged = await withStore(options, (store) =>
    withPrivateFile('secrets.yml', store.text(), async (path, signal) => {
      for (;;) {
        await runEditor(path, signal);
        const text = await readText(path);
        if (text === store.text()) return false;
        const failure = await trySaving(store, text, signal);
        if (failure === undefined) return true;
        if (!canAsk()) throw failure;
        process.stderr.write(`${renderError(failure, errorLook(process.stderr))}\n`);
        if (!(await confirm('Edit again? Otherwise the store stays as it was.'))) return false;
      }
    }),
  );
  const hint = isChanged ? '' : ' (an editor with a window needs its option to wait, such as `code --wait`)';
  process.stdout.write(`${options.file} ${isChanged ? 'is changed' : `stays as it was${hint}`}\n`);
  return ExitCode.done;
}

async function trySaving(store: SecretStore, text: string, signal: AbortSignal): Promise<PgprovError | undefined> {
  try {
    store.replace(text);
    signal.throwIfAborted();
    await store.save();
    return undefined;
  } catch (error) {
    const known = asPgprovError(error);
    if (known.exitCode !== ExitCode.badInput) throw known;
    return known;
  }
}

async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (cause) {
    const what = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'the editor left no file' : 'what the editor left is not UTF-8 text';
    throw new InputError({ kind: 'secrets/content', message: `${what}; the store stays as it was`, cause });
  }
}
