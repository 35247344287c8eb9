{{- define "common.pgbouncer" -}}
- name: pgbouncer
  image: {{ .Values.pgbouncer.image }}
  ports:
    - name: pgb
      containerPort: 6432
{{- end -}}
