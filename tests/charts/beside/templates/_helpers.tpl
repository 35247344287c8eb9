{{- define "beside.proxy" -}}
{{- if .Values.proxy.enabled }}
- name: cloud-sql-proxy
  image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.1
  args:
    - --quitquitquit
    - {{ .Values.proxy.instance }}
{{- end }}
{{- end -}}
