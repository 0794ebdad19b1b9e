import { sh } from '../shell/quote.js';
import { defineDnf } from './dnf.js';
import { DEFAULT_LOCK_TIMEOUT } from './packages-state.js';
import { answerText, digestOf, type Resource } from './resource.js';

/** Whether SELinux is on, and if so whether things are labelled as wanted. */
export type SelinuxState = 'off' | 'right' | 'wrong';

const STATES: ReadonlySet<string> = new Set<SelinuxState>(['off', 'right', 'wrong']);

function parse(text: string): SelinuxState {
  const state = text.trim();
  if (!STATES.has(state)) throw new Error(`SELinux: unknown answer ${JSON.stringify(text)}`);
  return state as SelinuxState;
}

/** Where SELinux is on, sees to semanage, which a minimal installation does not have. */
const withSemanage = sh`${defineDnf(DEFAULT_LOCK_TIMEOUT)}
trap 'rm -f "$dnf_log"' EXIT
if ! command -v semanage >/dev/null 2>&1 && ! run_dnf install policycoreutils-python-utils; then
explain_dnf
exit 1
fi`;

/**
 * A directory whose content has an SELinux type, now and after a relabelling; one that is not there yet gets it by `restorecon` of who makes it.
 * Where SELinux is off nothing is done; it is never switched off or to permissive.
 */
export function selinuxDirectory({ path, type }: { path: string; type: string }): Resource<SelinuxState> {
  const id = `selinux-directory:${path}`;
  // A slash at the end would make a pattern that matches nothing, and semanage takes no blank.
  const pattern = `${path
    .replace(/\/+$/u, '')
    .replace(/[.\\+*?[\](){}^$|]/gu, '\\$&')
    .replaceAll(' ', '[[:space:]]')}(/.*)?`;
  return {
    id,
    probe: () => sh`if ! selinuxenabled 2>/dev/null; then echo off
elif matchpathcon -n ${path} 2>/dev/null | grep -q ${`:${type}:`} && [ -z "$(restorecon -n -v ${path} 2>/dev/null)" ]; then echo right
else echo wrong; fi`,
    parse: (answer) => parse(answerText(answer)),
    diff: (state) => (state === 'wrong' ? [{ action: 'update', summary: `label ${path} as ${type} for SELinux` }] : []),
    apply: () => sh`${withSemanage}
semanage fcontext -a -t ${type} ${pattern} 2>/dev/null || semanage fcontext -m -t ${type} ${pattern}
if [ -e ${path} ]; then restorecon -R ${path}; fi`,
    digest: () => digestOf(id, type),
  };
}

/** A TCP port that SELinux lets services of a type listen on. */
export function selinuxPort({ port, type }: { port: number; type: string }): Resource<SelinuxState> {
  const id = `selinux-port:${port}`;
  return {
    id,
    probe: () => sh`if ! selinuxenabled 2>/dev/null; then echo off
elif semanage port -l -C 2>/dev/null | grep -qE ${`^${type} +tcp +(.*, )?${port}(,|$)`}; then echo right
else echo wrong; fi`,
    parse: (answer) => parse(answerText(answer)),
    diff: (state) => (state === 'wrong' ? [{ action: 'update', summary: `label TCP port ${port} as ${type} for SELinux` }] : []),
    apply: () => sh`${withSemanage}
semanage port -a -t ${type} -p tcp ${port} 2>/dev/null || semanage port -m -t ${type} -p tcp ${port}`,
    digest: () => digestOf(id, type),
  };
}

/** A boolean of SELinux's policy that is on, now and after a reboot. */
export function selinuxBoolean(name: string): Resource<SelinuxState> {
  const id = `selinux-boolean:${name}`;
  return {
    id,
    probe: () => sh`if ! selinuxenabled 2>/dev/null; then echo off
elif [ "$(getsebool ${name} 2>/dev/null)" = ${`${name} --> on`} ]; then echo right
else echo wrong; fi`,
    parse: (answer) => parse(answerText(answer)),
    diff: (state) => (state === 'wrong' ? [{ action: 'update', summary: `switch ${name} on for SELinux` }] : []),
    apply: () => sh`setsebool -P ${name} on`,
    digest: () => digestOf(id),
  };
}
