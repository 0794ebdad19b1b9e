# PostgreSQL 15 as PGDG lays it out on EL: all below /usr/pgsql-15. Debian's binaries look for their files at paths that
# were compiled in, so those are links.
stage=$work/stage/postgresql
lists=$work/lists/postgresql
prefix=usr/pgsql-15
server=$payload/postgresql-15
client=$payload/postgresql-client-15

mkdir -p "$lists" "$stage/$prefix" "$stage/usr/lib/postgresql/15" "$stage/usr/share/postgresql" "$stage/usr/bin" \
  "$stage/usr/lib/systemd/system" "$stage/usr/lib/tmpfiles.d" "$stage/etc/pam.d" \
  "$stage/var/lib/pgsql/15/data" "$stage/var/lib/pgsql/15/backups"
cp -a "$server/usr/lib/postgresql/15/bin" "$server/usr/lib/postgresql/15/lib" "$stage/$prefix/"
cp -a "$client/usr/lib/postgresql/15/bin/." "$stage/$prefix/bin/"
cp -a "$server/usr/share/postgresql/15" "$stage/$prefix/share"
cp -an "$client/usr/share/postgresql/15/." "$stage/$prefix/share/"
cp -a "$payload"/libpq5/usr/lib/x86_64-linux-gnu/libpq.so.5* "$stage/$prefix/lib/"
# Just-in-time compilation would need LLVM on the host.
rm -rf "$stage/$prefix/lib/bitcode" "$stage/$prefix/lib"/llvmjit* "$stage/$prefix/share/man" "$stage/$prefix/share/contrib"
find "$stage/$prefix" -xtype l -delete
for part in bin lib; do ln -s "/$prefix/$part" "$stage/usr/lib/postgresql/15/$part"; done
ln -s "/$prefix/share" "$stage/usr/share/postgresql/15"
ln -sf postgres "$stage/$prefix/bin/postmaster"
ln -s "/$prefix/bin/postgresql-15-setup" "$stage/usr/bin/postgresql-15-setup"
install -m 755 "$recipe/postgresql/postgresql-15-setup" "$recipe/postgresql/postgresql-15-check-db-dir" "$stage/$prefix/bin/"
install -m 644 "$recipe/postgresql/postgresql-15.service" "$stage/usr/lib/systemd/system/"
echo 'd /run/postgresql 0755 postgres postgres -' >"$stage/usr/lib/tmpfiles.d/postgresql-15.conf"
printf '#%%PAM-1.0\nauth include password-auth\naccount include password-auth\n' >"$stage/etc/pam.d/postgresql"
echo "/$prefix/lib/" >"$stage/$prefix/share/postgresql-15-libs.conf"

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
/usr/lib/postgresql/15/bin" >"$lists/client"
  echo "%dir /$prefix/lib
%attr(644,root,root) /$prefix/share/postgresql-15-libs.conf" >"$lists/libs"
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
build "$recipe/postgresql/postgresql15.spec" pgdg-15 ".rhel$major" stage "$stage" lists "$lists" version "$(version_of postgresql-15)"
