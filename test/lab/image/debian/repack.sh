#!/bin/sh
# Makes packages quick to install: nothing that a test host would leave out or never use, Python's modules compiled, hardly compressed.
# LAB_ROOT is the root file system that has a Python in lab-repack/python.
#
#   repack.sh DEB...
set -eu

# The package's own digests no longer have what was left out.
keep_sums_of_files() {
  [ -e "$1/DEBIAN/md5sums" ] || return 0
  while read -r sum file; do
    [ ! -e "$1/$file" ] || echo "$sum  $file"
  done <"$1/DEBIAN/md5sums" >"$1/DEBIAN/md5sums.new"
  mv "$1/DEBIAN/md5sums.new" "$1/DEBIAN/md5sums"
}

# Just-in-time compilation needs LLVM, the largest of all packages; PostgreSQL goes without when its library is not there.
without_jit() {
  find "$1/usr/lib/postgresql" -name 'llvmjit*' -delete
  rm -rf "$1"/usr/lib/postgresql/*/lib/bitcode
  sed -i 's/, libllvm[^,]*//' "$1/DEBIAN/control"
}

# Modules that the package's script would compile on every host come compiled.
with_compiled_python() {
  python=$(cd "$LAB_ROOT/lab-repack/python/usr/bin" && echo python3.*)
  for modules in "$1"/usr/lib/python3*; do
    [ -d "$modules" ] || continue
    # Some packages have files that are not meant for this version, which their scripts pass over as well.
    chroot "$LAB_ROOT" env PYTHONHOME=/lab-repack/python/usr "/lab-repack/python/usr/bin/$python" \
      -m compileall -q -s "${1#"$LAB_ROOT"}" "${modules#"$LAB_ROOT"}" >/dev/null || :
  done
  [ ! -e "$1/DEBIAN/postinst" ] ||
    sed -i 's/^\([[:space:]]*\)py3compile .*/\1:/; s/^\([[:space:]]*\)[^ ]*python3[.0-9]* -E -S .*py_compile\.py .*/\1:/' "$1/DEBIAN/postinst"
}

for deb; do
  folder=$LAB_ROOT/lab-repack/$(basename "$deb" .deb)
  dpkg-deb --raw-extract "$deb" "$folder"
  rm -rf "$folder/usr/share/man" "$folder/usr/share/locale" "$folder/usr/share/lintian" "$folder/usr/share/bug"
  [ ! -d "$folder/usr/share/doc" ] || find "$folder/usr/share/doc" ! -type d ! -name copyright -delete
  case $deb in
  */postgresql-[0-9]*) without_jit "$folder" ;;
  */python3* | */libpython3* | */patroni_*) with_compiled_python "$folder" ;;
  esac
  keep_sums_of_files "$folder"
  dpkg-deb -Zzstd -z1 --build "$folder" "$deb" >/dev/null
  rm -r "$folder"
done
