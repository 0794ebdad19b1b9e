import { command, defineRole, file, sh } from '../../../src/index.js';

/** The work of the measure of width: a user, a file, a copied file and a command, as the playbook width.yml has them. */
export function wideRole(copied: string): ReturnType<typeof defineRole> {
  return defineRole({
    name: 'wide',
    description: 'A user, a file, a copied file and a command.',
    variables: { type: 'object', description: 'None.', properties: {} },
    stages: () => [
      {
        name: 'work',
        title: 'do the work',
        crossing: 'independent',
        resources: [
          command({
            name: 'user',
            summary: 'make the user bench',
            unless: sh`getent passwd bench | grep -q '^bench:[^:]*:[^:]*:[^:]*:[^:]*:/home/bench:/bin/bash$'`,
            run: sh`useradd --create-home --home-dir /home/bench --shell /bin/bash bench`,
          }),
          file({ path: '/var/log/bench.log', owner: 'bench', group: 'root', mode: '0664', content: '' }),
          file({ path: '/home/bench/copied.txt', owner: 'bench', group: 'bench', mode: '0644', content: copied }),
          command({
            name: 'command',
            summary: 'run the command',
            unless: sh`test -e /var/lib/bench.done`,
            run: sh`touch /var/lib/bench.done`,
          }),
        ],
      },
    ],
  });
}
