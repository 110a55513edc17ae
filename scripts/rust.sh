# Guest, helper and sudo: small static Rust programs, built once for their sources. Sourced by ./berth.

readonly oldest_rust_minor=85

# rust_bin: the directory of a cargo that is new enough, or nothing.
rust_bin() {
  local cargo
  for cargo in "$(command -v cargo)" "$HOME/.cargo/bin/cargo" /usr/local/cargo/bin/cargo /usr/bin/cargo; do
    [[ -x $cargo ]] && cargo_fits "$cargo" && dirname "$cargo" && return
  done
  return 1
}

cargo_fits() {
  local version
  version=$("$1" --version 2>/dev/null) && [[ $version =~ ^cargo\ ([0-9]+)\.([0-9]+) ]] &&
    ((BASH_REMATCH[1] > 1 || BASH_REMATCH[2] >= oldest_rust_minor))
}

install_rust() {
  rust_bin >/dev/null && return
  step 'installing a Rust tool chain (rustc-web, cargo-web)' "install Rust 1.$oldest_rust_minor or newer yourself" apt_install rustc-web cargo-web
  rust_bin >/dev/null || die "no cargo of version 1.$oldest_rust_minor or newer" 'install a current Rust tool chain'
}

# rust_hash: of the sources the binaries are made of.
rust_hash() {
  (cd "$berth_home" && find Cargo.toml Cargo.lock packages/guest/agent packages/guest/protocol packages/guest/sudo packages/host/helper -type f \
    \( -name '*.rs' -o -name 'Cargo.*' -o -name '*.proto' -o -name '*.toml' \) -not -path '*/target/*' -not -path '*/fuzz/*' -print0 2>/dev/null |
    sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}

install_binaries() {
  binaries_home="$BERTH_CACHE/bin/$(rust_hash)"
  [[ -x $binaries_home/berth-guest && -x $binaries_home/berth-helper && -x $binaries_home/berth-sudo ]] && return
  install_rust
  step 'building the guest agent and the host helper' 'is a crates registry reachable? see the log' build_binaries "$binaries_home"
}

# build_binaries DIRECTORY: whole or not at all. --target keeps static linking away from build scripts and macros.
build_binaries() {
  local target=$1 temporary="$BERTH_CACHE/bin/.partial.$$" built="$BERTH_CACHE/target/$rust_target/release"
  PATH="$(rust_bin):$PATH"
  (cd "$berth_home" && CARGO_TARGET_DIR="$BERTH_CACHE/target" RUSTFLAGS='-C target-feature=+crt-static' \
    cargo build --release --locked --workspace --bins --target "$rust_target")
  mkdir -p "$temporary"
  install -m 755 "$built"/berth-{guest,helper,sudo} "$temporary/"
  rm -rf "$target"
  mv "$temporary" "$target"
  chmod 755 "$BERTH_CACHE" "$BERTH_CACHE/bin" "$target"
  rm -rf "$BERTH_CACHE"/bin/.partial.*
}
