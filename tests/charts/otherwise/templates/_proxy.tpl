{{- define "otherwise.proxy" -}}
- name: cloud-sql-proxy
  image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.11.0
  args: [--quitquitquit, my:eu:rates]
{{- end -}}
