# The default image of boxes. Sourced by ./berth.

# image_hash: everything the image is made of: its recipe, the pinned Node, and what it copies from this machine.
image_hash() {
  local recipe=$berth_home/packages/host/images/default files
  mapfile -t files < <(find "$recipe" /usr/local/share/ca-certificates /etc/pip.conf /etc/npmrc /usr/etc/npmrc /usr/local/etc/npmrc -type f 2>/dev/null | sort)
  (cd / && hash_of_contents "${files[@]#"$berth_home/"}")
}

# hash_of_contents FILE…: as hash_of, for files of the repository by their path in it, so that clones share an image.
hash_of_contents() {
  local file
  for file in "$@"; do
    [[ $file == /* ]] || file="$berth_home/$file"
    printf '%s ' "${file#"$berth_home/"}"
    sha256sum <"$file"
  done | sort | { cat; cat "$toolchain_manifest/package-lock.json"; } | sha256sum | cut -c1-16
}

install_image() {
  image_home="$BERTH_CACHE/images/default-$(image_hash)"
  [[ -d $image_home/rootfs ]] && return
  step 'building the default image (Debian bookworm, about 110 MB to fetch)' 'is a Debian mirror reachable? try: apt-get update' build_image "$image_home"
}

# build_image DIRECTORY: whole or not at all; earlier attempts that were broken off are removed.
build_image() {
  local target=$1 temporary="$1.partial"
  mkdir -p "$BERTH_CACHE/images"
  chmod 755 "$BERTH_CACHE" "$BERTH_CACHE/images"
  remove_partial_image "$temporary"
  mkdir -p "$temporary"
  "$berth_home/packages/host/images/default/build.sh" "$temporary/rootfs" "$node_home"
  rm -rf "$target"
  mv "$temporary" "$target"
}

# remove_partial_image DIRECTORY: an attempt that was killed may have left mounts inside.
remove_partial_image() {
  local mount
  [[ -e $1 ]] || return 0
  awk -v inside="$1/" 'index($5, inside) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r mount; do umount -l "$mount"; done
  rm -rf --one-file-system "$1"
}
