{{- define "worker.proxy" -}}
name: cloud-sql-proxy
image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.1
args:
  - --quitquitquit
  - --port=5432
  - p:r:d
{{- with .Values.proxy.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
