import { seconds } from '../shell/patience.js';
import { sh } from '../shell/quote.js';
import { handle, type Handle } from './handle.js';
import { findRows, psql, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, digestOf, type Change, type Observation, type Resource } from './resource.js';
import { printAnswer } from './shared-question.js';

/** SHA-256 of certificates, upper-case and with colons; undefined where there is none. */
export interface ServerCertificate {
  /** What the host's PostgreSQL, or what speaks its protocol, presents. */
  presented: string | undefined;
  /** What is in the file that it is to present. */
  wanted: string | undefined;
}

/** What is seen of the certificate of the host's PostgreSQL. */
export const SERVER_CERTIFICATE = handle<ServerCertificate>('server-certificate');

/** What is seen of the certificate of the host's PgBouncer. */
export const POOLER_CERTIFICATE = handle<ServerCertificate>('pgbouncer-certificate');

/**
 * Which certificate PostgreSQL or PgBouncer presents, and which it is to: one that it could not load leaves the former one in force. No client logs
 * in for that, so nothing of it is in the server's log.
 * @param listener `10.0.0.11:5432`
 * @param path the certificate's file
 */
export function serverCertificate(
  listener: string,
  path: string,
  seenAs: Handle<ServerCertificate> = SERVER_CERTIFICATE,
): Observation<ServerCertificate> {
  return {
    ...seenAs,
    when: 'startAndEnd',
    probe: () => sh`fingerprint() { openssl x509 -noout -fingerprint -sha256 2>/dev/null | cut -d = -f 2; }
presented=$(timeout ${seconds(10)} openssl s_client -starttls postgres -connect ${listener} </dev/null 2>/dev/null | fingerprint) || :
wanted=$(fingerprint <${path} 2>/dev/null) || :
printf '%s\n' "$presented" "$wanted"`,
    parse: (answer) => {
      const [presented = '', wanted = ''] = answerText(answer).split('\n');
      return { presented: presented || undefined, wanted: wanted || undefined };
    },
  };
}

/** What is seen of whether a server has read a certificate. */
export function loadedHandle(certificate: string): Handle<LoadedCertificate> {
  return handle(`server-certificate-loaded:${certificate}`);
}

/** When the server read its files last and when those of TLS were written last, in seconds; undefined where it does not answer, or they are not there. */
export interface LoadedCertificate {
  loaded: number | undefined;
  written: number | undefined;
}

const LOADED_AT = 'SELECT floor(extract(epoch FROM pg_conf_load_time()))::bigint';

/**
 * The server has read its TLS files since they were written. Patroni itself has PostgreSQL read them only where its own configuration changes.
 * @param files what writes them
 */
export function serverCertificateLoaded(
  server: LocalServer,
  { ca, certificate, key }: { ca: string; certificate: string; key: string },
  files: readonly Resource[],
): Resource<LoadedCertificate> {
  const { id } = loadedHandle(certificate);
  const rows = sqlQuestion(server, LOADED_AT);
  return {
    id,
    sharedQuestions: [rows],
    probe: () => sh`stat -c %Z ${[ca, certificate, key]} 2>/dev/null | sort -n | tail -n 1
echo @
${printAnswer(rows)}`,
    parse: (answer) => {
      const [written = '', rest = ''] = answerText(answer).split('@\n');
      const [loaded] = findRows(rest, LOADED_AT) ?? [];
      return { written: numberOf(written), loaded: numberOf(loaded ?? '') };
    },
    diff: ({ loaded, written }, states): Change[] => {
      if (loaded === undefined) return [];
      const isWritten = files.some((file) => {
        const state = states?.get(file.id);
        return state !== undefined && file.diff(state, states).length > 0;
      });
      if (!isWritten && (written === undefined || written < loaded)) return [];
      return [{ action: 'reload', summary: 'have PostgreSQL read its certificate again' }];
    },
    // Read in the second in which they were written, they would count as not read.
    apply: () => sh`written=$(stat -c %Z ${[ca, certificate, key]} | sort -n | tail -n 1)
until [ "$(date +%s)" -gt "$written" ]; do sleep 0.2; done
end=$(($(date +%s) + ${seconds(30)}))
${psql(server, ['-c', 'SELECT pg_reload_conf()'])} >/dev/null
until loaded=$(${psql(server, ['-c', LOADED_AT])}) && [ "$loaded" -gt "$written" ]; do
[ "$(date +%s)" -lt "$end" ] || { echo 'PostgreSQL did not read its files again'; exit 1; }
sleep 0.2
done`,
    digest: () => digestOf(id),
  };
}

function numberOf(text: string): number | undefined {
  return /^\d+$/u.test(text.trim()) ? Number(text) : undefined;
}
