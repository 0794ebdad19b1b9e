import { FLOORS, type Folder } from '../support/floors.js';
import { arrow, box, drawing, label } from './drawing.js';

/** What each is for, in as many words as its box has room for. */
const WORDS: Readonly<Record<Folder, string>> = {
  bin: 'starts the command line',
  'src/cli': 'commands, and the pipeline of those that connect to hosts',
  'src/operations': 'switchover, restart, certs renew and others, one a file',
  'src/diagnoses': 'what doctor knows, one a file',
  roles: 'base, firewall, pgdg, postgresql, etcd, patroni and others, one a file',
  'src/engine': 'look, stages, proofs',
  'src/report': 'tree, plain, JSON, page',
  'src/catalog': 'roles of the user’s own',
  'src/index.ts': 'the public API: all that roles, operations and diagnoses may import',
  'src/plan': 'role, stage, plan, view of the cluster',
  'src/transport': 'SSH, and a local shell for tests',
  'src/resources': 'one kind of resource or observation a file: probe, parse, diff, apply',
  'src/store': 'passwords, CA, journal',
  'src/model': 'the inventory',
  'src/shell': 'quoting, frames',
  'src/platform': 'systems as tables',
  'src/ansible': 'its inventories',
  'src/events.ts': 'what can happen',
  'src/secrets': 'programs and age stores that passwords come from',
  'src/postgres': 'lines of pg_hba.conf',
  'src/lib': 'errors, secrets, small helpers',
};

const [WIDTH, SIDE, ROW, GAP, HEAD] = [940, 46, 56, 10, 44];

/** The floors of the code, the highest on top, and what is on each. */
export function architectureSvg(): string {
  const floors = [...new Set(Object.values(FLOORS))].sort((a, b) => b - a);
  const rows = floors.map((floor) => (Object.keys(FLOORS) as Folder[]).filter((folder) => FLOORS[folder] === floor));
  const height = HEAD + rows.length * (ROW + GAP) + GAP;
  return drawing('The floors of pgprov: files import only from floors below their own', WIDTH, height, [
    label('Imports go down, never up.', SIDE, 28, 'h'),
    arrow(`M22 ${HEAD}V${height - 16}`),
    ...rows.flatMap((folders, index) => floorOf(folders, HEAD + index * (ROW + GAP))),
  ]);
}

function floorOf(folders: readonly Folder[], y: number): string[] {
  const room = WIDTH - SIDE - GAP - GAP * (folders.length - 1);
  // A box is as wide as its words need, compared with its neighbours.
  const needs = folders.map((folder) => Math.max(folder.length * 1.25, WORDS[folder].length) + 4);
  const all = needs.reduce((sum, need) => sum + need, 0);
  let x = SIDE;
  return folders.flatMap((folder, index) => {
    const width = Math.floor((room * (needs[index] ?? 0)) / all);
    const at = x;
    x += width + GAP;
    const isOpen = folder === 'roles' || folder === 'src/operations' || folder === 'src/diagnoses';
    return [
      box(isOpen ? 'own' : 'box', at, y, width, ROW),
      label(folder, at + 12, y + 23, 'h'),
      label(WORDS[folder], at + 12, y + 43, 's'),
    ];
  });
}
