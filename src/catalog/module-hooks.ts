import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Hooks of Node's module loader for the modules of roles: `pgprov` is the program that runs, whatever is installed beside
 * them, TypeScript loses its types, and everything is an ES module. They serve as synchronous hooks and, in older
 * versions of Node, in a thread of their own.
 */

/** What the hooks are told when they are installed, and again for more directories. */
export interface HookData {
  /** URL of the public API of the program that runs. */
  api: string;
  /** URLs of directories, with a slash at the end; what is not below one of them is left alone. */
  directories: readonly string[];
}

interface Context {
  parentURL?: string | undefined;
}

interface Loaded {
  format: string;
  source: string;
  shortCircuit: true;
}

const directories = new Set<string>();
let api = '';

/** Takes the directories that the hooks are for. */
export function initialize(data: HookData): void {
  api = data.api;
  for (const directory of data.directories) directories.add(directory);
}

/** Finds `pgprov`, and `x.ts` where `./x.js` is written, as TypeScript wants it. */
export function resolve<Result>(specifier: string, context: Context, next: (specifier: string, context?: Context) => Result): Result {
  const { parentURL = '' } = context;
  if (!isOurs(parentURL)) return next(specifier, context);
  if (specifier === 'pgprov') return next(api, context);
  const wanted = /^\.{1,2}\/.*\.m?js$/u.test(specifier) ? new URL(specifier, parentURL) : undefined;
  const written = specifier.replace(/js$/u, 'ts');
  const isWritten = wanted !== undefined && !existsSync(wanted) && existsSync(new URL(written, parentURL));
  return next(isWritten ? written : specifier, context);
}

/**
 * Reads a module of a role.
 * @throws SyntaxError that begins with `file:line:column` for TypeScript that cannot be read
 */
export function load<Result>(url: string, context: object, next: (url: string, context?: object) => Result): Result | Loaded {
  const [, extension] = /\.(m?[jt]s)$/u.exec(url) ?? [];
  if (extension === undefined || !isOurs(url)) return next(url, context);
  const file = fileURLToPath(url);
  const text = readFileSync(file, 'utf8');
  return { format: 'module', source: extension.endsWith('ts') ? withoutTypes(text, file) : text, shortCircuit: true };
}

function isOurs(url: string): boolean {
  return !url.includes('/node_modules/') && [...directories].some((directory) => url.startsWith(directory));
}

/** What the compiler throws instead of an Error. */
interface CompilerMessage {
  message: string;
  /** 1-based. */
  startLine?: number;
  /** 0-based. */
  startColumn?: number;
}

/**
 * JavaScript of TypeScript, every token at its place: types are blanked out, and nothing else is touched.
 * @throws SyntaxError that begins with `file:line:column`
 */
export function withoutTypes(text: string, file: string): string {
  // Some megabytes that only roles in TypeScript need.
  const { transformSync } = createRequire(import.meta.url)('@swc/wasm-typescript') as typeof import('@swc/wasm-typescript');
  try {
    return transformSync(text, { mode: 'strip-only', filename: file }).code;
  } catch (thrown) {
    const { message, startLine = 1, startColumn = 0 } = thrown as CompilerMessage;
    throw new SyntaxError(`${file}:${startLine}:${startColumn + 1}: ${message}`);
  }
}
