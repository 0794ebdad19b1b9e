import type { LabHost } from '../../lab/index.js';
import { must } from './outside.js';

/** Has a host write numbers into the table `written` of its own server all the while; those that it was told of are in /root/acknowledged there. */
export async function startHostWriter(host: LabHost): Promise<void> {
  await must(
    host,
    `cat >/root/client.sh <<'END'
n=0
while :; do
n=$((n + 1))
runuser -u postgres -- psql -XAtqc "INSERT INTO written VALUES ($n)" >/dev/null 2>&1 && echo "$n" >>/root/acknowledged
sleep 0.1
done
END
systemd-run -q --unit=client /bin/sh /root/client.sh`,
  );
}
