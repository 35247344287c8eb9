{{- define "snippet.shutdown" -}}
curl -sf -X POST http://127.0.0.1:9091/quitquitquit
{{- end }}
