# versitygw, a server that speaks S3: only the tests of the S3 store need it. Built from its pinned module as runsc is. Sourced by ./berth.

readonly versitygw_pin="$berth_home/test/tools/versitygw"

# install_versitygw: exports BERTH_VERSITYGW, or BERTH_VERSITYGW_MISSING with the reason, which the tests tell.
install_versitygw() {
  local home
  home="$BERTH_CACHE/versitygw/$(cd "$versitygw_pin" && hash_of go.mod go.sum)"
  if [[ ! -x $home/versitygw ]]; then
    mkdir -p "$BERTH_CACHE/versitygw"
    go_program >/dev/null || python3 -m pip --version >/dev/null 2>&1 ||
      (step 'installing packages: python3-pip' 'see the log' apt_install python3-pip) || true
    (step 'building versitygw, the S3 server of the tests' 'is the Go module proxy reachable?' build_versitygw "$home") || true
  fi
  if [[ -x $home/versitygw ]]; then
    export BERTH_VERSITYGW=$home/versitygw
  else
    export BERTH_VERSITYGW_MISSING='versitygw, the S3 server of the tests, could not be built: is the Go module proxy reachable?'
  fi
}

# build_versitygw DIRECTORY: whole or not at all.
build_versitygw() {
  local target=$1 go
  temporary="$1.partial.$BASHPID"
  trap 'rm -rf "$temporary"' EXIT
  mkdir -p "$temporary"
  go=$(go_program) || { install_go "$temporary/tools" && go=$temporary/tools/go/bin/go; } || return 1
  local caches=(GOCACHE="$temporary/cache")
  [[ $go != "$temporary"/* ]] || caches+=(GOMODCACHE="$temporary/modules" GOFLAGS=-modcacherw)
  (cd "$versitygw_pin" && env "${caches[@]}" CGO_ENABLED=0 GOTOOLCHAIN=local \
    "$go" build -trimpath -ldflags '-s -w' -o "$temporary/versitygw" github.com/versity/versitygw/cmd/versitygw) || return 1
  mkdir -p "$target"
  mv "$temporary/versitygw" "$target/versitygw"
}
