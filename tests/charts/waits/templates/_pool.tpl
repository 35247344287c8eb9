{{- define "waits.pool" -}}
name: pgbouncer
image: {{ .Values.pool.image }}
ports:
  - containerPort: {{ .Values.pool.port }}
{{- end -}}
{{- define "waits.wait" -}}
until nc -z 127.0.0.1 {{ .Values.pool.port }}; do sleep 1; done
{{- end -}}
