{{- define "outside.annotations" -}}
{{- with .Values.annotations }}
{{- toYaml . }}
{{- end }}
{{- if .Values.mesh.holdApplication }}
proxy.istio.io/config: '{"holdApplicationUntilProxyStarts": true}'
{{- end }}
{{- end -}}
