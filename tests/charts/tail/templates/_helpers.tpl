{{/* Name */}}
{{- define "ledger.fullname" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "ledger.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{/* The whole pod */}}
{{- define "ledger.podSpec" -}}
serviceAccountName: {{ include "ledger.fullname" . }}
containers:
  - name: ledger
    image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
    command:
      - /bin/sh
      - -c
      - |
        until nc -z 127.0.0.1 5432; do
          sleep 1
        done
        exec /srv/ledger --listen :8080
    ports:
      - containerPort: 8080
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
  - name: cloud-sql-proxy
    image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.11.0
    args:
      - --address=0.0.0.0
      - --port=5432
      - {{ .Values.cloudsql.instance | quote }}
{{- end -}}
