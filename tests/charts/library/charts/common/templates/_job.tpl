{{- define "common.job" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-{{ .Values.name }}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: {{ .Values.name }}
        image: registry.example.com/{{ .Values.name }}:1
        command:
        - sh
        - -c
        - |
          ./{{ .Values.name }} --all
          code=$?
          curl -X POST http://127.0.0.1:9091/quitquitquit
          exit $code
      - name: cloud-sql-proxy
        image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.11.0
        args: [--quitquitquit, my:eu:db]
{{- end }}
