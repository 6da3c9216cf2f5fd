#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into a folder of its own, checks what is there, and builds and runs each program of
# docs/client.md against it: install.sh SOURCE_TREE BUILD_TREE HOST:PORT
set -eu

source=$1
build=$2
node=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cmake --install "$build" --prefix "$folder/prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$folder/prefix" -name ballast.pc)")
export PKG_CONFIG_PATH
library=$(pkg-config --variable=libdir ballast)
cc=${CC:-cc}

# The shared object shows the public functions and nothing else.
strays=$(nm -D --defined-only "$library/libballast.so" | awk '$3 !~ /^ballast_/ { print $3 }')
if [ -n "$strays" ]; then
    echo "libballast.so shows: $strays"
    exit 1
fi

# The header alone, as C11 and as C++.
echo '#include <ballast/ballast.h>' >"$folder/header.c"
# shellcheck disable=SC2046
$cc -std=c11 -pedantic -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags ballast) \
    "$folder/header.c"
if command -v c++ >/dev/null; then
    # shellcheck disable=SC2046
    c++ -x c++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags ballast) \
        "$folder/header.c"
fi

awk -v folder="$folder" '
    /^```c$/ { inside = 1; file = folder "/program" ++n ".c"; next }
    /^```$/ { inside = 0 }
    inside { print > file }' "$source/docs/client.md"

for program in "$folder"/program*.c; do
    for kind in shared static; do
        if [ $kind = shared ]; then
            libraries="$(pkg-config --libs ballast) -Wl,-rpath,$library"
        else
            libraries="$library/libballast.a $(pkg-config --static --libs-only-l ballast |
                sed 's/-lballast //')"
        fi
        # shellcheck disable=SC2046,SC2086
        $cc -std=c11 -pedantic -Wall -Wextra -Werror -o "$folder/run" \
            $(pkg-config --cflags ballast) "$program" $libraries
        if ! "$folder/run" "$node" >"$folder/said" 2>&1; then
            echo "$(basename "$program"), $kind, of docs/client.md failed:"
            cat "$folder/said"
            exit 1
        fi
    done
done
[ -e "$folder/program4.c" ] || { echo "docs/client.md has lost programs"; exit 1; }

# The tool under the names that people know.
for name in aql asinfo asbench; do
    "$folder/prefix/bin/$name" --help | grep -q '^Usage: ballast ' || { echo "no $name"; exit 1; }
done
