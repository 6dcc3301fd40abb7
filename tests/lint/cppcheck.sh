#!/bin/bash
# cppcheck over the program.  No "style" checks: they argue with the compilers' warnings.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec cppcheck -j 2 --std=c11 --enable=warning,performance,portability --inline-suppr \
    --error-exitcode=2 -q -D_GNU_SOURCE -Ifcgi -I. fcgi db
