#!/bin/sh
# Prints the distribution's own PostgreSQL packages, one a line: version, release, and the stream of the module they are in.
#
#   streams.sh MAJOR
case $1 in
8) echo '10.23 1.module_el8+10 10
12.18 1.module_el8+12 12
13.14 1.module_el8+13 13
15.6 1.module_el8+15 15
16.2 1.module_el8+16 16' ;;
9) echo '13.14 1.el9
15.6 1.module_el9+15 15
16.2 1.module_el9+16 16' ;;
esac
