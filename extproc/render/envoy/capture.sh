#!/bin/sh
# Rendered by `intentmesh render envoy` from mesh.yaml: change that and render again.
#
# sh capture.sh on       from now on, new connections of this machine's applications to these ports go through Envoy
# sh capture.sh off      no more
# sh capture.sh status   what is in place
#
# Run as root, with Envoy up: while this is on and Envoy is not, such connections are refused. What is connected already
# stays so: restart it. Calls to this machine itself are left alone, and so are those of the user that Envoy runs as.
set -eu

ENVOY_USER=@user@
LISTENER=@port@
PORTS=@ports@
IPV6=@ipv6@
CHAIN=INTENTMESH
CAUGHT="-p tcp -m multiport --dports $PORTS"

# chain COMMAND TABLE RULE: all of it in one step, so that nothing passes beside it while it is put in again.
chain() {
    "$1-restore" --noflush --wait <<RULES
*$2
:$CHAIN - [0:0]
-A $CHAIN -o lo -j RETURN
-A $CHAIN -m owner --uid-owner $ENVOY_USER -j RETURN
-A $CHAIN $3
COMMIT
RULES
    "$1" -w -t "$2" -C OUTPUT -p tcp -j $CHAIN 2>/dev/null || "$1" -w -t "$2" -I OUTPUT -p tcp -j $CHAIN
}

# remove COMMAND TABLE
remove() {
    while "$1" -w -t "$2" -D OUTPUT -p tcp -j $CHAIN 2>/dev/null; do :; done
    "$1" -w -t "$2" -F $CHAIN 2>/dev/null || :
    "$1" -w -t "$2" -X $CHAIN 2>/dev/null || :
}

case "${1:-}" in
on)
    id -u "$ENVOY_USER" >/dev/null
    chain iptables nat "$CAUGHT -j REDIRECT --to-ports $LISTENER"
    if [ "$IPV6" = yes ]; then
        chain ip6tables nat "$CAUGHT -j REDIRECT --to-ports $LISTENER"
    else # refused, so that applications use IPv4
        chain ip6tables filter "$CAUGHT -j REJECT --reject-with tcp-reset"
    fi
    ;;
off)
    remove iptables nat
    remove ip6tables nat
    remove ip6tables filter
    ;;
status)
    iptables -w -t nat -S $CHAIN 2>/dev/null || echo "IPv4: off"
    ip6tables -w -t nat -S $CHAIN 2>/dev/null || ip6tables -w -t filter -S $CHAIN 2>/dev/null || echo "IPv6: off"
    ;;
*)
    echo "usage: sh capture.sh on|off|status" >&2
    exit 2
    ;;
esac
