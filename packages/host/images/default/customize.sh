# What is done to the fresh root file system. Every function takes its directory first. Sourced by build.sh.

# install_node ROOT NODE-HOME: the pinned Node with npm and npx, instead of the distribution's old one.
install_node() {
  local root=$1 home=$2 lib="$1/usr/local/lib/node_modules"
  mkdir -p "$lib"
  cp --reflink=auto "$home"/node_modules/node-linux-*/bin/node "$root/usr/local/bin/node"
  cp -a --reflink=auto "$home/node_modules/npm" "$lib/npm"
  rm -rf "$lib/npm/man" "$lib/npm/docs"
  ln -s node "$root/usr/local/bin/nodejs"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  chmod 755 "$root/usr/local/bin/node"
  chown -R 0:0 "$root/usr/local"
}

# make_locales ROOT: both into the one archive. Left in its directory, C.UTF-8 is a dozen files that each program opens when it starts.
make_locales() {
  chroot "$1" localedef -i en_US -f UTF-8 en_US.UTF-8
  chroot "$1" localedef -i C -f UTF-8 C.UTF-8
  printf 'LANG=C.UTF-8\n' >"$1/etc/default/locale"
}

# make_user ROOT: user 1000 with a home and sudo without a password.
make_user() {
  chroot "$1" useradd --uid 1000 --user-group --create-home --shell /bin/bash --groups sudo user
  chroot "$1" passwd --delete user >/dev/null
  printf 'user ALL=(ALL:ALL) NOPASSWD: ALL\nDefaults env_keep += "LANG LC_ALL NODE_EXTRA_CA_CERTS"\nDefaults !fqdn\n' >"$1/etc/sudoers.d/user"
  chmod 440 "$1/etc/sudoers.d/user"
}

# copy_files ROOT FILES: the start files of shells, and the like.
copy_files() {
  cp -r --no-preserve=ownership,timestamps "$2/." "$1/"
  install -o 1000 -g 1000 -m 644 "$2/etc/skel/.profile" "$2/etc/skel/.bashrc" "$1/home/user/"
  install -m 644 "$2/etc/skel/.profile" "$2/etc/skel/.bashrc" "$1/root/"
}

# trust_host_certificates ROOT: certificate authorities that this machine's administrator added (a proxy's, say) hold in boxes too.
trust_host_certificates() {
  local certificate
  shopt -s nullglob
  for certificate in /usr/local/share/ca-certificates/*.crt; do
    install -D -m 644 "$certificate" "$1/usr/local/share/ca-certificates/$(basename "$certificate")"
  done
  shopt -u nullglob
  chroot "$1" update-ca-certificates
}

# copy_registry_settings ROOT: the machine-wide settings of pip and npm, so that mirrors named there serve boxes as well.
# Settings that name files of this machine are left out, but for the certificate bundle, which is in every box.
copy_registry_settings() {
  local bundle=/etc/ssl/certs/ca-certificates.crt npmrc
  if [[ -f /etc/pip.conf ]]; then
    grep -Ev '^[[:space:]]*find-links' /etc/pip.conf >"$1/etc/pip.conf" || true
  fi
  mkdir -p "$1/usr/local/etc"
  printf 'cafile=%s\nupdate-notifier=false\nfund=false\n' "$bundle" >"$1/usr/local/etc/npmrc"
  for npmrc in /etc/npmrc /usr/etc/npmrc /usr/local/etc/npmrc; do
    [[ -f $npmrc ]] && grep -E '^(@[^=]*:)?registry[[:space:]]*=' "$npmrc" >>"$1/usr/local/etc/npmrc" || true
  done
}

# forget_build ROOT: what belongs to one machine only, and what fills space.
forget_build() {
  rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb "$1"/var/cache/debconf/*-old \
    "$1"/var/log/*.log "$1"/var/log/apt "$1"/tmp/* "$1"/var/tmp/* "$1"/root/.npm "$1"/usr/share/i18n/charmaps
  find "$1/usr/lib/python3" "$1/usr/lib/python3.11" -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
  : >"$1/etc/machine-id"
  : >"$1/etc/resolv.conf"
  printf 'berth\n' >"$1/etc/hostname"
  printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n' >"$1/etc/hosts"
}
