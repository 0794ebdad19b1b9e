import type { Question } from './questions.js';

/** What is known besides an inventory of Ansible. */
export interface ImportOptions {
  cluster?: string;
  /** Major version of PostgreSQL; default: what the file says. */
  version?: number;
  /** Only the hosts of these groups. */
  groups?: readonly string[];
  /** The inventory to be written; relative paths start in its directory. */
  target: string;
  /** Asks what the file leaves open; undefined where there is nobody to ask. */
  ask?: ((question: Question) => Promise<string>) | undefined;
}

/** What is said of an inventory of Ansible, filled while it is read, so that it can be shown also when nothing comes of it. */
export interface ImportNotes {
  /** What was not taken over, with the reason. */
  left: string[];
  /** What was taken otherwise than it stands there. */
  changed: string[];
}
