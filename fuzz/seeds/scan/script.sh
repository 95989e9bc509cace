kubectl apply -f - <<EOF
apiVersion: v1
kind: Secret
metadata: {name: a}
stringData: {p: x}
EOF
