# PostgreSQL $pgmajor as PGDG lays it out on EL: all below /usr/pgsql-NN. Debian's binaries look for their files at paths that
# were compiled in, so those are links.
stage=$work/stage/postgresql-$pgmajor
lists=$work/lists/postgresql-$pgmajor
prefix=usr/pgsql-$pgmajor
server=$payload/postgresql-$pgmajor
client=$payload/postgresql-client-$pgmajor
# of_major FILE TARGET MODE: a file of the recipe, for this major version.
of_major() {
  sed "s/@major@/$pgmajor/g" "$recipe/postgresql/$1" >"$2"
  chmod "$3" "$2"
}

mkdir -p "$lists" "$stage/$prefix" "$stage/usr/lib/postgresql/$pgmajor" "$stage/usr/share/postgresql" "$stage/usr/bin" \
  "$stage/usr/lib/systemd/system" "$stage/usr/lib/tmpfiles.d" "$stage/etc/pam.d" \
  "$stage/var/lib/pgsql/$pgmajor/data" "$stage/var/lib/pgsql/$pgmajor/backups"
cp -a "$server/usr/lib/postgresql/$pgmajor/bin" "$server/usr/lib/postgresql/$pgmajor/lib" "$stage/$prefix/"
cp -a "$client/usr/lib/postgresql/$pgmajor/bin/." "$stage/$prefix/bin/"
cp -a "$server/usr/share/postgresql/$pgmajor" "$stage/$prefix/share"
cp -an "$client/usr/share/postgresql/$pgmajor/." "$stage/$prefix/share/"
cp -a "$payload"/libpq5/usr/lib/x86_64-linux-gnu/libpq.so.5* "$stage/$prefix/lib/"
# Just-in-time compilation would need LLVM on the host, and pgcrypto of 17 an OpenSSL that the host does not have.
rm -rf "$stage/$prefix/lib/bitcode" "$stage/$prefix/lib"/llvmjit* "$stage/$prefix/share/man" "$stage/$prefix/share/contrib"
[ "$pgmajor" = 15 ] || rm -f "$stage/$prefix"/lib/pgcrypto.so "$stage/$prefix"/share/extension/pgcrypto*
find "$stage/$prefix" -xtype l -delete
for part in bin lib; do ln -s "/$prefix/$part" "$stage/usr/lib/postgresql/$pgmajor/$part"; done
ln -s "/$prefix/share" "$stage/usr/share/postgresql/$pgmajor"
ln -sf postgres "$stage/$prefix/bin/postmaster"
ln -s "/$prefix/bin/postgresql-$pgmajor-setup" "$stage/usr/bin/postgresql-$pgmajor-setup"
of_major setup "$stage/$prefix/bin/postgresql-$pgmajor-setup" 755
of_major check-db-dir "$stage/$prefix/bin/postgresql-$pgmajor-check-db-dir" 755
of_major postgresql.service "$stage/usr/lib/systemd/system/postgresql-$pgmajor.service" 644
echo 'd /run/postgresql 0755 postgres postgres -' >"$stage/usr/lib/tmpfiles.d/postgresql-$pgmajor.conf"
printf '#%%PAM-1.0\nauth include password-auth\naccount include password-auth\n' >"$stage/etc/pam.d/postgresql"
echo "/$prefix/lib/" >"$stage/$prefix/share/postgresql-$pgmajor-libs.conf"

# What PGDG's patches do to the defaults. The socket directory is compiled into Debian's binaries already.
sed -i "$stage/$prefix/share/postgresql.conf.sample" \
  -e "s|^#logging_collector = off|logging_collector = on|" \
  -e "s|^#log_filename = .*|log_filename = 'postgresql-%a.log'|" \
  -e "s|^#log_truncate_on_rotation = off|log_truncate_on_rotation = on|" \
  -e "s|^#log_rotation_size = 10MB|log_rotation_size = 0|" \
  -e "s|^#unix_socket_directories = .*|unix_socket_directories = '/run/postgresql, /tmp'|"

# Which of the four packages a file is in. What a server needs to start is not in contrib.
of_client=' clusterdb createdb createuser dropdb dropuser pg_basebackup pg_config pg_dump pg_dumpall pg_isready pg_receivewal pg_restore psql reindexdb vacuumdb '
of_contrib=' oid2name pgbench vacuumlo pg_amcheck pg_recvlogical '
of_server='/(plpgsql|dict_snowball|libpqwalreceiver|pgoutput|[^/]*utf8_and|[^/]*_and_|euc2004)'
(
  cd "$stage"
  echo "%dir /$prefix
%dir /$prefix/bin
/$prefix/share/psqlrc.sample
/usr/lib/postgresql/$pgmajor/bin" >"$lists/client"
  echo "%dir /$prefix/lib
%attr(644,root,root) /$prefix/share/postgresql-$pgmajor-libs.conf" >"$lists/libs"
  for file in "$prefix"/bin/*; do
    case $of_client in *" ${file##*/} "*) echo "/$file" >>"$lists/client"; continue ;; esac
    case $of_contrib in *" ${file##*/} "*) echo "/$file" >>"$lists/contrib"; continue ;; esac
    echo "/$file" >>"$lists/server"
  done
  for file in "$prefix"/lib/*; do
    case $file in
    */libpq.so.*) echo "/$file" >>"$lists/libs" ;;
    *.so) if echo "$file" | grep -qE "$of_server"; then echo "/$file" >>"$lists/server"; else echo "/$file" >>"$lists/contrib"; fi ;;
    esac
  done
  for file in "$prefix"/share/*; do
    case $file in */extension | */psqlrc.sample | *-libs.conf) ;; *) echo "/$file" >>"$lists/server" ;; esac
  done
  for file in "$prefix"/share/extension/*; do
    case $file in */plpgsql*) echo "/$file" >>"$lists/server" ;; *) echo "/$file" >>"$lists/contrib" ;; esac
  done
)
build "$recipe/postgresql/postgresql.spec" "pgdg-$pgmajor" ".rhel$major" stage "$stage" lists "$lists" pgmajor "$pgmajor" \
  version "$(version_of "postgresql-$pgmajor")"
