{{- define "included.init" -}}
- name: setup
  image: {{ .Values.setup.image }}
  args: [copy, /secrets]
{{- end -}}
{{- define "included.envoy" -}}
- name: envoy
  image: envoyproxy/envoy:v1.31.0
  ports:
    - containerPort: 9901
  args: [-c, /etc/envoy/envoy.yaml]
{{- end -}}
