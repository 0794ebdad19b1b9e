/** The system's own errors in words, by their code (errno(3)). */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'no space is left on its file system',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'its name is too long',
  ENFILE: 'too many files are open',
  ENOENT: 'there is no such file',
  ENOEXEC: 'it is no program for this system',
  ENOSPC: 'no space is left on its file system',
  ENOTDIR: 'part of its path is not a directory',
  EPERM: 'it is not permitted',
  EROFS: 'its file system is read-only',
};

/** Why the system did not do something, in words that follow a colon; Node's own text has the code, the call and the path in it. */
export function systemReason(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const words = WORDS[code];
  if (words !== undefined) return words;
  return message.replace(/^E[A-Z0-9]+: /u, '').replace(/, [a-z]+(?: '.*')?$/su, '');
}
