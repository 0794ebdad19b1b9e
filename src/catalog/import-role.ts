import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { shownPath } from '../lib/shown-path.js';
import { withoutTypes } from './module-hooks.js';
import { filesOfRoles, type RoleFile } from './role-files.js';

/**
 * What the module of a role exports by default.
 * @throws Error whose message begins with the place, when the module cannot be loaded
 */
export async function importRole({ path, directory }: RoleFile): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    return module.default;
  } catch (thrown) {
    throw new Error(`${placeOf(thrown, directory) ?? shownPath(path)}: ${firstLine(thrown, directory)}`, { cause: thrown });
  }
}

/** Where below a directory an error was made, as `file:line:column` or `file:line`; undefined when it was made elsewhere. */
export function placeOf(thrown: unknown, directory: string): string | undefined {
  const { message = '', stack = '' } = thrown as Partial<Error>;
  for (const text of [message, stack]) {
    const [, url = '', position = ''] = /((?:file:\/\/)?\/[^\s()'"]*?\.m?[jt]s)((?::\d+){1,2})/u.exec(textBelow(text, directory)) ?? [];
    if (url !== '') return `${shownPath(url.startsWith('file:') ? fileURLToPath(url) : url)}${position}`;
  }
  // Node does not tell the line of JavaScript that it cannot even read.
  return thrown instanceof SyntaxError ? syntaxError(directory)?.place : undefined;
}

function firstLine(thrown: unknown, directory: string): string {
  const { message = String(thrown) } = thrown as Partial<Error>;
  const [line = ''] = message.replace(/^\/.*?\.m?ts:\d+:\d+: /u, '').split('\n');
  return thrown instanceof SyntaxError ? `cannot be read: ${line}` : line.replaceAll(directory, shownPath(directory));
}

/** The lines that name something below the directory. */
function textBelow(text: string, directory: string): string {
  const names = [directory, pathToFileURL(directory).href];
  return text
    .split('\n')
    .filter((line) => names.some((name) => line.includes(`${name}/`)))
    .join('\n');
}

function syntaxError(directory: string): { place: string } | undefined {
  for (const file of filesOfRoles([directory]).filter((name) => /\.m?js$/u.test(name))) {
    try {
      withoutTypes(readFileSync(file, 'utf8'), file);
    } catch (thrown) {
      const [, position = ''] = /^.*?\.m?js((?::\d+){2}): /u.exec((thrown as Error).message) ?? [];
      return { place: `${shownPath(file)}${position}` };
    }
  }
  return undefined;
}
