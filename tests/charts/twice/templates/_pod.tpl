{{- define "pod" -}}
restartPolicy: Never
containers:
  - name: main
    image: registry.example.com/main:{{ .tag | default "1" }}
    command: ["/bin/sh", "-c"]
    args:
      - |
        {{ .run }}
        curl -X POST http://127.0.0.1:9091/quitquitquit
  - name: cloud-sql-proxy
    image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.11.0
    args: ["--quitquitquit", "my:eu:db"]
{{- end -}}
