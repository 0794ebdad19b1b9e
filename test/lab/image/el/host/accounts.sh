# Users, groups, sudo and the shell's files.

# Debian's fixed numbers collide with those of EL: 26 is tape here and postgres there, 10 is uucp here and wheel there.
for file in passwd shadow; do
  sed -i -E '/^(games|man|news|uucp|proxy|www-data|backup|list|irc|gnats):/d' "/etc/$file"
done
for file in group gshadow; do
  sed -i -E '/^(news|uucp|proxy|www-data|backup|list|irc|gnats|src|operator|sasl|voice|fax|floppy|staff|sudo):/d; s/^nogroup:/nobody:/; s/^tape:x:26:/tape:x:33:/' "/etc/$file"
done
echo 'wheel:x:10:' >>/etc/group
echo 'wheel:*::' >>/etc/gshadow
find / -xdev -nogroup -exec chgrp -h root {} +
find / -xdev -nouser -exec chown -h root {} +
# These would bring Debian's groups back at the first boot.
rm -f /usr/lib/sysusers.d/basic*.conf /usr/lib/sysusers.d/debian*.conf

cat >/etc/sudoers <<'SUDOERS'
Defaults   !visiblepw
Defaults    always_set_home
Defaults    match_group_by_gid
Defaults    env_reset
Defaults    env_keep =  "COLORS DISPLAY HOSTNAME HISTSIZE KDEDIR LS_COLORS"
Defaults    env_keep += "MAIL PS1 PS2 QTDIR USERNAME LANG LC_ADDRESS LC_CTYPE"
Defaults    env_keep += "LC_COLLATE LC_IDENTIFICATION LC_MEASUREMENT LC_MESSAGES"
Defaults    env_keep += "LC_MONETARY LC_NAME LC_NUMERIC LC_PAPER LC_TELEPHONE"
Defaults    env_keep += "LC_TIME LC_ALL LANGUAGE LINGUAS _XKB_CHARSET XAUTHORITY"
Defaults    secure_path = /sbin:/bin:/usr/sbin:/usr/bin
root	ALL=(ALL) 	ALL
%wheel	ALL=(ALL)	ALL
#includedir /etc/sudoers.d
SUDOERS
chmod 440 /etc/sudoers

sed -i 's|^SHELL=.*|SHELL=/bin/bash|' /etc/default/useradd
sed -i -E '/^#?\s*CREATE_HOME/d' /etc/login.defs
printf 'CREATE_HOME yes\nSYS_UID_MIN 201\nSYS_GID_MIN 201\n' >>/etc/login.defs
rm -f /usr/sbin/adduser /usr/sbin/addgroup /usr/sbin/deluser /usr/sbin/delgroup
ln -s useradd /usr/sbin/adduser
for stack in system-auth password-auth; do
  printf '%s\n' 'auth include common-auth' 'account include common-account' 'password include common-password' 'session include common-session' >"/etc/pam.d/$stack"
done

mkdir -p /etc/profile.d
echo '[ -n "$LANG" ] || { [ -f /etc/locale.conf ] && . /etc/locale.conf && export LANG; }' >/etc/profile.d/lang.sh
echo 'for file in /etc/profile.d/*.sh; do [ -r "$file" ] && . "$file"; done' >/etc/bashrc
rm -f /etc/skel/.profile /etc/skel/.bash_logout /root/.profile
for home in /etc/skel /root; do
  echo '[ -f /etc/bashrc ] && . /etc/bashrc' >"$home/.bashrc"
  echo '[ -f ~/.bashrc ] && . ~/.bashrc' >"$home/.bash_profile"
done

LAB_PUBLIC_KEY=$(cat "$lab/keys/id_ed25519.pub") sh "$lab/host/users.sh"
usermod -aG wheel admin
