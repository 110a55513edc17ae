# Where things are. Every value can be set from outside. Sourced by ./berth.

export BERTH_STATE=${BERTH_STATE:-/var/lib/berth}
export BERTH_CACHE=${BERTH_CACHE:-/var/cache/berth}
export HOME=${HOME:-/root}
[[ $BERTH_STATE == /* ]] || BERTH_STATE=$PWD/$BERTH_STATE
[[ $BERTH_CACHE == /* ]] || BERTH_CACHE=$PWD/$BERTH_CACHE

# The pinned versions are those of the lock file beside this package.json.
readonly toolchain_manifest="$berth_home/packages/cli/toolchain"

case $(uname -m) in
  x86_64) readonly machine=x64 rust_target=x86_64-unknown-linux-gnu ;;
  aarch64) readonly machine=arm64 rust_target=aarch64-unknown-linux-gnu ;;
  *) readonly machine=unsupported rust_target=unsupported ;;
esac

# hash_of FILE…: one short hash of the contents and names of files.
hash_of() { sha256sum -- "$@" | sha256sum | cut -c1-16; }

# hash_of_text TEXT
hash_of_text() { printf '%s' "$1" | sha256sum | cut -c1-16; }

# stamped NAME HASH: whether the set-up step NAME was finished for this very input.
stamped() {
  local have=''
  [[ -f $BERTH_CACHE/stamps/$1 ]] && read -r have <"$BERTH_CACHE/stamps/$1"
  [[ $have == "$2" ]]
}

# stamp NAME HASH
stamp() {
  mkdir -p "$BERTH_CACHE/stamps"
  printf '%s\n' "$2" >"$BERTH_CACHE/stamps/.$1.$$"
  mv -f "$BERTH_CACHE/stamps/.$1.$$" "$BERTH_CACHE/stamps/$1"
}
