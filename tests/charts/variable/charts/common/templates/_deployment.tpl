{{- define "common.deployment" -}}
{{- $root := .root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $root.Release.Name }}-{{ .component }}
spec:
  selector:
    matchLabels:
      component: {{ .component }}
  template:
    metadata:
      labels:
        component: {{ .component }}
    spec:
      containers:
        - name: {{ .component }}
          image: "{{ $root.Values.image.name }}:{{ $root.Values.image.tag }}"
          {{- if $root.Values.pgbouncer.enabled }}
          command:
            - sh
            - -c
            - |
              until nc -z localhost 6432
              do
                echo "waiting for pgbouncer"
                sleep 1
              done
              exec /bin/catalog
          {{- end }}
          ports:
            - containerPort: {{ $root.Values.port }}
        {{- if $root.Values.pgbouncer.enabled }}
        {{- include "common.pgbouncer" $root | nindent 8 }}
        {{- end }}
{{- end -}}
