import { describe, expect, it } from 'vitest';
import { hostLocale, isBuiltIn, type LocaleState } from '../../src/resources/host-locale.js';
import { feed, HOST_SHELLS, inEveryShell } from '../support/shells.js';

const options = { locale: 'de_DE.utf8', manager: 'apt', allowedBy: 'postgresql.generate_locale', allowed: true } as const;

describe('a locale of a host', () => {
  it.each(['C', 'POSIX', 'C.UTF-8', 'C.utf8'])('is there by itself: %s', (locale) => expect(isBuiltIn(locale)).toBe(true));
  it.each(['de_DE.UTF-8', 'en_US.utf8', 'C.ISO-8859-1'])('may be missing: %s', (locale) => expect(isBuiltIn(locale)).toBe(false));

  it('is generated where it does not work', () => {
    const { diff } = hostLocale(options);
    expect(diff('works')).toEqual([]);
    for (const state of ['known', 'unknown', 'unsaid'] as const)
      expect(diff(state)).toEqual([{ action: 'create', summary: 'generate the locale de_DE.utf8' }]);
  });

  it.each<{ title: string; with: Partial<Parameters<typeof hostLocale>[0]>; state: LocaleState; says: string | undefined }>([
    { title: 'is known', with: {}, state: 'known', says: undefined },
    { title: 'nobody can say before its package is there', with: {}, state: 'unsaid', says: undefined },
    { title: 'is unknown', with: {}, state: 'unknown', says: 'the system knows no locale de_DE.utf8' },
    { title: 'comes with a package', with: { manager: 'dnf' }, state: 'unknown', says: undefined },
    {
      title: 'must not be made',
      with: { allowed: false },
      state: 'known',
      says: 'the locale de_DE.utf8 is not there, and postgresql.generate_locale is off',
    },
  ])('refuses a run before its first change where it $title', ({ with: more, state, says }) => {
    expect(hostLocale({ ...options, ...more }).obstacle?.(state, new Map())?.what).toBe(says);
  });

  it('is made as Debian lists it, and comes with the package of its language on EL', () => {
    expect(hostLocale(options).apply([], 'known').text).toContain("'^de_DE\\.UTF-8 '");
    expect(hostLocale({ ...options, manager: 'dnf' }).apply([], 'unsaid').text).toContain('install glibc-langpack-de');
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      { locale: 'C.UTF-8', answers: ['works'] },
      { locale: 'xx_YY.UTF-8', answers: ['unknown', 'unsaid'] },
    ])('is asked for by the C library itself: $locale', async ({ locale, answers }) => {
      const { code, out } = await feed(shell, hostLocale({ ...options, locale }).probe().text, { env: process.env });
      expect(code).toBe(0);
      expect(answers).toContain(out.toString('utf8').trim());
    });
  });
});
