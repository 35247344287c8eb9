{{- define "searchdb.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "searchdb.selector" }}
app.kubernetes.io/name: {{ include "searchdb.name" . }}
{{- end }}
{{- define "searchdb.consul" }}
- name: consul-agent
  image: {{ .Values.consul.image }}
  args:
    - agent
    - -client=0.0.0.0
    - -data-dir=/tmp
    - -retry-join=consul.{{ .Release.Namespace }}.svc
  ports:
    - name: http
      containerPort: {{ .Values.consul.port }}
{{- end }}
