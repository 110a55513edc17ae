# Runs one step of a build: step.sh DIRECTORY COMMAND. By a fresh bash where the image has one; `~` is the home of the account.
case $1 in
  '~') cd ;;
  *) cd "$1" ;;
esac || exit 1
if [ -x /bin/bash ]; then exec /bin/bash -c "$2"; else exec /bin/sh -c "$2"; fi
