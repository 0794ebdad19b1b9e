import type { Section } from '../shell/frame.js';
import { quote } from '../lib/shell-word.js';
import { joinScripts, Script, sh } from '../shell/quote.js';

/**
 * A question that probes have in common. It is asked once, for all of their subjects, before the probes run, because
 * starting a program costs a host more than what most of them then do; its answer is in a shell variable.
 */
export interface SharedQuestion {
  /** The shell variable, which is also what tells one question from another. */
  readonly variable: `pgprov_${string}`;
  /** What one probe wants to know about, e.g. the names of units. */
  readonly subjects: readonly string[];
  /** Prints the answer for all subjects. Total, as a probe is. */
  ask(subjects: readonly string[]): Script;
  /** Questions whose answers this one uses; they are asked first. */
  readonly dependsOn?: readonly SharedQuestion[];
  /** Functions for those who read the answer. */
  readonly defines?: Script;
  /** Prints the answer for these subjects; default: that for all. */
  readonly tell?: Script;
}

/** Somebody who asks shared questions. */
interface Asking {
  readonly sharedQuestions?: readonly SharedQuestion[];
}

/** All questions of these, and those that they need, in the order in which they can be asked. */
export function questionsOf(asking: readonly Asking[]): SharedQuestion[] {
  const withNeeds = (question: SharedQuestion): SharedQuestion[] => [...(question.dependsOn ?? []).flatMap(withNeeds), question];
  return asking.flatMap(({ sharedQuestions = [] }) => sharedQuestions).flatMap(withNeeds);
}

/** What asks the questions that these have in common, each once; goes before their probes. */
export function sharedSections(asking: readonly Asking[]): Section[] {
  const questions = new Map<string, { question: SharedQuestion; subjects: Set<string> }>();
  for (const question of questionsOf(asking)) {
    const { subjects } = questions.get(question.variable) ?? { subjects: new Set<string>() };
    for (const subject of question.subjects) subjects.add(subject);
    questions.set(question.variable, { question, subjects });
  }
  return [...questions.values()].map(({ question, subjects }) => ({
    id: question.variable,
    mode: 'shared',
    body: joinScripts([
      ...(question.defines === undefined ? [] : [question.defines]),
      sh`${Script.build(question.variable)}=$(
${question.ask([...subjects])}
)`,
    ]),
  }));
}

/** Prints the answers to shared questions, with an empty line between two. */
export function printAnswer(...questions: [SharedQuestion, ...SharedQuestion[]]): Script {
  const answers = questions.map(({ variable, tell }) => tell ?? Script.build(`printf '%s\\n' "$${variable}"`));
  return joinScripts(answers.flatMap((answer, at) => (at === 0 ? [answer] : [sh`echo`, answer])));
}

/** Runs `found` with `$block`, the lines that follow the line `subject` in the answer, or else `missing`. */
export function withSharedBlock({ variable }: SharedQuestion, subject: string, found: Script, missing: Script): Script {
  const line = quote(subject);
  return Script.build(`case "$pgprov_nl$${variable}$pgprov_nl" in
*"$pgprov_nl"${line}"$pgprov_nl"*)
block=$pgprov_nl$${variable}$pgprov_nl
block=\${block#*"$pgprov_nl"${line}"$pgprov_nl"}
${found.text}
;;
*)
${missing.text}
;;
esac`);
}
