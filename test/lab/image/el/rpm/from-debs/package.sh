# Makes a package of each line of the table.
sed '/^#/d' "$recipe/from-debs/table" | while IFS='|' read -r name repository requires suite debs; do
  stage=$work/stage/$name
  mkdir -p "$stage"
  for deb in $debs; do
    (cd "$payload/$deb" && find . \( -type f -o -type l \) ! -path './usr/share/*' ! -path './etc/init.d/*' ! -path './etc/default/*' ! -path './lib/systemd/*' | tar -c -T - | tar -x -C "$stage")
  done
  (cd "$stage" && find . \( -type f -o -type l \) | sed 's|^\.||') >"$stage.files"
  case $repository in pgdg-*) dist=.rhel$major ;; *) dist=.el$major ;; esac
  build "$recipe/from-debs/from-debs.spec" "$repository" "$dist" stage "$stage" \
    name "$name" version "$(version_of "${debs%% *}")" requires "${requires:-bash}"
done
