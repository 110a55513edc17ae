# The pinned Node and npm, and the npm packages of the lock file. Sourced by ./berth.

node_hash=$(hash_of_text "$(<"$toolchain_manifest/package-lock.json")")
readonly node_hash
readonly node_home="$BERTH_CACHE/node/$node_hash"
readonly node="$node_home/node_modules/node-linux-$machine/bin/node"
readonly npm_cli="$node_home/node_modules/npm/bin/npm-cli.js"

install_node() {
  [[ -x $node && -f $npm_cli ]] && return
  # The pinned Node is linked with libatomic, which a minimal Debian has not.
  local needed=()
  compgen -G '/usr/lib/*/libatomic.so.1' >/dev/null || needed+=(libatomic1)
  command -v npm >/dev/null || needed+=(npm ca-certificates)
  if ((${#needed[@]})); then
    check_root up
    step "installing packages: ${needed[*]}" 'is a Debian mirror reachable? try: apt-get update' apt_install "${needed[@]}"
  fi
  step 'installing the pinned Node and npm' 'is an npm registry reachable? try: npm ping' fetch_node
}

# fetch_node: whole or not at all, by way of a directory of its own.
fetch_node() {
  local temporary="$BERTH_CACHE/node/.$node_hash.$$"
  mkdir -p "$temporary"
  cp "$toolchain_manifest/package.json" "$toolchain_manifest/package-lock.json" "$temporary/"
  (cd "$temporary" && npm ci --ignore-scripts --no-audit --no-fund)
  "$temporary/node_modules/node-linux-$machine/bin/node" --version
  rm -rf "$node_home"
  mv "$temporary" "$node_home"
  find "$BERTH_CACHE/node" -mindepth 1 -maxdepth 1 -name '.*' -mmin +60 -exec rm -rf {} +
}

# The pinned npm looks for machine-wide settings beside itself; those of the machine are meant.
for npmrc in /etc/npmrc /usr/etc/npmrc /usr/local/etc/npmrc; do
  if [[ -z ${NPM_CONFIG_GLOBALCONFIG:-} && -f $npmrc ]]; then export NPM_CONFIG_GLOBALCONFIG=$npmrc; fi
done

# install_node_modules: what the lock file says, unless exactly that is there already.
install_node_modules() {
  local hash
  hash=$(hash_of_text "$berth_home $(<"$berth_home/package-lock.json")")
  [[ -f $berth_home/node_modules/.package-lock.json ]] && stamped "node-modules-$(hash_of_text "$berth_home")" "$hash" && return
  "$node" "$berth_home/scripts/installed-packages.ts" "$berth_home" ||
    step 'installing npm packages from the lock file' 'is an npm registry reachable? try: npm ping' \
      "$node" "$npm_cli" --prefix "$berth_home" ci --ignore-scripts --no-audit --no-fund
  stamp "node-modules-$(hash_of_text "$berth_home")" "$hash"
}
