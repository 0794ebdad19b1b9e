/** The floors of the design: imports go only to a lower one, or within one folder. */
export const FLOORS = {
  'src/lib': 0,
  'src/postgres': 0.5,
  'src/secrets': 0.5,
  'src/events.ts': 1,
  'src/model': 1,
  'src/shell': 1,
  'src/platform': 1,
  'src/ansible': 1,
  'src/resources': 2,
  'src/store': 2,
  'src/plan': 3,
  'src/transport': 3,
  // The public API re-exports what is below it, for roles and operations alone.
  'src/index.ts': 3.5,
  'src/catalog': 4,
  'src/engine': 4,
  'src/report': 4,
  roles: 4.5,
  'src/operations': 4.7,
  'src/diagnoses': 4.7,
  'src/cli': 5,
  bin: 6,
} as const;

/** A folder of the design, or a file that has a floor of its own. */
export type Folder = keyof typeof FLOORS;
