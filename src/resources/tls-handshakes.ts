import { handle } from './handle.js';
import { growingSeconds, seconds } from '../shell/patience.js';
import { sh, type Script } from '../shell/quote.js';
import { answerLines, UnknownAnswer, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';
import { sideBySide } from './side-by-side.js';

/** Files with which a process takes part in TLS, as both sides of it. */
export interface TlsPaths {
  ca: string;
  certificate: string;
  key: string;
}

/** What came of connecting to one listener. */
export interface TlsHandshake {
  /** `10.0.0.11:2379` */
  listener: string;
  /** Both sides accepted each other. */
  accepted: boolean;
  /** SHA-256 of the certificate that is presented there, upper-case and with colons; undefined when none was seen. */
  presented: string | undefined;
}

/** How a host's service stands to its TLS files. */
export interface TlsHandshakesState {
  handshakes: readonly TlsHandshake[];
  /** Whether the running service began after the file of its authorities was last written; undefined when it does not run. */
  authorityLoaded: boolean | undefined;
}

/** The observation's id. */
export const TLS_HANDSHAKES = handle<TlsHandshakesState>('tls-handshakes');

/** The address of a listener, without its port. */
export function addressOf(listener: string): string {
  return listener.slice(0, listener.lastIndexOf(':')).replace(/^\[|\]$/gu, '');
}

/** Succeeds when both sides of a connection to each of these listeners accept each other; says which do not. Any answer will do. */
export function tlsHandshake({ ca, certificate, key }: TlsPaths, listeners: readonly string[]): Script {
  return sh`shut=
set -- ${listeners}
for code in $(curl --http1.1 -s -m ${growingSeconds(3)} --cacert ${ca} --cert ${certificate} --key ${key} -w '%{http_code} ' ${listeners.flatMap((listener) => ['-o', '/dev/null', `https://${listener}/version`])}); do
[ "$code" != 000 ] || shut="$shut $1"
shift
done
[ "$#" = 0 ] || shut="$shut $*"
[ -z "$shut" ] || { echo "not accepted:$shut"; exit 1; }`;
}

/** Connects to these listeners anew, with a service's own files. */
export function tlsHandshakes({
  files,
  listeners,
  unit,
}: {
  files: TlsPaths;
  listeners: readonly string[];
  unit: string;
}): Observation<TlsHandshakesState> {
  const { ca, certificate, key } = files;
  // Side by side, because a member without a quorum takes connections and lets them wait. Who takes none has nothing to show.
  const question = sideBySide(sh`for listener in ${listeners}; do
(
accepted=yes
connected=$(curl --http1.1 -s --connect-timeout ${seconds(3)} -m ${seconds(10)} -o /dev/null -w '%{time_connect}' --cacert ${ca} --cert ${certificate} --key ${key} "https://$listener/version") || accepted=no
case "$connected" in *[1-9]*) ;; *) echo "$listener no "; exit ;; esac
seen=$(timeout ${seconds(10)} openssl s_client -connect "$listener" -cert ${certificate} -key ${key} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 2>/dev/null | cut -d = -f 2)
echo "$listener $accepted $seen"
) &
done
wait`);
  return {
    ...TLS_HANDSHAKES,
    sharedQuestions: [question],
    probe: () => sh`since=$(systemctl show -p ExecMainStartTimestamp ${unit} 2>/dev/null | cut -d = -f 2-)
began=
if [ -n "$since" ] && systemctl -q is-active ${unit} 2>/dev/null; then began=$(date -d "$since" +%s 2>/dev/null) || :; fi
written=$(stat -c %Z ${ca} 2>/dev/null) || :
echo "loaded $began $written"
${printAnswer(question)}`,
    parse: (answer) => {
      const [first = '', ...rest] = answerLines(answer);
      const times = /^loaded (?<began>\d*) (?<written>\d*)$/u.exec(first)?.groups;
      if (times === undefined) throw new UnknownAnswer(TLS_HANDSHAKES.id, answer);
      const { began = '', written = '' } = times;
      return {
        authorityLoaded: began === '' || written === '' ? undefined : Number(began) >= Number(written),
        handshakes: listeners.map((listener) => readHandshake(listener, rest)),
      };
    },
  };
}

function readHandshake(listener: string, lines: readonly string[]): TlsHandshake {
  const [, accepted, presented = ''] = lines.find((line) => line.startsWith(`${listener} `))?.split(' ') ?? [];
  return { listener, accepted: accepted === 'yes', presented: presented === '' ? undefined : presented };
}
