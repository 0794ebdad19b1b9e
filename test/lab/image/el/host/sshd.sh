# sshd.service, not ssh.service, and what EL's crypto policy lets sshd offer.
rm -f "$units"/ssh.service "$units"/ssh.socket "$units"/ssh@.service "$units"/rescue-ssh.target
rm -f /etc/systemd/system/sshd.service /etc/systemd/system/*.wants/ssh.service /etc/systemd/system/*.wants/ssh.socket
cp "$recipe/sshd.service" "$units/"
mkdir -p /usr/libexec/openssh
ln -s /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server
rm -rf /etc/ssh/sshd_config.d
if [ "$major" = 8 ]; then
  # OpenSSH 8.0 has no Include.
  cp "$recipe/sshd_config.8" /etc/ssh/sshd_config
else
  mkdir -m 700 /etc/ssh/sshd_config.d
  install -m 600 "$recipe/50-redhat.conf" /etc/ssh/sshd_config.d/
  printf '%s\n' 'Include /etc/ssh/sshd_config.d/*.conf' 'AuthorizedKeysFile .ssh/authorized_keys' 'Subsystem sftp /usr/libexec/openssh/sftp-server' >/etc/ssh/sshd_config
fi
chmod 600 /etc/ssh/sshd_config
