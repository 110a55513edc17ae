# ./berth test machine: Berth on a machine of its own, a QEMU guest with Debian's kernel and systemd, in each cgroup layout. Sourced by ./berth.

# An emulated processor is 10 to 20 times slower; BERTH_MACHINE_TIMEOUT gives it longer, where it has to share the real one.
readonly machine_patience=20 machine_timeout=${BERTH_MACHINE_TIMEOUT:-90m}

# run_machine [v2|v1|hybrid]…: which layouts; v2 and v1 by default. The tests of the host and its helper run in each.
run_machine() {
  local layout layouts=("$@")
  ((${#layouts[@]})) || layouts=(v2 v1)
  for layout in "${layouts[@]}"; do
    case $layout in
      v2 | v1 | hybrid) ;;
      *) die "unknown cgroup layout: $layout" './berth test machine [v2|v1|hybrid]…' ;;
    esac
  done
  [[ $machine == x64 ]] || die 'a machine for tests is made on x86-64 only'
  setup test
  with_setup_lock install_machine_packages
  install_rust
  machine_home=$BERTH_CACHE/machine/$$
  trap leave_machine EXIT
  mkdir -p "$machine_home"
  chmod 755 "$BERTH_CACHE/machine" "$machine_home"
  step 'making a Debian bookworm with its own kernel' 'is a Debian mirror reachable?' make_machine "$machine_home"
  step 'building the tests of the helper' 'see the log' build_helper_tests "$machine_home/load"
  step 'packing what is tested' 'is there room on the disk?' pack_machine "$machine_home"
  for layout in "${layouts[@]}"; do
    say "       starting a machine with cgroup $layout"
    boot_machine "$machine_home" "$layout"
  done
  printf '%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}

# leave_machine: no machine runs on, nothing of it stays.
leave_machine() {
  local pid
  if [[ -f $machine_home/pid ]]; then
    read -r pid <"$machine_home/pid"
    if grep -qsF "$machine_home/" "/proc/$pid/cmdline"; then kill -KILL "$pid"; fi
  fi
  rm -rf --one-file-system "$machine_home"
}

install_machine_packages() {
  local missing=()
  command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
  [[ -x /sbin/mke2fs ]] || missing+=(e2fsprogs)
  ((${#missing[@]} == 0)) || step "installing packages: ${missing[*]}" 'is a Debian mirror reachable? try: apt-get update' apt_install "${missing[@]}"
}

# make_machine DIRECTORY: root.ext4, kernel and initrd of a minimal Debian that runs the tests and switches itself off.
make_machine() {
  local home=$1 recipe=$berth_home/packages/host/images/default packages mirrors options
  source "$recipe/mirrors.sh"
  packages=systemd-sysv,linux-image-cloud-amd64,runc,nftables,btrfs-progs,iproute2,procps,perl,git,ca-certificates,libatomic1
  mapfile -t mirrors < <(debian_sources bookworm)
  mapfile -t options < <(apt_options | sed 's/^/--aptopt=/')
  mmdebstrap --mode=root --format=directory --variant=minbase --include="$packages" "${options[@]}" bookworm "$home/root" "${mirrors[@]}"
  cp "$home"/root/boot/vmlinuz-* "$home/kernel"
  cp "$home"/root/boot/initrd.img-* "$home/initrd"
  printf 'machine\n' >"$home/root/etc/hostname"
  printf '127.0.0.1\tlocalhost machine\n' >"$home/root/etc/hosts"
  printf 'nameserver 192.0.2.53\n' >"$home/root/etc/resolv.conf"
  cat >"$home/root/etc/systemd/system/berth-test.service" <<'UNIT'
[Unit]
Description=Tests of Berth
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStartPre=/bin/mount --mkdir /dev/vdb /load
ExecStart=/bin/bash /load/enter
StandardOutput=file:/dev/ttyS1
StandardError=inherit
UNIT
  chroot "$home/root" systemctl add-wants multi-user.target berth-test.service
  make_disk "$home/root" "$home/root.ext4" 16G
  rm -rf --one-file-system "$home/root"
}

# make_disk DIRECTORY FILE SIZE: an ext4 file system with what is in the directory; a sparse file.
make_disk() { /sbin/mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1 -d "$1" "$2" "$3"; }

# build_helper_tests DIRECTORY: the helper's test programs, static, and its name, which they look for where it was built.
build_helper_tests() {
  local target=$BERTH_CACHE/target load=$1 program
  export PATH="$(rust_bin):$PATH" CARGO_TARGET_DIR=$target RUSTFLAGS='-C target-feature=+crt-static'
  mkdir -p "$load/helper-tests"
  cd "$berth_home"
  cargo test --locked --package berth-helper --lib --test '*' --no-run --target "$rust_target" --message-format json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' >"$load/built"
  while read -r program; do
    if [[ $program == */deps/* ]]; then
      install -D -m 755 "$program" "$load/helper-tests/$(basename "$program" | sed 's/-[0-9a-f]*$//')"
    else
      install -D -m 755 "$program" "$load/cache/${program#"$BERTH_CACHE/"}"
    fi
  done <"$load/built"
  rustc --edition 2024 -C target-feature=+crt-static -C opt-level=1 --target "$rust_target" -o "$load/init" packages/host/helper/tests/support/init.rs
}

# pack_machine DIRECTORY: load.ext4 with the checkout, Node, the npm packages, Berth's programs and the default image.
pack_machine() {
  local home=$1 load=$1/load
  mkdir -p "$load/checkout" "$load/cache/images" "$load/cache/bin"
  (cd "$berth_home" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp -a --parents -t "$load/checkout")
  (cd "$berth_home" && cp -a --reflink=auto --parents -t "$load/checkout" node_modules $(compgen -G 'packages/*/node_modules'))
  cp -a --reflink=auto "$image_home" "$load/cache/images/"
  cp -a --reflink=auto "$binaries_home" "$load/cache/bin/"
  install -D -m 755 "$node" "$load/cache/${node#"$BERTH_CACHE/"}"
  if [[ -n $runsc ]]; then install -m 755 "$runsc" "$load/runsc"; fi
  cp "$berth_home/scripts/machine-enter.sh" "$load/enter"
  printf '%s=%q\n' berth_home "$berth_home" BERTH_CACHE "$BERTH_CACHE" node "$node" machine_patience "$machine_patience" >"$load/settings"
  make_disk "$load" "$home/load.ext4" 8G
  rm -rf --one-file-system "$load"
}

# boot_machine DIRECTORY LAYOUT: runs the tests there; what they say is told, and their counts are added up. Its disks forget what it writes.
boot_machine() {
  local home=$1 layout=$2 parameters status=0 good=0 bad=0 line
  parameters='root=/dev/vda rw console=ttyS0 panic=-1 quiet mitigations=off'
  case $layout in
    v1) parameters+=' systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1' ;;
    hybrid) parameters+=' systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0' ;;
    v2) parameters+=' systemd.unified_cgroup_hierarchy=1' ;;
  esac
  : >"$home/report"
  # Beside the shell, which a signal ends only between two commands.
  {
    TMPDIR=$home nice -n 10 timeout --kill-after=10 "$machine_timeout" \
      qemu-system-x86_64 -M q35 -accel "${BERTH_MACHINE_ACCELERATOR:-tcg}" -cpu max,la57=off -smp 2 -m 3G \
      -nodefaults -no-user-config -no-reboot -display none -pidfile "$home/pid" \
      -kernel "$home/kernel" -initrd "$home/initrd" -append "$parameters berth.layout=$layout" \
      -drive file="$home/root.ext4,format=raw,if=virtio,snapshot=on" -drive file="$home/load.ext4,format=raw,if=virtio,snapshot=on" \
      -device virtio-rng-pci -serial "file:$home/console" -serial stdio </dev/null 2>"$home/qemu" |
      sed -u 's/\r$//' | tee "$home/report" | sed -u 's/^/       /' >&2
  } &
  wait $! || status=$?
  line=$(tail -n 1 "$home/report")
  if ((status == 0)) && [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    good=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
  else
    bad=1
    tail -n 40 "$home/console" "$home/qemu" >&2
    say "${say_red}FAILED${say_off} the machine did not come to the end of its tests"
  fi
  say "cgroup $layout: $good passed, $bad failed"
  passed=$((passed + good)) failed=$((failed + bad))
}
