# On Rocky 8 no python3 is on PATH; dnf and firewalld run on the platform's own.
if [ "$major" = 8 ]; then
  mv /usr/bin/python3.11 /usr/libexec/platform-python3.11
  ln -s platform-python3.11 /usr/libexec/platform-python
  rm -f /usr/bin/python3 /usr/bin/py3* /usr/bin/pdb3* /usr/bin/pydoc3* /usr/bin/pygettext3*
  for file in $(grep -lE '^#! ?/usr/bin/(env )?python3' /usr/bin/* /usr/sbin/* 2>/dev/null); do
    [ -L "$file" ] || sed -i '1s|^#!.*python3|#!/usr/libexec/platform-python|' "$file"
  done
else
  ln -s ../bin/python3 /usr/libexec/platform-python
fi
