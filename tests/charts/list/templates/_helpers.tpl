{{- define "list.fullname" -}}
{{- $global := index . 0 -}}
{{- $component := index . 1 -}}
{{- printf "%s-%s" $global.Release.Name $component | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "list.pgbouncer" -}}
{{- $global := index . 0 -}}
{{- $service := index . 1 -}}
- name: pgbouncer
  image: {{ $global.Values.pgbouncer.image }}
  ports:
    - name: pgbouncer
      containerPort: {{ $global.Values.pgbouncer.port }}
  env:
    - name: POOL_NAME
      value: {{ $service | quote }}
{{- end -}}
