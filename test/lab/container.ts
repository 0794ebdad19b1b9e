// testcontainers' cleaner is an image that has to be pulled, and hosts of `npm run lab` must outlive the process anyway.
process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';

import { GenericContainer } from 'testcontainers';

import { raiseCpuShare } from './cpu-share.js';
import type { LabNetwork } from './network.js';
import { LAB_ID } from './paths.js';
import { runLabels } from './run-labels.js';
import { DOWN, MIRROR_NAMES } from './sites.js';
import type { System } from './systems.js';

/** The container of a test host before it starts. */
export interface ContainerPlan {
  container: string;
  image: string;
  name: string;
  os: System;
  network: LabNetwork;
  address: string;
  labels: Record<string, string>;
  /** Folders of this machine that it sees. */
  mounts: { source: string; target: string }[];
}

class HostContainer extends GenericContainer {
  constructor({ container, image, name, os, network, address, labels, mounts }: ContainerPlan) {
    super(image);
    this.withName(container)
      .withHostname(name)
      .withNetworkMode(network.id)
      .withExtraHosts([...MIRROR_NAMES.map((host) => ({ host, ipAddress: network.mirror })), { host: DOWN.name, ipAddress: DOWN.address }])
      .withAddedCapabilities('ALL')
      // The first is often missing on the machine itself; with the second a host could set the clock of everything else.
      .withDroppedCapabilities('SYS_RESOURCE', 'SYS_TIME')
      .withSecurityOpt('seccomp=unconfined', 'apparmor=unconfined')
      .withBindMounts(mounts)
      .withTmpFs({ '/run': '', '/tmp': 'exec,mode=1777' })
      .withPullPolicy({ shouldPull: () => false })
      .withCommand(['/sbin/lab-init'])
      .withLabels({
        'pgprov.lab': LAB_ID,
        'pgprov.lab.role': 'host',
        'pgprov.lab.network': network.name,
        'pgprov.lab.name': name,
        'pgprov.lab.os': os,
        'pgprov.lab.address': address,
        ...runLabels(),
        ...labels,
      });
    // Machines keep their address when they are switched off and on; the library has no setting for that.
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [network.id]: { IPAMConfig: { IPv4Address: address } } } };
    // systemd's word for an orderly power-off.
    this.createOpts.StopSignal = 'SIGRTMIN+3';
  }
}

/** Creates and starts the container; systemd in it is only just beginning. */
export async function startContainer(plan: ContainerPlan): Promise<void> {
  await new HostContainer(plan).start();
  raiseCpuShare();
}
