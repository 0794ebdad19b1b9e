import { handle, type Handle } from '../handle.js';
import { answerLines, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { sh, type Script } from '../../shell/quote.js';
import { readHeld, readVersions, versionsQuestion, type PackageManager, type Versions } from './installed.js';

/** What is installed of a program and whether that is what runs. */
export interface RunningProgram {
  /** Those of its packages that are wholly installed. */
  installed: Versions;
  /** Those of them that apt has on hold; absent: none. */
  held?: readonly string[];
  /** What runs was started from another version than the installed one; undefined: nothing runs. */
  old?: boolean;
}

/** A program that packages bring, and how its process is found. */
export interface ProgramOptions {
  /** Names the observation among others of the host: a role. */
  name: string;
  manager: PackageManager;
  /** Its packages; the first brings the program. */
  packages: readonly string[];
  /** Its unit; or, of a server of PostgreSQL, its data directory. */
  process: { unit: string } | { data: string };
}

/** What is seen of a program. */
export function runningProgramHandle(name: string): Handle<RunningProgram> {
  return handle(`running-program:${name}`);
}

/**
 * Which versions of a program's packages are installed, and whether its process is older. A package manager puts a new file in the place of a
 * program, so that one that runs on goes on with the file that was deleted, which `/proc/PID/exe` tells (proc(5)). What an interpreter runs is
 * older than its package where it was started before that was installed.
 */
export function runningProgram(options: ProgramOptions): Observation<RunningProgram> {
  const { name, manager, packages, process } = options;
  const question = versionsQuestion(manager, packages);
  const [first = ''] = packages;
  return {
    ...runningProgramHandle(name),
    sharedQuestions: [question],
    probe: () => sh`${printAnswer(question)}
pid= started=
${'unit' in process ? unitProcess(process.unit) : serverProcess(process.data)}
if [ -n "$pid" ] && [ -e "/proc/$pid/exe" ]; then
at=$(${installedAt(manager, first)})
case "$(readlink "/proc/$pid/exe")" in
*' (deleted)') echo 'process old' ;;
*) if [ -n "$started" ] && [ -n "$at" ] && [ "$started" -lt "$at" ]; then echo 'process old'; else echo 'process new'; fi ;;
esac
fi`,
    parse: (answer) => {
      const [, age] =
        answerLines(answer)
          .map((line) => /^process (old|new)$/u.exec(line))
          .find((found) => found !== null) ?? [];
      const held = readHeld(answer, packages);
      return {
        installed: readVersions(answer, packages),
        ...(held.length === 0 ? {} : { held }),
        ...(age === undefined ? {} : { old: age === 'old' }),
      };
    },
  };
}

/** Sets `$pid`, and `$started` in seconds since 1970. */
function unitProcess(unit: string): Script {
  return sh`seen=$(systemctl show -p MainPID -p ExecMainStartTimestamp ${unit} 2>/dev/null) || seen=
pid=$(printf '%s\n' "$seen" | sed -n 's/^MainPID=//p')
[ "$pid" != 0 ] || pid=
started=$(printf '%s\n' "$seen" | sed -n 's/^ExecMainStartTimestamp=//p')
[ -z "$started" ] || started=$(date -d "$started" +%s 2>/dev/null) || started=`;
}

/** Sets `$pid`; the file is deleted where its program is. */
function serverProcess(data: string): Script {
  return sh`{ read -r pid; } 2>/dev/null <${`${data}/postmaster.pid`} || pid=
case "$(cat "/proc/$pid/comm" 2>/dev/null)" in postgres | postmaster) ;; *) pid= ;; esac`;
}

/** Prints when a package was installed, in seconds since 1970. */
function installedAt(manager: PackageManager, name: string): Script {
  if (manager === 'dnf') return sh`rpm -q --qf '%{INSTALLTIME}\n' ${name} 2>/dev/null | tail -n 1 | grep -x '[0-9]*' || :`;
  return sh`stat -c %Y /var/lib/dpkg/info/${name}.list 2>/dev/null || stat -c %Y /var/lib/dpkg/info/${name}:*.list 2>/dev/null || :`;
}
