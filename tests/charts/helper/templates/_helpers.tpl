{{- define "helper.proxy" -}}
- name: cloud-sql-proxy
  image: {{ .Values.proxy.image }}
  args:
  - --health-check
  - --http-address=0.0.0.0
  - --quitquitquit
  - project:region:{{ .Release.Name }}
  {{- with .Values.proxy.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
