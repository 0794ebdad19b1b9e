import { joinScripts, Script, sh } from '../shell/quote.js';
import { digestOf } from './resource.js';
import type { SharedQuestion } from './shared-question.js';

/**
 * Asks other hosts, which may not answer, beside all that others ask in this way: their waits overlap. The script prints short lines,
 * each at once and whole, because those of others come in between; `tell` prints the lines of this one alone.
 */
export function sideBySide(script: Script): SharedQuestion {
  return {
    variable: 'pgprov_beside',
    subjects: [script.text],
    ask: (subjects) => sh`${joinScripts(subjects.map((subject) => job(subject)))}
wait`,
    defines: TELL,
    tell: sh`pgprov_tell_beside ${idOf(script.text)}`,
  };
}

function job(text: string): Script {
  return sh`(
${Script.build(text)}
) 2>/dev/null </dev/null | while IFS= read -r line; do printf '%s\n' ${idOf(text)}" $line"; done &`;
}

function idOf(text: string): string {
  return digestOf(text).slice(0, 12);
}

const TELL = Script.build(`pgprov_tell_beside() {
set -f
IFS=$pgprov_nl
for line in $pgprov_beside; do
case "$line" in "$1 "*) printf '%s\\n' "\${line#* }" ;; esac
done
unset IFS
set +f
}`);
