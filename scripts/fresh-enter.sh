#!/bin/bash
# First process of the fresh machine: fresh-enter.sh ROOT COMMAND. Makes ROOT the root directory and runs the command in the clone there.
set -euo pipefail
root=$1 command=$2

mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
hostname fresh
mkdir -p "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
rmdir /.old

environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8)
for name in NODE_EXTRA_CA_CERTS SSL_CERT_FILE http_proxy https_proxy no_proxy CI; do
  if [[ -n ${!name:-} ]]; then environment+=("$name=${!name}"); fi
done
cd /root/berth
env -i "${environment[@]}" bash -c "$command" </dev/null
