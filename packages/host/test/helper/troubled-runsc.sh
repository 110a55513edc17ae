#!/bin/bash
# troubled-runsc.sh RUNSC ORDER ARGUMENT…: runsc, but for what the file ORDER says: a verb, how it goes wrong, and how often.
#   fail: ends with 1; die: is killed; hang: never ends; undone: does it and ends with 1; silent: does it, and is killed before it writes that down; bereft: does it, and the box (its process in ORDER.pid, if it runs already) dies at once
runsc=$1 order=$2
shift 2
verb='' last='' pid_file='' root=''
for word in "$@"; do
  case $word in pause | resume | checkpoint | restore) [[ -n $verb ]] || verb=$word ;; esac
  [[ $last != --pid-file ]] || pid_file=$word
  [[ $word != --root=* ]] || root=${word#--root=}
  [[ $last != --root ]] || root=$word
  last=$word
done
read -r wanted how times <"$order" 2>/dev/null
if [[ -z $verb || $verb != "${wanted:-}" ]] || ((times == 0)); then
  exec "$runsc" "$@"
fi
printf '%s %s %s\n' "$wanted" "$how" $((times - 1)) >"$order.new" && mv "$order.new" "$order"
case $how in
  fail) exit 1 ;;
  die) kill -9 $$ ;;
  hang) exec sleep 3600 ;;
  undone) "$runsc" "$@" && exit 1 ;;
  silent) cp "$root"/*.state "$order.state" && "$runsc" "$@" && cp "$order.state" "$root"/*.state && kill -9 $$ ;;
  bereft)
    if [[ $verb == restore ]]; then
      "$runsc" "$@" && kill -9 "$(cat "$pid_file")"
    else
      kill -9 "$(cat "$order.pid")" && "$runsc" "$@"
    fi
    ;;
esac
