# Set-up: everything that must be there before a command of Berth can run. Each step looks first and acts only where needed,
# so that a broken-off set-up is finished by the next one. Sourced by ./berth.

# with_setup_lock COMMAND…: two set-ups on one cache wait for each other.
with_setup_lock() {
  mkdir -p "$BERTH_CACHE" 2>/dev/null || die "cannot write $BERTH_CACHE" 'run as root, or set BERTH_CACHE to a directory of yours'
  exec 8>"$BERTH_CACHE/setup.lock"
  if ! flock -n 8; then
    say '  … another set-up is at work; waiting for it'
    flock 8
  fi
  "$@"
  exec 8>&-
}

# setup: for running boxes on this machine.
setup() {
  check_machine
  check_root "${1:-up}"
  check_state_path
  with_setup_lock setup_steps "${1:-up}"
}

setup_steps() {
  local binaries image
  binaries=$BERTH_CACHE/bin/$(rust_hash) image=$BERTH_CACHE/images/default-$(image_hash)
  if [[ ! -d $image || ! -d $binaries ]]; then
    say "${say_bold}Setting up Berth${say_off} (state $BERTH_STATE, cache $BERTH_CACHE)"
    check_disk "$BERTH_CACHE"
    check_disk "$BERTH_STATE"
  fi
  install_packages
  make_user
  install_node
  begin_runsc "$1"
  install_node_modules
  install_binaries
  install_image
  end_runsc
  export BERTH_GUEST_BINARY=$binaries_home/berth-guest BERTH_HELPER_BINARY=$binaries_home/berth-helper BERTH_IMAGE_ROOTFS=$image_home/rootfs
}

# setup_client: for commands that only speak to a server, which need Node and the npm packages, and no root once those are there.
setup_client() {
  check_machine
  [[ -x $node ]] && "$node" "$berth_home/scripts/installed-packages.ts" "$berth_home" && return
  if ((EUID != 0)) && [[ ! -w $BERTH_CACHE ]]; then
    export BERTH_CACHE=$HOME/.cache/berth
    die "Node and the npm packages are not installed yet" "run once: sudo $0 up --detach   (or set BERTH_CACHE to a directory of yours)"
  fi
  with_setup_lock setup_client_steps
}

setup_client_steps() {
  install_node
  install_node_modules
}
