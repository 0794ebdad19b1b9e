#!/bin/sh
# Runs as root inside a new host, whatever its family: makes the users that tests log in as.
# LAB_PUBLIC_KEY is the key that all of them accept.
set -eu

# user:sudo rule; an empty rule leaves the user without any.
for entry in 'admin:NOPASSWD:ALL' 'chatty:NOPASSWD:ALL' 'tty:NOPASSWD:ALL' 'asks:ALL' 'locked:'; do
  user=${entry%%:*}
  rule=${entry#*:}
  # There is a group "tty" already, for terminals.
  if [ "$user" = tty ]; then set -- --gid users; else set -- --user-group; fi
  useradd --create-home --shell /bin/bash "$@" "$user"
  if [ -n "$rule" ]; then
    echo "$user ALL=(ALL:ALL) $rule" >"/etc/sudoers.d/$user"
    chmod 440 "/etc/sudoers.d/$user"
  fi
done
echo 'Defaults:tty requiretty' >>/etc/sudoers.d/tty
echo 'asks:asks-password' | chpasswd

for user in admin chatty tty asks locked root; do
  home=$(getent passwd "$user" | cut -d : -f 6)
  group=$(id -gn "$user")
  install -d -m 700 -o "$user" -g "$group" "$home/.ssh"
  echo "$LAB_PUBLIC_KEY" >"$home/.ssh/authorized_keys"
  chown "$user:$group" "$home/.ssh/authorized_keys"
  chmod 600 "$home/.ssh/authorized_keys"
done

# Put in front, because Debian's .bashrc returns early in a shell that is not interactive.
for file in .bashrc .profile .bash_profile; do
  path=/home/chatty/$file
  [ -e "$path" ] || continue
  { printf 'echo "chatty: welcome from %s"\necho "chatty: warning from %s" >&2\n' "$file" "$file"; cat "$path"; } >"$path.new"
  cat "$path.new" >"$path"
  rm "$path.new"
done
