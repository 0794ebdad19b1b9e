/** On a Rocky host: the file with what `getenforce` says. A test writes `Enforcing` to it to play a host with SELinux. */
export const SELINUX_MODE = '/var/lib/lab-selinux/mode';

/** On a Rocky host: the file with every call of a tool of SELinux, `tool argument...` a line. */
export const SELINUX_LOG = '/var/lib/lab-selinux/log';
