/** A machine that Vagrant, or a configuration file of OpenSSH, knows of. */
export interface Machine {
  name: string;
  /** Vagrant's id of it, new with each creation; undefined where it does not exist (yet, or any more), or is not Vagrant's. */
  id?: string;
  running: boolean;
  /** Its address in the cluster's network, where that is known. */
  address?: string;
  /** Its `Host` block in the form of OpenSSH's configuration; undefined where Vagrant cannot tell. */
  sshConfig?: string;
}

/** Settings for the lab's inventory that a Vagrantfile gives to the provisioner. */
export interface VagrantSettings {
  /** Absolute path of the user's inventory, `false` for none; absent: the usual one. */
  inventory?: string | false;
  groups?: Record<string, unknown>;
  hostVars?: Record<string, unknown>;
}
