{{- define "shared.proxy" -}}
- name: cloudsql-proxy
  image: {{ .Values.cloudsql.image }}
{{- with .Values.securityContext }}
  securityContext:
    {{ toYaml . | nindent 4 }}
{{- end }}
  args:
    - {{ .Values.cloudsql.instance | quote }}
  {{- if .Values.cloudsql.extraArgs }}
    {{- range $arg := .Values.cloudsql.extraArgs }}
    - {{ quote $arg }}
    {{- end }}
  {{- end }}
{{- end -}}
