import { handle, type Handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** A line of a drop-in that has a unit run something. */
export interface UnitCommand {
  file: string;
  /** `ExecStartPre=/bin/false` */
  line: string;
}

/** What is seen of a unit. */
export function unitCommandsHandle(unit: string): Handle<UnitCommand[]> {
  return handle(`unit-commands:${unit}`);
}

/**
 * What drop-ins of an administrator have a unit run (systemd.service(5), the options that begin with Exec): those may keep it from
 * starting, or start something else. `ours` are drop-ins that pgprov writes, which are left out. No program is started where there is none.
 */
export function unitCommands(unit: string, ours: readonly string[] = []): Observation<UnitCommand[]> {
  return {
    id: unitCommandsHandle(unit).id,
    when: 'startAndEnd',
    probe: () => sh`for path in ${`/etc/systemd/system/${unit}.service.d`}/*.conf ${`/run/systemd/system/${unit}.service.d`}/*.conf; do
[ ! -f "$path" ] || grep -HE '^[[:space:]]*Exec[A-Za-z]*=' "$path" || :
done`,
    parse: (answer) =>
      answerLines(answer)
        .map((text) => ({ file: text.slice(0, text.indexOf(':')), line: text.slice(text.indexOf(':') + 1).trim() }))
        .filter(({ file }) => !ours.includes(file)),
  };
}
