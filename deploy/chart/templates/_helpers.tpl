{{- define "envcrypt.account" -}}
{{- .Values.serviceAccount.name | default "envcrypt-controller" -}}
{{- end }}

{{- define "envcrypt.selector" -}}
app.kubernetes.io/name: envcrypt-controller
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "envcrypt.labels" -}}
{{ include "envcrypt.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "envcrypt.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "envcrypt.keks" -}}
{{- if not .Values.keks }}
{{- fail "set `keks`: the KEKs that the controller may open with, for example --set 'keks={hashivault://prod}'" }}
{{- end }}
{{- join "," .Values.keks }}
{{- end }}

{{- /* What the controller may do in the namespaces that it serves. */}}
{{- define "envcrypt.rules" -}}
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets"]
  verbs: ["get", "list", "watch"]
- apiGroups: ["envcrypt.dev"]
  resources: ["envcryptsecrets/status"]
  verbs: ["patch"]
- apiGroups: [""]
  resources: ["secrets"]
  {{- if .Values.drift }}
  verbs: ["get", "list", "watch", "create", "patch", "delete"]
  {{- else }}
  verbs: ["get", "create", "patch", "delete"]
  {{- end }}
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["create", "patch"]
{{- if .Values.restart }}
- apiGroups: ["apps"]
  resources: ["deployments", "statefulsets", "daemonsets"]
  verbs: ["get", "list", "patch"]
{{- end }}
{{- end }}
