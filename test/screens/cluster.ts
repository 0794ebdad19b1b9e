import { arrow, box, drawing, label } from './drawing.js';

/** The ports that the hosts have without a word in the inventory. */
export interface ClusterPorts {
  postgresql: number;
  restApi: number;
  etcdClients: number;
  etcdPeers: number;
}

const [WIDTH, HEIGHT, HOST, TOP, BOTTOM] = [940, 590, 270, 216, 270];

/** A cluster of three hosts that pgprov made: what runs where, and who talks to whom. */
export function clusterSvg(ports: ClusterPorts): string {
  return drawing('A cluster that pgprov made: a control machine, an application, and three hosts', WIDTH, HEIGHT, [
    box('own', 30, 20, 420, 104),
    label('Control machine', 46, 44, 'h'),
    label('pgprov and inventory.yml', 46, 66),
    label('.pgprov/demo/: keys, passwords, journal of runs (back it up)', 46, 88, 's'),
    label('nothing of pgprov runs on the hosts after a run', 46, 108, 's'),
    box('box', 600, 20, 310, 104),
    label('Application', 616, 44, 'h'),
    label('libpq, JDBC, pgx, …', 616, 66),
    label('names all hosts; its driver finds the leader:', 616, 88, 's'),
    label('target_session_attrs=read-write', 616, 108, 's'),
    ...[0, 1, 2].flatMap((index) => host(index, ports)),
    // SSH.
    arrow(`M165 124V${TOP}`),
    arrow(`M200 124V160H${hostAt(1) + 60}V${TOP}`),
    arrow(`M235 124V144H${hostAt(2) + 60}V${TOP}`),
    label('SSH, 22', 100, 184, 's'),
    // Connections of the application.
    arrow(`M755 124V176H${hostAt(0) + 220}V${TOP}`),
    label(`SQL, ${ports.postgresql}, to the leader`, 762, 170, 's'),
    // Between the hosts.
    arrow(`M${hostAt(0) + HOST - 12} ${TOP + 62}H${hostAt(1) + 12}`),
    arrow(`M${hostAt(0) + HOST - 12} ${TOP + 80}h26V${TOP + 102}H${hostAt(1) + HOST + 18}V${TOP + 66}H${hostAt(2) + 12}`),
    arrow(`M${hostAt(0) + 135} ${TOP + BOTTOM - 12}V${TOP + BOTTOM + 24}H${hostAt(2) + 135}V${TOP + BOTTOM - 12}`, true),
    arrow(`M${hostAt(1) + 135} ${TOP + BOTTOM + 24}V${TOP + BOTTOM - 12}`),
    label(
      `etcd among its members: ${ports.etcdPeers}; every Patroni to any etcd: ${ports.etcdClients}; both by TLS with certificates of the cluster’s own CA`,
      WIDTH / 2,
      TOP + BOTTOM + 46,
      's m',
    ),
    label(
      `standbys stream WAL from the leader: ${ports.postgresql}; Patroni asks the other members before a failover: ${ports.restApi}`,
      WIDTH / 2,
      TOP + BOTTOM + 66,
      's m',
    ),
    label(
      'the firewall lets in the members on these ports, and your clients on those of PostgreSQL and Patroni',
      WIDTH / 2,
      TOP + BOTTOM + 86,
      's m',
    ),
  ]);
}

function hostAt(index: number): number {
  return 30 + index * (HOST + 35);
}

function host(index: number, { postgresql, restApi, etcdClients, etcdPeers }: ClusterPorts): string[] {
  const x = hostAt(index);
  const leads = index === 0;
  const program = (y: number, name: string, words: string, lead = false): string[] => [
    box(lead ? 'lead' : 'box', x + 12, TOP + y, HOST - 24, 58),
    label(name, x + 24, TOP + y + 23, 'h'),
    label(words, x + 24, TOP + y + 44, 's'),
  ];
  return [
    box('box', x, TOP, HOST, BOTTOM),
    label(`pg${index + 1}`, x + 14, TOP + 24, 'h'),
    label(leads ? 'leader' : 'standby', x + HOST - 14, TOP + 24, 's e'),
    ...program(36, `PostgreSQL :${postgresql}`, leads ? 'takes writes, sends WAL' : 'replays WAL, answers reads', leads),
    ...program(110, `Patroni :${restApi}`, leads ? 'keeps the leader’s lease in etcd' : 'takes the lead when the lease is over'),
    ...program(184, `etcd :${etcdClients} :${etcdPeers}`, 'a quorum of two holds the lease'),
  ];
}
