# Packages of the distribution. Sourced by ./berth.

# missing_packages: the names of what is not there yet, found without asking the package manager (fast).
missing_packages() {
  local missing=()
  has() { command -v "$1" >/dev/null 2>&1 || [[ -x /usr/sbin/$1 || -x /sbin/$1 ]]; }
  has runc || missing+=(runc)
  has buildah || missing+=(buildah)
  has nft || missing+=(nftables)
  has mkfs.btrfs || missing+=(btrfs-progs)
  has mmdebstrap || missing+=(mmdebstrap)
  has ip || missing+=(iproute2)
  has git || missing+=(git)
  has gcc || missing+=(gcc)
  has setpriv || missing+=(util-linux)
  has useradd || missing+=(passwd)
  [[ -e /usr/include/stdio.h ]] || missing+=(libc6-dev)
  [[ -e /etc/ssl/certs/ca-certificates.crt ]] || missing+=(ca-certificates)
  compgen -G '/usr/share/keyrings/debian-archive-keyring.*' >/dev/null || missing+=(debian-archive-keyring)
  [[ -n ${DATABASE_URL:-} ]] || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
  printf '%s\n' "${missing[@]}"
}

# apt_install PACKAGE…: refreshes the package lists only when the packages are not known yet.
apt_install() {
  export DEBIAN_FRONTEND=noninteractive LC_ALL=C
  apt-get install --simulate -qq --no-install-recommends "$@" >/dev/null 2>&1 || apt-get update
  apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@" && return
  # Lists that know the package may still name versions that the mirror has replaced.
  apt-get update
  apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@"
}

# The distribution's PostgreSQL would make and start a cluster of its own on port 5432; Berth runs a private one.
keep_postgres_from_starting() {
  local file=/etc/postgresql-common/createcluster.conf
  [[ -e $file ]] && return
  mkdir -p /etc/postgresql-common
  printf '# Berth keeps a private cluster in its own state directory.\ncreate_main_cluster = false\n' >"$file"
}

# install_packages: repairs a half-configured dpkg, then installs what is missing.
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) && [[ -n ${missing[0]} ]] || return 0
  command -v apt-get >/dev/null || die "these are missing and there is no apt-get to install them: ${missing[*]}" 'install them with your package manager'
  [[ " ${missing[*]} " != *' postgresql '* ]] || keep_postgres_from_starting
  dpkg --audit | grep -q . && step 'repairing half-installed packages' 'see the log' dpkg --configure -a
  step "installing packages: ${missing[*]}" 'is a Debian mirror reachable? try: apt-get update' apt_install "${missing[@]}"
}

# The unprivileged user of server and database.
make_user() {
  getent passwd berth >/dev/null && return
  step "making the system user 'berth'" 'see the log' \
    useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin berth
}
