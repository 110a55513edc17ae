#!/bin/bash
# Builds the default image's root file system: build.sh OUTPUT-DIRECTORY NODE-HOME
# NODE-HOME holds node_modules/{node-linux-*,npm} of the pinned versions. Needs root and mmdebstrap. The caller makes it atomic.
set -euo pipefail
umask 022

readonly output=$1 node_home=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here suite=bookworm
source "$here/mirrors.sh"
source "$here/customize.sh"

mapfile -t packages < <(sed '/^#/d;/^$/d' "$here/packages.txt")
mapfile -t mirrors < <(debian_sources "$suite")
mapfile -t options < <(apt_options | sed 's/^/--aptopt=/')

echo "root file system of Debian $suite with ${#packages[@]} packages"
mmdebstrap --mode=root --format=directory --variant=minbase \
  --include="$(IFS=,; echo "${packages[*]}")" \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' "${options[@]}" \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-include=/usr/share/locale/locale.alias' \
  --dpkgopt='path-exclude=/usr/share/lintian/*' \
  "$suite" "$output" "${mirrors[@]}"

echo 'users, shells, certificates, registries'
install_node "$output" "$node_home"
make_locales "$output"
make_user "$output"
copy_files "$output" "$here/files"
trust_host_certificates "$output"
copy_registry_settings "$output"
forget_build "$output"
echo "done: $(du -sxm "$output" | cut -f1) MiB"
