import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerText, type Observation } from './resource.js';
import { WAL_FILE } from './wal-file.js';

/** How the newest timeline of a data directory begins. */
export interface TimelineBegin {
  timeline: number;
  /** What its first record says of the promotion that made it, in pg_waldump's words: `END_OF_RECOVERY tli 4; prev tli 3; time 2026-11-29 …`. */
  promotion: string;
}

/** The observation's id; undefined on the first timeline, and where its first record is of something else or no longer kept. */
export const TIMELINE_BEGIN = handle<TimelineBegin | undefined>('timeline-begin');

/** Seconds that reading one record may take. */
const READING = 10;

/** The words are those of PostgreSQL 13 and later; what its minor versions add comes after them. */
const PROMOTION = /END_OF_RECOVERY tli \d+; prev tli \d+; time [^;]+/u;

/** Reads the first record of the newest timeline, by which two of one number and one place are told apart. */
export function timelineBegin({ path, binDirectory }: { path: string; binDirectory: string }): Observation<TimelineBegin | undefined> {
  return {
    ...TIMELINE_BEGIN,
    when: 'start',
    probe: () => sh`wal=${path}/pg_wal
newest=
for file in "$wal"/????????.history; do [ ! -e "$file" ] || newest=$file; done
if [ -n "$newest" ]; then
at=
while read -r left where why; do
case "$left" in [1-9]*) at=$where ;; esac
done <"$newest"
number=$(basename "$newest" .history)
segment=$(LC_ALL=C ${binDirectory}/pg_controldata ${path} 2>/dev/null | sed -n 's/^Bytes per WAL segment: *//p')
${WAL_FILE}
[ -n "$segment" ] || exit 0
record=$(TZ=UTC LC_ALL=C timeout ${READING} ${binDirectory}/pg_waldump -p "$wal" -s "$at" -n 1 "$(wal_file "$((0x$number))" "$at" "$segment")" 2>/dev/null | head -n 1)
[ -z "$record" ] || printf '%s\t%s\n' "$((0x$number))" "$record"
fi`,
    parse: (answer) => {
      const [timeline, record] = answerText(answer).trimEnd().split('\t');
      const promotion = PROMOTION.exec(record ?? '')?.[0];
      return promotion === undefined ? undefined : { timeline: Number(timeline), promotion };
    },
  };
}
