import { handle, type Handle } from '../handle.js';
import { sh } from '../../shell/quote.js';
import { answerText, type Observation } from '../resource.js';

/** Whether a scratch directory can be made in a directory. */
export interface DrillRoom {
  /** The directory is there. */
  there: boolean;
  /** Free bytes for ordinary users. */
  free: number;
}

/** What is seen of a directory. */
export function drillRoomHandle(directory: string): Handle<DrillRoom> {
  return handle(`drill-room:${directory}`);
}

/** How much room there is for a scratch directory in a directory. */
export function drillRoom(directory: string): Observation<DrillRoom> {
  return {
    ...drillRoomHandle(directory),
    probe: () => sh`[ ! -d ${directory} ] || stat -f -c '%a %S' ${directory}`,
    parse: (answer) => {
      const words = /^(\d+) (\d+)$/mu.exec(answerText(answer));
      return words === null ? { there: false, free: 0 } : { there: true, free: Number(words[1]) * Number(words[2]) };
    },
  };
}
