{{- define "idioms.pod" -}}
{{- with .Values.pullSecrets }}
imagePullSecrets:
{{- toYaml . | nindent 2 }}
{{- end }}
containers:
- name: {{ include "idioms.name" . }}
  image: {{ include "idioms.image" . }}
  {{- if .Values.resources }}
  resources:
{{ toYaml .Values.resources | indent 4 }}
  {{- end }}
- name: log-shipper
  image: fluent/fluent-bit:3.2
{{- end -}}
