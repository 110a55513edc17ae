#!/bin/bash
# Makes a base image's root file system out of a distribution's packages: build.sh FAMILY SUITE KIND OUTPUT.tar DIRECTORY
# DIRECTORY holds what is needed meanwhile.
# FAMILY is debian or ubuntu; KIND is plain, python (Debian's), node (the one of NODE-HOME, see default/) or stand-in (a Debian that says it stands for
# Ubuntu SUITE). Needs root, mmdebstrap and a mirror. The caller makes it atomic.
set -euo pipefail
umask 022

readonly family=$1 suite=$2 kind=$3 output=$4 directory=$5
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here ubuntu_mirror=${BERTH_UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}
source "$here/../default/mirrors.sh"
source "$here/../default/customize.sh"

# Ubuntu's keys, as its package ubuntu-keyring brings them: known by the sum of that.
readonly keyring_package=pool/main/u/ubuntu-keyring/ubuntu-keyring_2021.03.26_all.deb
readonly keyring_sum=0d0e7ed6b112f5d03eabf3c7eb01ebdacf9c57714b279e90495cfc58c8c4520f

work=$(mktemp -d "$directory/XXXXXX")
chmod 1777 "$work"
trap 'rm -rf --one-file-system "$work"' EXIT

packages=(apt sudo ca-certificates) options=()
case $kind in
  python) packages+=(python3 python3-pip python3-venv python3-dev) ;;
  node) packages+=(libatomic1 libstdc++6 git) ;;
esac
mapfile -t aptopts < <(apt_options | sed 's/^/--aptopt=/')
if [[ $family == ubuntu ]]; then
  /usr/lib/apt/apt-helper download-file "$ubuntu_mirror/$keyring_package" "$work/keyring.deb" "SHA256:$keyring_sum"
  dpkg-deb --extract "$work/keyring.deb" "$work/keyring"
  options+=(--keyring="$work/keyring/usr/share/keyrings/ubuntu-archive-keyring.gpg")
  mirrors=("deb $ubuntu_mirror $suite main universe" "deb $ubuntu_mirror $suite-updates main universe" "deb $ubuntu_mirror $suite-security main universe")
else
  mapfile -t mirrors < <(debian_sources "$suite")
fi

echo "fetching the packages of $family $suite"
TMPDIR=$work mmdebstrap --mode=root --format=directory --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' "${aptopts[@]}" "${options[@]}" \
  --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-include=/usr/share/locale/locale.alias' \
  "$suite" "$work/root" "${mirrors[@]}"

trust_host_certificates "$work/root"
copy_registry_settings "$work/root"
case $kind in
  python)
    ln -s python3 "$work/root/usr/bin/python"
    rm -f "$work"/root/usr/lib/python3*/EXTERNALLY-MANAGED
    ;;
  node) install_node "$work/root" "$BERTH_NODE_HOME" ;;
  stand-in)
    rm -f "$work/root/etc/os-release"
    printf 'NAME="Debian in place of Ubuntu"\nPRETTY_NAME="Debian %s, a local stand-in for Ubuntu %s"\nID=debian\nVERSION_CODENAME=%s\nBERTH_STAND_IN_FOR=ubuntu:%s\n' \
      "$suite" "${BERTH_STAND_IN_FOR:-}" "$suite" "${BERTH_STAND_IN_FOR:-}" >"$work/root/etc/os-release"
    ;;
esac
forget_build "$work/root"
# It spared the disk while the image was made; in images packages are installed as anywhere.
sed -i '/^force-unsafe-io$/d' "$work"/root/etc/dpkg/dpkg.cfg.d/* 2>/dev/null || true
tar --create --file "$output" --directory "$work/root" --numeric-owner --xattrs --one-file-system .
echo "made: $(du -sm "$output" | cut -f1) MiB"
