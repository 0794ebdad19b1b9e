import { pgprov, topologyOf, type Inventory } from '../../../src/index.js';
import { repositoriesOf } from './repositories.js';
import { backedUpHosts, stanzaOf } from './stanza.js';

/** What to do about an error of pgBackRest, by its own words, in the imperative and without a full stop. */
export function backupAdvice(words: string, inventory: Inventory): string {
  return knownAdvice(words, inventory) ?? `see whether ${pgprov`logs ${inventory}`} says more of it`;
}

/** The same; undefined where nothing is known of these words. */
export function knownAdvice(words: string, inventory: Inventory): string | undefined {
  return ADVICE.find(({ says }) => says.test(words))?.advice(inventory, words);
}

/** pgBackRest's error in one line: what it says first and the first cause that it gives, without its guesses. */
export function briefly(words: string): string {
  const lines = words.split('\n').filter((line) => !line.startsWith('HINT: '));
  const [first = words, cause] = lines;
  return first.endsWith(':') && cause !== undefined ? `${first} ${cause}` : first;
}

/** What restarts PostgreSQL where that is pending: a server of its own is restarted by a person. */
export function restartWords(inventory: Inventory): string {
  const alone = backedUpHosts(inventory).find((host) => topologyOf(host) === 'single');
  if (alone === undefined) return `${pgprov`restart ${inventory} --pending`} does it`;
  return `restart it on ${alone.name}, by the command that ${pgprov`status ${inventory}`} has`;
}

/** How pgBackRest begins to say that it could not ask a member. */
const UNASKED = 'unable to check ';

/** What pgBackRest says of files that it cannot decrypt. */
const UNDECRYPTED = /key\/value found outside of section|CryptoError|unable to flush|cipher header invalid/u;

/** A passphrase with which a repository was not encrypted; words of certificates have the same error. */
export function isWrongPassphrase(words: string): boolean {
  return UNDECRYPTED.test(words) && !/certificate/u.test(words);
}

/** Expiring takes a backup, so lowering the retention alone brings no room. */
function roomAdvice(inventory: Inventory): string {
  return `make room where the repository is, or keep fewer backups: lower \`retention_full\` of the repository, then ${pgprov`apply ${inventory}`} writes that, and ${pgprov`backup ${inventory}`} expires what is beyond it before it begins; PostgreSQL goes on meanwhile, and its WAL piles up on the leader`;
}

/** Whether repositories are on hosts: then all of them are, and none is in a store of objects. */
const areOnHosts = (inventory: Inventory): boolean => repositoriesOf(inventory).some(({ host }) => host !== undefined);

const inStores = (inventory: Inventory): boolean =>
  repositoriesOf(inventory).some(({ settings: { s3, azure, gcs } }) => s3 ?? azure ?? gcs);

/** pgBackRest's words for what can go wrong around it, most telling first. */
const ADVICE: readonly { says: RegExp; advice(inventory: Inventory, words: string): string }[] = [
  {
    // It looks for one on all members, and tells of those that it could not ask.
    says: /unable to find primary cluster/u,
    advice: (inventory, words) => {
      const unasked = words.split('\n').filter((line) => line.includes(UNASKED));
      const known = unasked.map((line) => knownAdvice(line, inventory)).find((advice) => advice !== undefined);
      const status = pgprov`status ${inventory}`;
      return known === undefined
        ? `pgBackRest takes backups only while a server takes writes, see ${status}`
        : `see by ${status} whether a server takes writes; if one does, ${known}`;
    },
  },
  {
    says: /pgBackRest is not installed/u,
    advice: (inventory) => `${pgprov`apply ${inventory}`} installs it and sets it up`,
  },
  {
    says: /archive_mode must be enabled/u,
    advice: (inventory) =>
      `archive_mode takes a restart of PostgreSQL: ${restartWords(inventory)}, then ${pgprov`apply ${inventory}`} proves that WAL arrives`,
  },
  {
    says: /No space left on device|Disk quota exceeded/u,
    advice: (inventory) => roomAdvice(inventory),
  },
  {
    // pgBackRest's compressed files keep the reason to themselves: it may be a disk that is full, and one that has become read-only.
    says: /unable to write '/u,
    advice: (inventory) => `see with \`df\` whether the disk is full where that file is; if so, ${roomAdvice(inventory)}`,
  },
  {
    says: /Permission denied/u,
    advice: (inventory) =>
      areOnHosts(inventory)
        ? `the directory must belong to the user that pgBackRest runs as; ${pgprov`apply ${inventory}`} gives it back to it`
        : 'the directory must belong to the user that pgBackRest runs as, postgres: see what is mounted there, and give it to that user',
  },
  {
    // The last one is what a host says that finds the other's certificate not yet valid.
    says: /certificate (?:has expired|is not yet valid)|certificate expired|expired certificate|alert bad certificate/u,
    advice: (inventory) =>
      inStores(inventory)
        ? 'the certificate of the store of objects is out of its time, or the clock of this host is: compare both'
        : `see ${pgprov`certs status ${inventory}`}; ${pgprov`certs renew ${inventory}`} makes new ones. Where they are good, a clock is wrong: ${pgprov`doctor ${inventory}`} compares them`,
  },
  {
    says: /unable to verify certificate|certificate verify failed|alert unknown ca|no certificate or crl found|unable to find hostname .* in certificate/u,
    advice: (inventory) =>
      inStores(inventory)
        ? 'the authority of the store’s certificate must be in `s3.ca_file`, a file on every member, and the certificate must have the name in `s3.endpoint`'
        : `see ${pgprov`certs status ${inventory}`}; ${pgprov`certs renew ${inventory}`} makes new ones`,
  },
  {
    says: /HTTP request failed with (?:400|401|403)|SignatureDoesNotMatch|InvalidAccessKeyId|AccessDenied/u,
    advice: () => 'the store of objects refuses the request: see the keys, the bucket and the region in `backup.repositories`',
  },
  {
    says: UNDECRYPTED,
    advice: ({ cluster }) =>
      `the passphrase is not the one that the repository was encrypted with: put that one back into \`backup.passphrase\`, or into .pgprov/${cluster}/passwords.yml; no other one can read these backups`,
  },
  {
    says: /FileMissingError|missing stanza|unable to open missing file/u,
    advice: (inventory) => `${pgprov`apply ${inventory}`} makes the stanza; if backups were there before, find out first who removed them`,
  },
  {
    says: /PathOpenError|FileOpenError|PathMissingError/u,
    advice: () => 'see that the directory of the repository is there on its host, and mounted',
  },
  {
    says: /do(?:es)? not match the database|system-id|is this the correct stanza/u,
    advice: () =>
      'the repository has the backups of another database: give `backup.stanza` another name, or the repository another directory',
  },
  {
    says: /unable to push WAL file .* asynchronously/u,
    advice: (inventory) =>
      `see that every repository host is up and answers (${pgprov`backups ${inventory}`} asks them); pgBackRest says why in ${stanzaOf(inventory)}-archive-push-async.log, beside its other logs on the member that leads`,
  },
  {
    says: /\[082\]|before the archive timeout|WAL segment .* was not archived/u,
    advice: (inventory) => `WAL does not arrive in the repository, see ${pgprov`doctor ${inventory}`} for what archive_command says`,
  },
  {
    says: /unable to acquire lock|another pgBackRest process/u,
    advice: () => 'another pgBackRest works on the same stanza: wait until it has ended',
  },
  {
    // It says the last of these where PostgreSQL has ended its connection.
    says: /unexpected eof|Connection reset|aborted due to signal|NULL result required to complete request/u,
    advice: (inventory) =>
      `a host was lost meanwhile, or its server stopped or got another part: give the command again as soon as ${pgprov`status ${inventory}`} shows a leader`,
  },
  {
    says: /timeout after \d+ms waiting for (?:read|write)/u,
    advice: (inventory) =>
      inStores(inventory)
        ? 'the store of objects takes connections and does not answer: see what it says of itself'
        : `the host that it names takes connections and does not answer, so it hangs: see its load and its disks, and whether ${pgprov`ping ${inventory}`} gets an answer`,
  },
  {
    says: /HostConnectError|unable to connect to|Connection (?:refused|timed out)|No route to host|HostInvalid|unable to get address|timeout while|gave no answer in time/u,
    advice: (inventory) =>
      inStores(inventory)
        ? 'see that the store of objects answers under the address that it names, from every member'
        : `see that the host that it names is up, and that pgbackrest.service runs there and its port is open; ${pgprov`apply ${inventory}`} starts it`,
  },
  {
    says: /expected value '.*' for greeting key 'version'/u,
    advice: () => 'pgBackRest must have the same version on all hosts: upgrade it there',
  },
];
