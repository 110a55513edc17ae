# ./berth test fresh: Berth on a plain minimal Debian, made for the purpose, in namespaces of its own. Sourced by ./berth.

# run_fresh [quickstart|unit|integration|all]: what is run there; quickstart by default.
run_fresh() {
  local what=${1:-quickstart} command
  case $what in
    quickstart) command='./berth quickstart && ./berth down --all' ;;
    unit | integration | all) command="./berth test $what" ;;
    *) die "unknown: $what" './berth test fresh [quickstart|unit|integration|all]' ;;
  esac
  check_machine
  check_root 'test fresh'
  with_setup_lock install_packages
  fresh_home=$BERTH_CACHE/fresh/$$
  fresh_network=bfresh$(($$ % 100000))
  trap leave_fresh EXIT
  step 'making a minimal Debian bookworm' 'is a Debian mirror reachable?' make_fresh "$fresh_home"
  step 'connecting it to the network' 'see the log' connect_fresh "$fresh_network"
  say "running there: $command"
  local status=0
  nsenter --net="/run/netns/$fresh_network" unshare --mount --pid --uts --ipc --fork --kill-child --propagation private \
    bash "$berth_home/scripts/fresh-enter.sh" "$fresh_home/rootfs" "$command" || status=$?
  if ((status)); then printf '0 passed, 1 failed\n'; else printf '1 passed, 0 failed\n'; fi
  return "$status"
}

# make_fresh DIRECTORY: a file system with nothing but Debian's minimal set and certificates, and a clone of the last commit.
make_fresh() {
  local root=$1/rootfs recipe=$berth_home/packages/host/images/default mirrors options
  source "$recipe/mirrors.sh"
  source "$recipe/customize.sh"
  mkdir -p "$1"
  chmod 755 "$BERTH_CACHE/fresh" "$1"
  mapfile -t mirrors < <(debian_sources bookworm)
  mapfile -t options < <(apt_options | sed 's/^/--aptopt=/')
  mmdebstrap --mode=root --format=directory --variant=minbase --include=ca-certificates "${options[@]}" bookworm "$root" "${mirrors[@]}"
  trust_host_certificates "$root"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  local settings
  for settings in /etc/pip.conf /etc/npmrc /usr/etc/npmrc; do
    if [[ -f $settings ]]; then install -D -m 644 "$settings" "$root$settings"; fi
  done
  git clone --quiet --no-hardlinks "file://$berth_home" "$root/root/berth"
}

# connect_fresh NAME: a network namespace of that name, routed and translated.
connect_fresh() {
  local name=$1 third=$(($$ % 250)) uplink
  uplink=172.31.$third
  ip netns add "$name"
  ip link add "$name" type veth peer name eth0 netns "$name"
  ip address add "$uplink.1/24" dev "$name"
  ip link set "$name" up
  ip -n "$name" address add "$uplink.2/24" dev eth0
  ip -n "$name" link set lo up
  ip -n "$name" link set eth0 up
  ip -n "$name" route add default via "$uplink.1"
  echo 1 >/proc/sys/net/ipv4/ip_forward
  nft -f - <<RULES
table ip $name {
  chain out { type nat hook postrouting priority srcnat; ip saddr $uplink.0/24 masquerade; }
  chain pass { type filter hook forward priority filter; iifname "$name" accept; oifname "$name" accept; }
}
RULES
}

# leave_fresh: nothing of it stays. The processes there ended with the first of their namespace.
leave_fresh() {
  nft delete table ip "$fresh_network" 2>/dev/null || true
  ip link delete "$fresh_network" 2>/dev/null || true
  ip netns delete "$fresh_network" 2>/dev/null || true
  detach_fresh_loops
  rm -rf --one-file-system "$fresh_home"
}

# detach_fresh_loops: volumes that a killed Berth there had attached.
detach_fresh_loops() {
  local device file
  while read -r device file; do
    [[ $file != "$fresh_home"/* ]] || losetup --detach "$device" || true
  done < <(losetup --list --noheadings --output NAME,BACK-FILE)
}
