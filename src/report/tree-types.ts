/** One line of the tree. */
export interface TreeLine {
  /** The symbol before the text. */
  mark: string;
  text: string;
  /** Where the terminal is too narrow for the text, the rest stands below; default: it is cut. */
  wraps?: true;
  /** What happens right now, below the text. */
  detail?: string;
}

/** A line at the left edge and the lines below it. */
export interface TreeBlock {
  line: TreeLine;
  rows: readonly TreeLine[];
}

/** How a tree is drawn at one moment. */
export interface TreeMoment {
  /** Milliseconds, on the clock of the run's state. */
  now: number;
  /** The sign of something in progress, at this moment. */
  spinner: string;
  /** What was warned of since the drawing began; told whole below the last picture. */
  warnings: readonly string[];
  /** Of the terminal. */
  columns: number;
  /** True for the last picture, when what did not finish never will. */
  closed: boolean;
}
