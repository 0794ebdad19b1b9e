import { seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';

/**
 * Waits until Patroni answers on none of the members, by the addresses of their REST APIs; fails, with a sentence, where it goes on to. What is
 * written into its store after that is read by nobody before Patroni is started again.
 */
export function patroniSilent(urls: readonly string[]): Script {
  return sh`waited=0
while :; do
answers=
for url in ${urls}; do
if [ "$(curl -s --connect-timeout 2 -m ${seconds(10)} -o /dev/null -w '%{http_code}' "$url/liveness")" != 000 ]; then answers=$url; fi
done
[ -n "$answers" ] || break
if [ "$waited" -ge ${seconds(60)} ]; then
echo "Patroni still answers at $answers, and could take the lead there without the last commits; stop it and run this again"
exit 1
fi
waited=$((waited + 1))
sleep 1
done`;
}
