# Locales beyond the English ones of the image; the package compiles its locale when it is installed.
build "$recipe/langpack/glibc-langpack.spec" BaseOS ".el$major" language de locale de_DE
build "$recipe/langpack/glibc-langpack.spec" BaseOS ".el$major" language fr locale fr_FR
