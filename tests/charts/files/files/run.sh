set -e
./load --for {{ .Release.Name }}
./index
curl -sf -X POST http://127.0.0.1:9091/quitquitquit
