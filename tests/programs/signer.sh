#!/bin/sh
# Plays a program that signs. `SIGNER` says how it ends.
for file; do :; done
case $SIGNER in
    touch) printf 'Confirm user presence for key ED25519-SK\n' >&2
           echo "Signing $file failed: device not found or operation timed out" >&2; exit 1 ;;
    agent) echo "Couldn't sign message: agent refused operation" >&2; exit 1 ;;
    silent) exit 3 ;;
    steer) printf 'bad \033[2Jkey\nerror: not mine\n' >&2; exit 1 ;;
    nothing) exit 0 ;;
    garbage) echo 'not a signature' >"$file.sig" ;;
    huge) yes | head -c 1000000 >"$file.sig" ;;
    other-message) echo other >"$file"; exec ssh-keygen "$@" ;;
    other-purpose) exec ssh-keygen -Y sign -n git -f "$6" "$file" ;;
    other-key) exec ssh-keygen -Y sign -n "$4" -f "$OTHER_KEY" "$file" ;;
    arguments) echo "$@" >"$ARGUMENTS"; ls -ld "${file%/*}" >>"$ARGUMENTS"; exec ssh-keygen "$@" ;;
    prompt) printf 'insert the card: ' >&2; read -r answer </dev/tty
            [ "$answer" = done ] || exit 1; exec ssh-keygen "$@" ;;
    hang) echo $$ >"$PID_FILE"; printf 'waiting for you' >&2; exec sleep 1000 ;;
    stubborn) trap '' TERM INT; echo $$ >"$PID_FILE"; printf 'waiting for you' >&2
              while :; do sleep 1; done ;;
    *) exec ssh-keygen "$@" ;;
esac
