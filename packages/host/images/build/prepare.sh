# Prepares an image for boxes: prepare.sh NAME UID GID HOME VERSION. Run by the /bin/sh of the image, as root; done again, it changes nothing.
set -e
name=$1 uid=$2 gid=$3 home=$4
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
has() { command -v "$1" >/dev/null 2>&1; }

if ! has sudo; then
  if has apt-get; then
    apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends sudo && rm -rf /var/lib/apt/lists/*
  elif has apk; then
    apk add --no-cache sudo bash
  elif has microdnf; then
    microdnf install -y sudo
  elif has dnf; then
    dnf install -y sudo
  elif has yum; then
    yum install -y sudo
  else
    false
  fi || if [ -e /.berth/sudo ]; then
    echo 'berth: this image has no sudo and no package manager that can install it: it gets one that comes with Berth'
    # Where this image looks for programs.
    bin=/usr/bin
    for place in /bin /usr/local/bin /usr/bin; do
      case ":$PATH:" in *":$place:"*) bin=$place ;; esac
    done
    mkdir -p "$bin"
    cp /.berth/sudo "$bin/sudo"
    chown 0:0 "$bin/sudo"
    chmod 4755 "$bin/sudo"
  else
    echo 'berth: sudo could not be installed: commands of this image run without it'
  fi
fi
mkdir -p /etc/sudoers.d /tmp
chmod 1777 /tmp
[ -s /etc/passwd ] || echo 'root:x:0:0:root:/root:/bin/sh' >/etc/passwd
[ -s /etc/group ] || echo 'root:x:0:' >/etc/group
grep -q "^$name:" /etc/group || echo "$name:x:$gid:" >>/etc/group
if ! grep -q "^$name:" /etc/passwd; then
  shell=/bin/sh
  [ ! -x /bin/bash ] || shell=/bin/bash
  # Before others, so that where an image has given the number away already it is called by this name.
  { sed -n 1p /etc/passwd && echo "$name:x:$uid:$gid::$home:$shell" && sed 1d /etc/passwd; } >/etc/passwd.berth
  cat /etc/passwd.berth >/etc/passwd
  rm /etc/passwd.berth
  [ ! -f /etc/shadow ] || grep -q "^$name:" /etc/shadow || echo "$name:*:19000:0:99999:7:::" >>/etc/shadow
fi
if [ ! -d "$home" ]; then
  mkdir -p "$home"
  [ ! -d /etc/skel ] || cp -R /etc/skel/. "$home/"
  chown -R "$uid:$gid" "$home"
fi
printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\nDefaults !fqdn\n' "$name" >"/etc/sudoers.d/$name"
chmod 440 "/etc/sudoers.d/$name"

# A login shell keeps the PATH that the image's ENV and the box's own environment name.
if [ -f /etc/profile ] && ! grep -q BERTH_PATH /etc/profile; then
  mkdir -p /etc/profile.d
  { echo 'BERTH_PATH=${PATH:-}' && cat /etc/profile; } >/etc/profile.berth
  cat /etc/profile.berth >/etc/profile
  rm /etc/profile.berth
  echo 'if [ -n "${BERTH_PATH:-}" ]; then export PATH="$BERTH_PATH"; fi; unset BERTH_PATH' >/etc/profile.d/00-berth-path.sh
fi
