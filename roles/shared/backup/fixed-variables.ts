import { BACK, type FixedVariable } from '../fixed-variable.js';
import { variables } from '../variables.js';
import { presentConfig, readingPassphrases } from './present-config.js';
import { stanzaNamed } from './stanza.js';

/** What is fixed once a repository has a stanza. */
export const BACKUP_FIXED_VARIABLES: readonly FixedVariable[] = [
  {
    variable: 'backup.stanza',
    role: 'backup',
    look: ({ view, host }) => {
      const config = presentConfig(view, host.name);
      const [seen] = config?.cluster === view.inventory.cluster ? config.stanzas : [];
      if (config === undefined || seen === undefined) return undefined;
      return {
        wanted: stanzaNamed(view.inventory.cluster, variables(host, 'backup')),
        seen,
        found: `${config.path} has the stanza ${seen}`,
      };
    },
    hint: (seen) => `${BACK}, and the backups are under that name: set it back to ${seen}`,
  },
  {
    variable: 'backup.passphrase',
    role: 'backup',
    look: ({ view, host }) => {
      const given = variables(host, 'backup').passphrase;
      const known = view.inventory.hosts.flatMap(({ name }) => readingPassphrases(view, name));
      const [first] = known;
      if (given === undefined || first === undefined) return undefined;
      const isSame = known.every((value) => value === given.reveal());
      return {
        wanted: 'another one',
        seen: isSame ? 'another one' : 'the old one',
        found: 'there are backups that are encrypted with the old one',
      };
    },
    hint: () => 'it was fixed when the repository was first used: set it back; pgBackRest cannot encrypt a repository anew',
  },
];
