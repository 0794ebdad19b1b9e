# `semanage` comes with a package that a minimal installation lacks; see ../host/selinux.sh for what answers it.
build "$recipe/selinux/policycoreutils-python-utils.spec" AppStream ".el$major"
