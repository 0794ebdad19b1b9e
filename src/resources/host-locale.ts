import { sh, type Script } from '../shell/quote.js';
import { defineDnf } from './dnf.js';
import { DEFAULT_LOCK_TIMEOUT } from './packages-state.js';
import { answerLines, digestOf, UnknownAnswer, type Resource } from './resource.js';

/** Whether a host has a locale: it works, the system knows how to make it, it knows none of that name, or does not say. */
export type LocaleState = 'works' | 'known' | 'unknown' | 'unsaid';

const STATES: readonly string[] = ['works', 'known', 'unknown', 'unsaid'] satisfies LocaleState[];

/** A locale that a host is to have. */
export interface LocaleOptions {
  /** As initdb takes it: `de_DE.UTF-8`. */
  locale: string;
  manager: 'apt' | 'dnf';
  /** What lets pgprov make it, as `postgresql.generate_locale`. */
  allowedBy: string;
  /** Whether it does. */
  allowed: boolean;
  /** Seconds to wait for somebody else's package manager; default 300. */
  lockTimeout?: number;
}

/** The locales that Debian's `locales` can make, one a line, with the character set after a blank. */
const SUPPORTED = '/usr/share/i18n/SUPPORTED';

/** Locales that glibc has without any package. */
const BUILT_IN = /^(?:C|POSIX|C\.utf-?8)$/iu;

/** Whether every host has the locale by itself. */
export function isBuiltIn(locale: string): boolean {
  return BUILT_IN.test(locale);
}

/** A locale of glibc, made by locale-gen on Debian and brought by a package of its language on EL. */
export function hostLocale(options: LocaleOptions): Resource<LocaleState> {
  const { locale, manager, allowed, allowedBy, lockTimeout = DEFAULT_LOCK_TIMEOUT } = options;
  const id = `locale:${locale}`;
  const listed = listedAs(locale);
  return {
    id,
    // What setlocale refuses is complained of on stderr; the exit code is 0 all the same.
    probe: () => sh`if [ -z "$(LC_ALL=${locale} locale charmap 2>&1 >/dev/null)" ]; then echo works
elif [ ! -r ${SUPPORTED} ]; then echo unsaid
elif grep -q ${`^${listed.replaceAll('.', '\\.')} `} ${SUPPORTED}; then echo known
else echo unknown
fi`,
    parse: (answer) => {
      const [state = ''] = answerLines(answer);
      if (!STATES.includes(state)) throw new UnknownAnswer(id, answer);
      return state as LocaleState;
    },
    diff: (state) => (state === 'works' ? [] : [{ action: 'create', summary: `generate the locale ${locale}` }]),
    obstacle: (state) => {
      if (!allowed)
        return {
          what: `the locale ${locale} is not there, and ${allowedBy} is off`,
          advice: `make the locale on the host, let pgprov do it with ${allowedBy}, or set postgresql.locale to one that \`locale -a\` lists there`,
        };
      if (state !== 'unknown' || manager === 'dnf') return undefined;
      return {
        what: `the system knows no locale ${locale}`,
        advice: `set postgresql.locale to one of ${SUPPORTED} there, such as en_US.UTF-8`,
      };
    },
    apply: () => (manager === 'apt' ? generate(listed) : install(locale, lockTimeout)),
    digest: () => digestOf(id),
  };
}

/** UTF-8 has several spellings for setlocale, and one in the list of locales. */
function listedAs(locale: string): string {
  return locale.replace(/\.utf-?8(?=$|@)/iu, '.UTF-8');
}

function generate(listed: string): Script {
  return sh`entry=$(grep -m 1 ${`^${listed.replaceAll('.', '\\.')} `} ${SUPPORTED} 2>/dev/null) || {
if [ -r ${SUPPORTED} ]; then printf '%s\n' ${`the system knows no locale ${listed}; those that it knows are in ${SUPPORTED}`}
else echo 'the package locales, which can make the locale, is not installed'; fi
exit 1
}
grep -qxF "$entry" /etc/locale.gen 2>/dev/null || printf '%s\n' "$entry" >>/etc/locale.gen
said=$(locale-gen 2>&1) || { printf '%s\n' "$said" | tail -n 5; exit 1; }`;
}

function install(locale: string, lockTimeout: number): Script {
  return sh`${defineDnf(lockTimeout)}
trap 'rm -f "$dnf_log"' EXIT
run_dnf --setopt=install_weak_deps=False install ${`glibc-langpack-${/^[A-Za-z]+/u.exec(locale)?.[0] ?? locale}`} || { explain_dnf; exit 1; }`;
}
