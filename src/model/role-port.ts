/** Who may connect to a port; whoever is not named is let in by no rule of pgprov. */
export interface PortAudience {
  /** All hosts of the inventory, and the networks of `firewall.member_networks`. */
  members?: true;
  /** The networks of `firewall.client_networks`. */
  clients?: true;
  /** More IP addresses and networks, such as `10.0.9.0/24`. */
  networks?: readonly string[];
}

/** An IP protocol without ports by which a role's service speaks with that of the other hosts of the role. */
export interface RoleProtocol {
  protocol: 'vrrp';
  /** What speaks it, for people: `keepalived`. */
  what: string;
  /** systemd units that speak it, with their suffix: `keepalived.service`. */
  units: readonly string[];
}

/** An address besides those of the hosts by which clients of the database get in, wherever it is at the moment. */
export interface Entrance {
  /** An IP address. */
  address: string;
  port: number;
  leadsTo: 'leader' | 'replicas';
}

/** A TCP port on which a role's service listens for other machines. */
export interface RolePort {
  /** 1 to 65535. */
  port: number;
  /** The service takes UDP there as well, which the firewall then lets through too; default: TCP alone. */
  udp?: true;
  /** What listens there, for people: `etcd peers`. */
  what: string;
  /** systemd units that may hold it already, with their suffix: `etcd.service`. */
  units: readonly string[];
  /** To whom the firewall role opens it. Where that is the members, they check that they reach it. */
  openTo: PortAudience;
  /**
   * Where a client of the database gets by it: to the server that leads, to the replicas, or to the host's own server. Default: it is not for
   * clients of the database.
   */
  leadsTo?: 'leader' | 'replicas' | 'itself';
  /** Clients share connections there: it is told them before other ways to the same servers. */
  pooled?: true;
  /** Whoever listens there has a certificate of the host's own, whatever servers have; undefined: clients see the server's. */
  certificate?: true;
  /**
   * Roles whose services connect to it from the other members: hosts without any of them are not asked whether they reach it. Default: any
   * host may need it.
   */
  usedBy?: readonly string[];
}
