#!/bin/sh
# Plays age-plugin-yubikey for the page about KEKs.
case $1 in
--identity) cat "$HOME/printed" ;;
*) exec "$(dirname "$(readlink -f "$0")")/age-plugin-test.py" "$@" ;;
esac
