# Where Debian's packages come from: the mirrors and options this machine's own apt uses. Sourced by build.sh.

# debian_sources SUITE: one-line apt sources for the suite. A Debian machine's own mirrors are used, translated to the suite;
# any other machine (or one whose mirrors cannot be told) gets none, and mmdebstrap then uses Debian's default.
debian_sources() {
  local wanted=$1 codename=''
  [[ $(sed -n 's/^ID=//p' /etc/os-release) == debian ]] || return 0
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  [[ -n $codename ]] || return 0
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null | sort -u |
    while read -r uri release component; do
      [[ $component == main && $release =~ ^$codename(-security|-updates)?$ ]] || continue
      printf 'deb %s %s main\n' "$uri" "${release/#$codename/$wanted}"
    done
}

# apt_options: how this machine's apt reaches its mirrors (proxies, checks of dates), one "Key "value"" a line.
apt_options() {
  apt-config dump --format '%F "%v"%n' |
    grep -Ei '^Acquire::(https?::(Proxy|CaInfo|Verify)|Check-Valid-Until|Check-Date|Retries|ForceIPv4)' | grep -v '""$' || true
}
