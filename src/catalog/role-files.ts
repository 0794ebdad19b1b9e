import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../lib/errors.js';
import { shownPath } from '../lib/shown-path.js';
import { systemReason } from '../lib/system-reason.js';

/** A file that holds a role, or an operation. */
export interface RoleFile {
  /** Its real path. */
  path: string;
  /** The directory of `rolesPath` it is in, by its real path. */
  directory: string;
  /** The file's name without its extension, which is that of the role or the operation. */
  name: string;
}

/** Declarations and tests may lie beside the roles. */
const ROLE_FILE = /^(?!.*\.(?:d|test|spec)\.m?[jt]s$)(?<name>.+)\.m?[jt]s$/u;

/** Modules that somebody else installed, and what tools keep. */
const ELSEWHERE = /^(?:node_modules|\..*)$/u;

/**
 * The role files of directories: what lies in them directly. Subdirectories are for what roles share, and for templates.
 * @throws InputError when a directory is not there, or when everyone may write to what is in it
 */
export function findRoleFiles(directories: readonly string[]): RoleFile[] {
  return directories.flatMap((directory) => {
    const real = realDirectory(directory);
    assertNotOpen(real);
    return filesIn(real, real);
  });
}

/** Beside the roles in a directory of `rolesPath`. */
const OPERATIONS = 'operations';

/**
 * The operation files of directories: what lies in the subdirectory `operations` of each, where it has one.
 * @throws InputError as for roles
 */
export function findOperationFiles(directories: readonly string[]): RoleFile[] {
  return directories.flatMap((directory) => {
    const real = realDirectory(directory);
    assertNotOpen(real);
    const own = join(real, OPERATIONS);
    return statSync(own, { throwIfNoEntry: false })?.isDirectory() === true ? filesIn(own, real) : [];
  });
}

function filesIn(place: string, directory: string): RoleFile[] {
  return readdirSync(place)
    .sort()
    .flatMap((entry) => {
      const name = ROLE_FILE.exec(entry)?.groups?.['name'];
      return name === undefined || ELSEWHERE.test(entry) ? [] : [{ path: join(place, entry), directory, name }];
    });
}

/** All files below the directories that may be part of their roles, in order; not what packages brought. */
export function filesOfRoles(directories: readonly string[]): string[] {
  return directories.flatMap((directory) => filesBelow(directory)).sort();
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (ELSEWHERE.test(entry.name)) return [];
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function realDirectory(directory: string): string {
  try {
    const real = realpathSync(directory);
    if (statSync(real).isDirectory()) return real;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw unusable(
      directory,
      code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such directory' : `cannot be read: ${systemReason(cause)}`,
      'paths are relative to the inventory file',
    );
  }
  throw unusable(directory, 'is a file', 'name the directory that the role files are in');
}

function unusable(path: string, message: string, hint: string): InputError {
  return new InputError({ kind: 'roles/unusable', message: `rolesPath: ${shownPath(path)}: ${message}`, hint });
}

const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/** Whoever may write there runs code with the rights of the user of pgprov, and becomes root on every host. */
function assertNotOpen(directory: string): void {
  const inside = [directory, ...filesOfRoles([directory]).flatMap((file) => [file, dirname(file)])];
  const open = inside.find((path) => (statSync(path).mode & WRITABLE_BY_ALL) !== 0) ?? openParent(directory);
  if (open === undefined) return;
  throw unusable(
    open,
    'everyone may write to it, and so run code here as you',
    `chmod o-w ${shownPath(open)}, after a look at what is in ${basename(directory)}`,
  );
}

/** In a directory like /tmp only a file's owner may put another in its place. */
function openParent(path: string): string | undefined {
  const parent = dirname(path);
  if (parent === path) return undefined;
  const { mode } = statSync(parent);
  return (mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0 ? parent : openParent(parent);
}
