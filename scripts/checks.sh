# What must hold before anything is installed. Sourced by ./berth.

readonly needed_disk_mib=3072

check_machine() {
  [[ $(uname -s) == Linux ]] || die "Berth runs on Linux; this is $(uname -s)" 'use a Linux machine or virtual machine'
  [[ $machine != unsupported ]] || die "the processor architecture $(uname -m) is not supported" 'x86_64 and aarch64 are'
}

check_root() {
  ((EUID == 0)) || die "'$1' needs root: boxes are made of namespaces, mounts and network devices" "run: sudo $0 $1"
}

# Unix sockets live below the state directory, and their paths end at 107 bytes.
check_state_path() {
  local longest="$BERTH_STATE/run/boxes/dbx_0000000000000000000000/host.sock"
  ((${#longest} < 108)) || die "the state directory's path is too long (${#BERTH_STATE} bytes, $((${#BERTH_STATE} - ${#longest} + 107)) at most): $BERTH_STATE" \
    'set BERTH_STATE to a shorter path'
  [[ $BERTH_STATE =~ ^[A-Za-z0-9/._+-]+$ ]] || die "the state directory's path has characters other than letters, digits and /._+-: $BERTH_STATE"
}

# check_disk DIRECTORY: room for the first set-up, on the file system that will hold the directory.
check_disk() {
  local directory=$1 free
  while [[ ! -d $directory ]]; do directory=$(dirname "$directory"); done
  free=$(df --output=avail -BM "$directory" | tail -n 1 | tr -dc 0-9)
  ((free >= needed_disk_mib)) || die "only $free MiB free at $directory; the first set-up needs about $needed_disk_mib MiB" \
    'free some space, or set BERTH_CACHE and BERTH_STATE to another disk'
}
